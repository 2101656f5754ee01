import { sha256Hex } from '../lib/hash.ts';
import type { Context } from './context.ts';
import { parseCredentials } from './credentials-file.ts';
import { readText, shred } from './durable-file.ts';
import { hostKeys } from './host.ts';
import { lettersToOwner } from './letters.ts';
import { credentialTexts } from './owner/text.ts';

/**
 * Once the setup has written them: the letters with the credentials and the next steps. In a turn; true when there is a new letter.
 * Killed midway: the file is still there and no letter exists, or the letter exists and the same file makes no second one.
 */
export async function sendCredentials(context: Context): Promise<boolean> {
  const { state, paths, node, log, reach } = context;
  const text = readText(paths.credentials);
  if (text === null) return false;
  const sha256 = sha256Hex(text);
  if (state.now.credentials.sha256 === sha256) return false;
  const credentials = parseCredentials(text, hostKeys(paths.hostKeys));
  if (credentials === null) {
    log.error('credentials.unreadable');
    return false;
  }
  const before = state.now.letters.length;
  const patch = await lettersToOwner(context, credentialTexts(node, credentials));
  const letterIds = patch.letters.slice(before).map(({ id }) => id);
  state.change(() => ({ ...patch, credentials: { sha256, letterIds }, rpcUser: credentials.bitcoinRpc.user }));
  reach('credentials.kept');
  log.info('credentials.sealed');
  return true;
}

/** Takes the plain file away once relays have all its letters. Killed midway: the next start does it. */
export function shredDelivered({ state, paths, log, reach }: Context): void {
  const { sha256, letterIds } = state.now.credentials;
  const isOnItsWay = state.now.letters.some(({ id, takenBy }) => letterIds.includes(id) && takenBy.length === 0);
  const text = sha256 === null || isOnItsWay ? null : readText(paths.credentials);
  if (text === null || sha256Hex(text) !== sha256) return;
  reach('credentials.delivered');
  shred(paths.credentials);
  log.info('credentials.shredded');
}
