import { customer, nextSendTime } from '../../customers/index.ts';
import { statement, type Tx } from '../../db/index.ts';
import { createRumor, sealDm } from '../../nostr/seal.ts';
import type { InboundMessage } from '../inbound.ts';
import { keepLists, ladder, lookUpLists } from './ladder.ts';
import { keepSealed } from './progress.ts';
import type { DeliveryOptions } from './seal.ts';

/** A message whose text never rests with us: a token, a key. */
export interface SecretMessage {
  readonly to: string;
  readonly text: string;
  readonly answering: InboundMessage;
  readonly reference: boolean;
  readonly orderId: string;
}

/** Seals it at once; what it hands back owes the sealed bytes, in the transaction that keeps what the text is about. */
export type SealSecret = (message: SecretMessage) => Promise<(tx: Tx) => void>;

export function createSealSecret(options: DeliveryOptions): SealSecret {
  const { database, signer, rng, clock } = options;
  return async ({ to, text, answering, reference, orderId }) => {
    if (answering.protocol !== 'nip17') throw new Error('secret.not_by_nip17');
    const lists = await lookUpLists(options, to, new AbortController().signal);
    const now = clock.now();
    const { lastSentAt } = customer(database.read, to);
    // Its date is fixed by sealing it: after all that was said until now. Two in a row keep their order by a second each.
    const createdAt = (Math.max(now, lastSentAt + 1, answering.createdAt + 1) + (reference ? 0 : 1)) as typeof now;
    const replyTo = reference ? answering.rumorId : undefined;
    const wish = { pubkey: signer.publicKey, kind: 14, content: text, createdAt, recipients: [to], replyTo };
    const rumor = createRumor(wish);
    const event = await sealDm(rumor, to, signer, rng, now);
    return (tx) => {
      keepLists(tx, lists);
      const { lastInsertRowid } = statement(
        tx,
        `INSERT INTO outbox (recipient, protocol, sent_at, reply_to, text_id, order_id, paid, state, created_at)
         VALUES (?, 'nip17', ?, ?, NULL, ?, 1, 'waiting', ?)`,
      ).run(to, createdAt, replyTo ?? null, orderId, now);
      nextSendTime(tx, to, createdAt, null);
      const sealed = { event: JSON.stringify(event), eventId: event.id, rumorId: rumor.id };
      keepSealed(tx, Number(lastInsertRowid), sealed, ladder(tx, to, options), false, now);
      options.onReady();
    };
  };
}
