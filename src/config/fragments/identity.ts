import { bech32 } from '@scure/base';
import { parseSecretKey } from '../../nostr/keys.ts';
import { httpUrl, path, secret, text } from '../kinds.ts';

/** Is it a key? An ncryptsec is only looked at from outside: opening it costs a second. */
function isKey(written: string): boolean {
  if (/^ncryptsec1/i.test(written)) return bech32.decodeUnsafe(written, 500)?.prefix === 'ncryptsec';
  try {
    parseSecretKey(written);
    return true;
  } catch {
    return false;
  }
}

/** Who Timmy is: its key and its profile (kind 0). */
export const identity = {
  TIMMY_NOSTR_NSEC: secret({
    about:
      'Secret key: nsec, 64 hex characters, or ncryptsec (NIP-49). Better given as systemd credential "timmy-nsec".',
    expected: 'an nsec, 64 hex characters, or an ncryptsec (make one with: timmy keygen)',
    good: isKey,
    credential: 'timmy-nsec',
    fileSetting: 'TIMMY_NOSTR_NSEC_FILE',
  }),
  TIMMY_NOSTR_NSEC_FILE: path({ about: 'File with the secret key, mode 0600, as "timmy keygen --out" writes it.' }),
  TIMMY_NOSTR_PASSPHRASE: secret({
    about: 'Passphrase of an ncryptsec.',
    expected: 'the passphrase, on one line',
    good: (written) => !/[\r\n]/.test(written),
    credential: 'timmy-passphrase',
  }),
  TIMMY_NAME: text({ about: 'Name in the profile.', default: 'Timmy', max: 60 }),
  TIMMY_ABOUT: text({
    about: 'Description in the profile.',
    default: 'Send me a question by direct message, pay the Lightning invoice, get the answer. Send "help" to begin.',
    max: 500,
  }),
  TIMMY_PICTURE: httpUrl({ about: 'URL of the picture in the profile.', query: true }),
  TIMMY_NIP05: text({ about: 'NIP-05 address in the profile (name@example.com).', max: 200 }),
  TIMMY_LUD16: text({ about: 'Lightning address in the profile (name@example.com).', max: 200 }),
};
