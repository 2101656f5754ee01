import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { encodeNpub, encodeNsec, generateSecretKey, publicKeyOf } from '../nostr/keys.ts';
import { print, say } from './output.ts';
import { Failure, type Cli } from './run.ts';

/** `timmy keygen [--json] [--out FILE]`: a new identity; with `--out` the secret half is in the file only. */
export function registerKeygen(program: Command, cli: Cli): void {
  program
    .command('keygen')
    .description('make a new secret key')
    .option('--out <file>', 'write the nsec to a new file (mode 0600) instead of the terminal')
    .option('--json', 'one JSON object')
    .action((options: { out?: string; json?: true }) => {
      const secretKey = generateSecretKey(cli.rng);
      const nsec = encodeNsec(secretKey).expose();
      const pubkey = publicKeyOf(secretKey);
      const npub = encodeNpub(pubkey);
      const json = options.json === true;
      if (options.out === undefined) {
        print(cli, json, { npub, pubkey, nsec }, `npub: ${npub}\nnsec: ${nsec}`);
        if (!json) say(cli, 'Whoever has the nsec is Timmy. Keep it where nobody reads it; there is no other copy.');
        return;
      }
      const file = resolve(cli.cwd, options.out);
      writeNewSecret(file, nsec);
      print(cli, json, { npub, pubkey, file }, npub);
      say(cli, `The nsec is in ${file}. Keep a copy where nobody reads it.`);
    });
}

function writeNewSecret(file: string, nsec: string): void {
  try {
    writeFileSync(file, `${nsec}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === 'EEXIST') throw new Failure(`${file} exists already; nothing was written. Choose another name.`);
    throw new Failure(`${file} cannot be written (${typeof code === 'string' ? code : 'unknown error'}).`);
  }
}
