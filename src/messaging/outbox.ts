import { customer, nextSendTime, type TextId, type Texts } from '../customers/index.ts';
import { statement, type Reader, type Tx } from '../db/index.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { schedule } from '../tasks/index.ts';
import type { InboundMessage } from './inbox.ts';

export interface OutgoingMessage {
  readonly to: string;
  readonly text: string;
  /** The message this answers: the reply is tagged with it and uses its protocol. */
  readonly answering?: InboundMessage | null;
  /** False: in the protocol of that message, but without a reference to it (all but the first of an answer). */
  readonly reference?: boolean;
  /** The short id of the order it is about. */
  readonly orderId?: string | null;
}

/**
 * Owes one message: it is sealed and delivered after the commit, for as long as it takes. Messages to one person
 * keep their order through strictly increasing dates.
 *
 * @returns the id of the kept text.
 */
export function enqueue(tx: Tx, texts: Texts, message: OutgoingMessage, now: UnixSeconds): TextId {
  const answering = message.answering ?? null;
  const sentAt = nextSendTime(tx, message.to, now, answering?.createdAt ?? null);
  const textId = texts.keep(tx, message.to, message.text, now);
  const { lastInsertRowid } = statement(
    tx,
    `INSERT INTO outbox (recipient, protocol, sent_at, reply_to, text_id, order_id, state, created_at)
     VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?)`,
  ).run(
    message.to,
    answering?.protocol ?? customer(tx, message.to).protocol,
    sentAt,
    message.reference === false ? null : (answering?.rumorId ?? null),
    textId,
    message.orderId ?? null,
    now,
  );
  sealSoon(tx, Number(lastInsertRowid), message.to, now);
  return textId;
}

/** Owes the sealing of a message, after those before it to the same recipient. */
export function sealSoon(tx: Tx, outboxId: number, to: string, now: UnixSeconds): void {
  schedule(tx, { kind: 'outbox.seal', payload: { outboxId }, lane: `seal:${to}`, dueAt: now, now });
}

export interface OutboxRow {
  readonly id: number;
  readonly recipient: string;
  readonly protocol: 'nip17' | 'nip04';
  readonly sentAt: UnixSeconds;
  readonly replyTo: string | null;
  readonly textId: number | null;
  readonly state: 'waiting' | 'sealed' | 'delivered' | 'undeliverable';
  readonly event: string | null;
  readonly createdAt: UnixSeconds;
}

/** @throws when there is no such row. */
export function loadOutgoing(reader: Reader, id: number): OutboxRow {
  const row = statement(
    reader,
    `SELECT id, recipient, protocol, sent_at AS sentAt, reply_to AS replyTo, text_id AS textId, state, event,
            created_at AS createdAt FROM outbox WHERE id = ?`,
  ).get(id) as OutboxRow | undefined;
  if (row === undefined) throw new Error('outbox.missing');
  return row;
}

/** Keeps the signed bytes and owes them to each of `relays`. From here on the same bytes are sent, never others. */
export function keepSealed(
  tx: Tx,
  id: number,
  sealed: { event: string; eventId: string; rumorId: string },
  relays: readonly string[],
  now: UnixSeconds,
  nearNow: boolean,
): void {
  statement(tx, `UPDATE outbox SET state = 'sealed', event = ?, event_id = ?, rumor_id = ? WHERE id = ?`).run(
    sealed.event,
    sealed.eventId,
    sealed.rumorId,
    id,
  );
  for (const relay of relays) {
    statement(
      tx,
      `INSERT INTO outbox_relays (outbox_id, relay, state, at) VALUES (?, ?, 'pending', ?)
       ON CONFLICT DO UPDATE SET state = 'pending', why = NULL`,
    ).run(id, relay, now);
    schedule(tx, {
      kind: 'outbox.publish',
      payload: { outboxId: id, relay, nearNow },
      key: `publish:${id}:${relay}`,
      dueAt: now,
      now,
    });
  }
}

/** Notes a relay's final word, and what follows for the message: delivered at two acceptances, or one of one relay. */
export function noteRelayAnswer(
  tx: Tx,
  texts: Texts,
  id: number,
  relay: string,
  state: 'accepted' | 'refused',
  why: string | null,
  now: UnixSeconds,
): void {
  statement(tx, 'UPDATE outbox_relays SET state = ?, why = ?, at = ? WHERE outbox_id = ? AND relay = ?').run(
    state,
    why,
    now,
    id,
    relay,
  );
  const counts = statement(
    tx,
    `SELECT count(*) AS relays, sum(state = 'accepted') AS accepted, sum(state = 'pending') AS pending
     FROM outbox_relays WHERE outbox_id = ?`,
  ).get(id) as { relays: number; accepted: number; pending: number };
  if (counts.accepted >= Math.min(2, counts.relays) || (counts.pending === 0 && counts.accepted > 0)) {
    statement(tx, `UPDATE outbox SET state = 'delivered' WHERE id = ?`).run(id);
  } else if (counts.pending === 0) {
    statement(tx, `UPDATE outbox SET state = 'undeliverable' WHERE id = ?`).run(id);
  }
  if (counts.pending > 0) return;
  // Nobody needs the bytes any more; what was said lives on with the order it is about.
  const row = loadOutgoing(tx, id);
  if (row.state !== 'delivered') return;
  statement(tx, 'UPDATE outbox SET event = NULL, text_id = NULL WHERE id = ?').run(id);
  const shared = statement(tx, 'SELECT 1 FROM rpc_answers WHERE text_id = ?').get(row.textId);
  if (row.textId !== null && shared === undefined) texts.erase(tx, row.textId);
}

/** Did any relay refuse it for its date alone? */
export function wasTooOldFor(reader: Reader, id: number): boolean {
  const sql = `SELECT 1 FROM outbox_relays WHERE outbox_id = ? AND why = 'too-old'`;
  return statement(reader, sql).get(id) !== undefined;
}

/** How many messages are still on their way. */
export function countUndelivered(reader: Reader): number {
  const row = statement(reader, `SELECT count(*) AS n FROM outbox WHERE state IN ('waiting', 'sealed')`).get();
  return (row as { n: number }).n;
}
