import type { Reader } from '../db/index.ts';
import type { ProductCommands, RpcMethod, Speaker, WordCommand } from '../engine/index.ts';

/** Who this key is to us: an operator first, then what a product knows of it. */
export type WhoSpeaks = (reader: Reader, npub: string) => Speaker;

export function speakers(operators: readonly string[], ofProducts: readonly ProductCommands[]): WhoSpeaks {
  return (reader, npub) => {
    if (operators.includes(npub)) return 'operator';
    for (const { speaks } of ofProducts) {
      const speaker = speaks?.(reader, npub);
      if (speaker !== undefined) return speaker;
    }
    return 'customer';
  };
}

/** What this speaker may say: the rest is no command from them. */
export function knownTo<C extends Pick<WordCommand | RpcMethod, 'only'>>(
  commands: readonly C[],
  speaker: Speaker,
): readonly C[] {
  return commands.filter(({ only }) => only === undefined || only.includes(speaker));
}
