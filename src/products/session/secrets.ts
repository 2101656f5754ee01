import type { CommandContext } from '../../engine/index.ts';
import { refuse, type Refusal } from '../../lib/errors.ts';

/** Kind 4 shows who writes to whom, and opens to whoever gets a key later: no tokens there. */
export function secretsRefused({ message }: CommandContext): Refusal | undefined {
  if (message.protocol === 'nip17') return undefined;
  return refuse(
    'bad_state',
    'A token is a secret, and messages of kind 4 keep none well. Write to me by NIP-17 (private messages in Amethyst, 0xchat, Keychat and others) and ask again.',
    { state: 'nip04', reason: 'write by NIP-17' },
  );
}
