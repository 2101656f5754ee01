import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../config/index.ts';
import { ConfigError } from '../lib/errors.ts';
import type { Rng } from '../lib/rng.ts';
import type { Secret } from '../lib/secret.ts';
import { encodeNsec, generateSecretKey, parseSecretKey } from '../nostr/keys.ts';

/** Timmy's own key out of the settings. @throws ConfigError when there is none, or its passphrase is wrong. */
export function ownSecretKey(settings: Settings): Secret<Uint8Array> {
  const { TIMMY_NOSTR_NSEC: written, TIMMY_NOSTR_PASSPHRASE: passphrase } = settings;
  if (written === undefined) {
    throw new ConfigError([
      'TIMMY_NOSTR_NSEC is missing: make a key with "timmy keygen --out FILE" and set TIMMY_NOSTR_NSEC_FILE=FILE. To try Timmy without one: timmy start --dev',
    ]);
  }
  try {
    return parseSecretKey(written.expose(), passphrase);
  } catch (error) {
    throw new ConfigError([`TIMMY_NOSTR_NSEC: ${error instanceof Error ? error.message : 'unreadable'}`]);
  }
}

/**
 * The key of `start --dev`: the configured one, else one made at the first start and kept in the data directory (mode
 * 0600), for the texts in the database are sealed with it.
 */
export function devSecretKey(settings: Settings, rng: Rng): Secret<Uint8Array> {
  if (settings.TIMMY_NOSTR_NSEC !== undefined) return ownSecretKey(settings);
  const file = devKeyFile(settings);
  if (!existsSync(file)) {
    mkdirSync(settings.TIMMY_DATA_DIR, { recursive: true, mode: 0o700 });
    writeFileSync(file, `${encodeNsec(generateSecretKey(rng)).expose()}\n`, { mode: 0o600, flag: 'wx' });
  }
  return parseSecretKey(readFileSync(file, 'utf8').trim());
}

/** Whose npub it is at this machine: the configured key, else the one that `start --dev` made here. */
export function knownSecretKey(settings: Settings): Secret<Uint8Array> {
  const file = devKeyFile(settings);
  if (settings.TIMMY_NOSTR_NSEC !== undefined || !existsSync(file)) return ownSecretKey(settings);
  return parseSecretKey(readFileSync(file, 'utf8').trim());
}

function devKeyFile(settings: Settings): string {
  return join(settings.TIMMY_DATA_DIR, 'dev.nsec');
}
