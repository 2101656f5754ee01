import type { EventTemplate } from '../nostr/event.ts';
import { createRumor, sealDm } from '../nostr/seal.ts';
import type { Context } from './context.ts';
import type { NodeFile } from './node-file.ts';
import { nextDate, type AgentState, type Letter } from './state.ts';

const CHAT = 14;
/** Longer messages are shown badly, or refused. Bytes. */
export const MAX_MESSAGE_BYTES = 5_900;
/** Before everything that a stub says: nobody shall take it for a node. */
export const STUB_LINE = 'STUB: no server exists.';

/**
 * Seals `texts` for the owner, each its own message. They exist for the world once the patch that comes back is
 * part of the state. Call it in a turn. `replyTo`: rumor id of what they answer.
 */
export async function lettersToOwner(
  { node, signer, rng, clock, state }: Context,
  texts: readonly string[],
  replyTo?: string,
): Promise<Pick<AgentState, 'letters' | 'lastSaidAt'>> {
  let { lastSaidAt } = state.now;
  const letters: Letter[] = [];
  const now = clock.now();
  for (const content of texts.flatMap((text) => partsOf(text).map((part) => said(node, part)))) {
    const createdAt = nextDate({ ...state.now, lastSaidAt }, now);
    const rumor = createRumor({
      pubkey: signer.publicKey,
      kind: CHAT,
      content,
      createdAt,
      recipients: [node.owner],
      replyTo,
    });
    const event = await sealDm(rumor, node.owner, signer, rng, now);
    letters.push({ id: rumor.id, to: 'owner', event, madeAt: now, takenBy: [] });
    lastSaidAt = createdAt;
  }
  return { letters: [...state.now.letters, ...letters], lastSaidAt };
}

/** What everybody may read, signed once: the node's profile and where it reads. */
export async function openLetters(
  { signer, clock }: Context,
  templates: readonly EventTemplate[],
): Promise<readonly Letter[]> {
  const madeAt = clock.now();
  const events = await Promise.all(templates.map((template) => signer.sign(template)));
  return events.map((event) => ({ id: event.id, to: 'everybody', event, madeAt, takenBy: [] }));
}

/** Before the words of a stub stands that it is one; programs are told by a field. */
const said = ({ stub }: NodeFile, text: string): string =>
  stub && !text.startsWith('{') ? `${STUB_LINE}\n${text}` : text;

/** Nothing is cut off: what is too long for one message is several, broken at the ends of lines. Programs get theirs whole. */
function partsOf(text: string): readonly string[] {
  if (text.startsWith('{')) return [text];
  const parts: string[] = [];
  for (const line of text.split('\n')) {
    const longer = parts.length === 0 ? line : `${parts.at(-1)}\n${line}`;
    if (parts.length === 0 || Buffer.byteLength(longer) > MAX_MESSAGE_BYTES) parts.push(line);
    else parts[parts.length - 1] = longer;
  }
  return parts;
}
