import type { Command } from 'commander';
import { loadSettings, type Settings } from '../config/index.ts';
import { dataDir, openDatabase, readFact } from '../db/index.ts';
import { encodeNpub, publicKeyOf } from '../nostr/keys.ts';
import { print, say } from './output.ts';
import { knownSecretKey } from './own-key.ts';
import { isThere, relaysOfDaemon } from './reading.ts';
import type { Cli } from './run.ts';

/** `timmy whoami [--json]`: who this configuration makes Timmy be, and where it can be written to. */
export function registerWhoami(program: Command, cli: Cli): void {
  program
    .command('whoami')
    .description("print Timmy's npub")
    .option('--json', 'one JSON object')
    .action((options: { json?: true }) => {
      const settings = loadSettings({
        env: cli.env,
        cwd: cli.cwd,
        advise: false,
        warn: (warning) => say(cli, warning),
      });
      const pubkey = publicKeyHere(settings);
      const npub = encodeNpub(pubkey);
      const { TIMMY_NAME: name } = settings;
      const read = relaysOfDaemon(settings.TIMMY_DATA_DIR);
      const relays = read.length > 0 ? read : settings.TIMMY_RELAYS;
      print(cli, options.json === true, { npub, pubkey, name, relays }, npub);
    });
}

/** Of the configured key; else, beside a daemon whose key is a credential of its unit, as its database knows it. */
function publicKeyHere(settings: Settings): string {
  const { databaseFile } = dataDir(settings.TIMMY_DATA_DIR);
  if (settings.TIMMY_NOSTR_NSEC !== undefined || !isThere(databaseFile)) return publicKeyOf(knownSecretKey(settings));
  const database = openDatabase(databaseFile);
  try {
    return readFact(database.read, 'identity') ?? publicKeyOf(knownSecretKey(settings));
  } finally {
    database.close();
  }
}
