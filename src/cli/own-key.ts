import type { Settings } from '../config/index.ts';
import { ConfigError } from '../lib/errors.ts';
import type { Secret } from '../lib/secret.ts';
import { parseSecretKey } from '../nostr/keys.ts';

/** Timmy's own key out of the settings. @throws ConfigError when there is none, or its passphrase is wrong. */
export function ownSecretKey(settings: Settings): Secret<Uint8Array> {
  const { TIMMY_NOSTR_NSEC: written, TIMMY_NOSTR_PASSPHRASE: passphrase } = settings;
  if (written === undefined) {
    throw new ConfigError([
      'TIMMY_NOSTR_NSEC is missing: make a key with "timmy keygen --out FILE" and set TIMMY_NOSTR_NSEC_FILE=FILE',
    ]);
  }
  try {
    return parseSecretKey(written.expose(), passphrase);
  } catch (error) {
    throw new ConfigError([`TIMMY_NOSTR_NSEC: ${error instanceof Error ? error.message : 'unreadable'}`]);
  }
}
