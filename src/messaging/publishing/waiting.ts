import { statement, type Reader, type Tx } from '../../db/index.ts';
import type { UnixSeconds } from '../../lib/units.ts';

/** A message that is due on a relay. */
export interface DueRow {
  readonly id: number;
  readonly recipient: string;
  readonly paid: number;
  /** The bytes for this relay, JSON. */
  readonly event: string;
}

export interface DueRelay {
  readonly relay: string;
  /** Something that was paid for is due there. */
  readonly paid: number;
}

/** Relays on which something is due: what was paid for first, then whoever waited longest. */
export function dueRelays(reader: Reader, now: UnixSeconds, limit: number): DueRelay[] {
  return statement(
    reader,
    `SELECT r.relay, max(o.paid) AS paid FROM outbox_relays r JOIN outbox o ON o.id = r.outbox_id
     WHERE r.state = 'pending' AND r.due_at <= ? GROUP BY r.relay ORDER BY 2 DESC, min(r.due_at) LIMIT ?`,
  ).all(now, limit) as DueRelay[];
}

/** What is due on this relay: what was paid for first, then the oldest, at most `each` of one reader. */
export function dueAt(
  reader: Reader,
  relay: string,
  now: UnixSeconds,
  { each, limit }: { each: number; limit: number },
): DueRow[] {
  return statement(
    reader,
    `SELECT id, recipient, paid, event FROM (
       SELECT o.id, o.recipient, o.paid, coalesce(r.event, o.event) AS event,
         row_number() OVER (PARTITION BY o.recipient ORDER BY o.paid DESC, o.id) AS nth
       FROM outbox_relays r JOIN outbox o ON o.id = r.outbox_id
       WHERE r.relay = @relay AND r.state = 'pending' AND r.due_at <= @now AND o.event IS NOT NULL)
     WHERE nth <= @each ORDER BY paid DESC, id LIMIT @limit`,
  ).all({ relay, now, each, limit }) as DueRow[];
}

/** Messages that are still offered although their time is over (`giveUpAfter`). */
export function outlived(
  reader: Reader,
  before: { readonly unpaid: UnixSeconds; readonly paid: UnixSeconds },
): number[] {
  return statement(
    reader,
    `SELECT id FROM outbox WHERE state <> 'delivered' AND created_at < CASE WHEN paid THEN @paid ELSE @unpaid END
       AND EXISTS (SELECT 1 FROM outbox_relays r WHERE r.outbox_id = outbox.id AND r.state = 'pending') LIMIT 500`,
  )
    .pluck()
    .all(before) as number[];
}

/** Is it still owed there? */
export function mayGo(reader: Reader, id: number, relay: string): boolean {
  const sql = `SELECT 1 FROM outbox_relays r JOIN outbox o ON o.id = r.outbox_id
    WHERE r.outbox_id = ? AND r.relay = ? AND r.state = 'pending' AND o.event IS NOT NULL`;
  return statement(reader, sql).get(id, relay) !== undefined;
}

/** What waits for this relay is due now. */
export function wakeRelay(tx: Tx, relay: string, now: UnixSeconds): void {
  statement(
    tx,
    `UPDATE outbox_relays SET due_at = @now WHERE relay = @relay AND state = 'pending' AND due_at > @now`,
  ).run({ relay, now });
}

/** A paid answer that no relay of its reader takes. */
export interface StuckAnswer {
  readonly id: number;
  readonly recipient: string;
  readonly orderId: string | null;
}

/** Paid answers made before `before` that nobody has, and that the operator was not told of. */
export function stuckAnswers(reader: Reader, before: UnixSeconds): StuckAnswer[] {
  return statement(
    reader,
    `SELECT id, recipient, order_id AS orderId FROM outbox WHERE state IN ('waiting', 'sealed', 'undeliverable') AND created_at < ?
       AND paid AND alerted_at IS NULL AND NOT EXISTS
         (SELECT 1 FROM outbox_relays r WHERE r.outbox_id = outbox.id AND r.state = 'accepted') ORDER BY id LIMIT 100`,
  ).all(before) as StuckAnswer[];
}

export function noteAlerted(tx: Tx, stuck: readonly StuckAnswer[], now: UnixSeconds): void {
  for (const { id } of stuck) statement(tx, 'UPDATE outbox SET alerted_at = ? WHERE id = ?').run(now, id);
}

export interface WaitingAnswers {
  /** Messages on their way, and of them those about money that was paid. */
  readonly messages: number;
  readonly paid: number;
  /** The paid ones that every way was tried for in vain. */
  readonly undeliverable: number;
  /** When the oldest paid one was made; null: none waits. */
  readonly oldestPaidAt: UnixSeconds | null;
  /** What the relays say of the paid ones: `blocked` 2, `unreachable` 1. */
  readonly why: Readonly<Record<string, number>>;
}

/** What waits to be delivered, for the operator. */
export function waitingAnswers(reader: Reader): WaitingAnswers {
  const waiting = `state IN ('waiting', 'sealed', 'undeliverable')`;
  const counts = statement(
    reader,
    `SELECT count(*) AS messages, coalesce(sum(paid), 0) AS paid, coalesce(sum(paid AND state = 'undeliverable'), 0) AS undeliverable,
       min(CASE WHEN paid THEN created_at END) AS oldestPaidAt FROM outbox WHERE ${waiting}`,
  ).get() as Omit<WaitingAnswers, 'why'>;
  const why = statement(
    reader,
    `SELECT r.why, count(*) AS n FROM outbox o JOIN outbox_relays r ON r.outbox_id = o.id
     WHERE o.${waiting} AND o.paid AND r.state <> 'accepted' AND r.why IS NOT NULL GROUP BY r.why ORDER BY n DESC`,
  ).all() as { why: string; n: number }[];
  return { ...counts, why: Object.fromEntries(why.map((row) => [row.why, row.n])) };
}

/** The clock was put back by `seconds` to `now`: what waits goes on waiting as long as it would have, not longer. */
export function putBackOffers(tx: Tx, seconds: number, now: UnixSeconds): void {
  statement(tx, `UPDATE outbox_relays SET due_at = max(0, due_at - ?) WHERE state = 'pending'`).run(seconds);
  statement(tx, `UPDATE outbox SET climb_at = max(0, climb_at - ?) WHERE climb_at IS NOT NULL`).run(seconds);
  statement(tx, 'UPDATE outbox SET created_at = min(created_at, ?)').run(now);
}
