import type { Command } from 'commander';
import { loadSettings } from '../config/index.ts';
import { encodeNpub, publicKeyOf } from '../nostr/keys.ts';
import { print, say } from './output.ts';
import { knownSecretKey } from './own-key.ts';
import type { Cli } from './run.ts';

/** `timmy whoami [--json]`: who this configuration makes Timmy be, and where it can be written to. */
export function registerWhoami(program: Command, cli: Cli): void {
  program
    .command('whoami')
    .description("print Timmy's npub")
    .option('--json', 'one JSON object')
    .action((options: { json?: true }) => {
      const settings = loadSettings({ env: cli.env, cwd: cli.cwd, warn: (warning) => say(cli, warning) });
      const pubkey = publicKeyOf(knownSecretKey(settings));
      const npub = encodeNpub(pubkey);
      const { TIMMY_NAME: name, TIMMY_RELAYS: relays } = settings;
      print(cli, options.json === true, { npub, pubkey, name, relays }, npub);
    });
}
