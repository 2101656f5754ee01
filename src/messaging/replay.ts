import { statement, type Reader, type Tx } from '../db/index.ts';
import { reachingBack } from '../downtime/index.ts';
import type { UnixSeconds } from '../lib/units.ts';

const REPLAY_SECONDS = 86_400;

/** In the place of an answer's text: it was a secret, which was sent once and is kept nowhere. */
export const SENT_ONCE = 0;

export type Replay =
  | { readonly state: 'new' }
  | { readonly state: 'under_way' }
  /** The text may have been erased since, or never been kept (`SENT_ONCE`). `orderId`: what it was about, where that was an order. */
  | { readonly state: 'answered'; readonly textId: number; readonly orderId: string | null };

/**
 * Is this the repetition of a request that changes something (same sender, id, method and params within 24 hours in which we could serve)?
 * Then it does nothing twice and gets its first answer.
 */
export function findReplay(reader: Reader, key: string, inboxId: number, now: UnixSeconds): Replay {
  const since = reachingBack(reader, now, REPLAY_SECONDS);
  const answer = statement(
    reader,
    'SELECT text_id AS textId, order_id AS orderId FROM rpc_answers WHERE key = ? AND at > ?',
  ).get(key, since) as { textId: number; orderId: string | null } | undefined;
  if (answer !== undefined) return { state: 'answered', ...answer };
  const earlier = statement(reader, 'SELECT 1 FROM inbox WHERE rpc_key = ? AND id < ? AND received_at > ?').get(
    key,
    inboxId,
    since,
  );
  return earlier === undefined ? { state: 'new' } : { state: 'under_way' };
}

export function keepAnswer(
  tx: Tx,
  key: string,
  answer: { readonly textId: number; readonly orderId: string | null },
  at: UnixSeconds,
): void {
  statement(
    tx,
    `INSERT INTO rpc_answers (key, text_id, order_id, at) VALUES (?, ?, ?, ?) ON CONFLICT (key)
     DO UPDATE SET text_id = excluded.text_id, order_id = excluded.order_id, at = excluded.at`,
  ).run(key, answer.textId, answer.orderId, at);
}

/** A request that ended in "try later" may be sent again as it is: it counts as never made. */
export function forgetRequest(tx: Tx, inboxId: number): void {
  statement(tx, 'UPDATE inbox SET rpc_key = NULL WHERE id = ?').run(inboxId);
}
