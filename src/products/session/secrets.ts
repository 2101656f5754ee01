import type { CommandContext } from '../../engine/index.ts';
import { protocolRefusal } from '../../engine/index.ts';
import type { Refusal } from '../../lib/errors.ts';

/** Kind 4 shows who writes to whom, and opens to whoever gets a key later: no tokens there. */
export const TOKEN_IS_SECRET = 'A token is a secret, and messages of kind 4 keep none well.';

export function secretsRefused({ message }: CommandContext): Refusal | undefined {
  return protocolRefusal({ nip17Only: TOKEN_IS_SECRET }, message);
}
