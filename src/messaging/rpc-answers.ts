import type { Texts } from '../customers/index.ts';
import type { Tx } from '../db/index.ts';
import type { UnixSeconds } from '../lib/units.ts';
import type { InboundMessage } from './inbound.ts';
import { enqueue } from './outbox.ts';
import { forgetRequest, keepAnswer } from './replay.ts';

/**
 * Answers a JSON-RPC request. The first answer to one that changes something is kept for replays; after an answer
 * that says "later" the same request may be made again.
 */
export function answerRpc(
  tx: Tx,
  texts: Texts,
  message: InboundMessage,
  text: string,
  options: { readonly replayable: boolean; readonly orderId?: string },
  now: UnixSeconds,
): void {
  const { orderId } = options;
  const textId = enqueue(
    tx,
    texts,
    { to: message.sender, text, answering: message, ...(orderId === undefined ? {} : { orderId }) },
    now,
  );
  if (message.rpcKey === null) return;
  if (options.replayable) keepAnswer(tx, message.rpcKey, { textId, orderId: orderId ?? null }, now);
  else forgetRequest(tx, message.id);
}
