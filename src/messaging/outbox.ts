import { customer, nextSendTime, type TextId, type Texts } from '../customers/index.ts';
import { statement, type Reader, type Tx } from '../db/index.ts';
import { hasMoney } from '../ledger/index.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { schedule } from '../tasks/index.ts';
import { hasOutboxRoom } from './answer-gate.ts';
import { fitted, reportTooLarge } from './fit.ts';
import type { InboundMessage } from './inbound.ts';

export interface OutgoingMessage {
  readonly to: string;
  readonly text: string;
  /** The message this answers: the reply is tagged with it and uses its protocol. */
  readonly answering?: InboundMessage | null;
  /** False: in the protocol of that message, but without a reference to it (all but the first of an answer). */
  readonly reference?: boolean;
  /** The short id of the order it is about. */
  readonly orderId?: string | null;
  /** It is about money that was paid, or owed; left out: where its order ever held any. */
  readonly paid?: boolean;
}

/**
 * Owes one message: it is sealed and delivered after the commit, for as long as it takes. Messages to one person
 * keep their order through strictly increasing dates. What is too large for its envelope is made to fit (`fitted`).
 *
 * @returns the id of the kept text, the first where there are parts.
 */
export function enqueue(tx: Tx, texts: Texts, message: OutgoingMessage, now: UnixSeconds): TextId {
  const { texts: parts, lost } = fitted(message.text);
  if (lost) reportTooLarge(tx, message.orderId ?? null, now);
  const [first, ...rest] = parts;
  const textId = enqueueOne(tx, texts, { ...message, text: first }, now);
  for (const text of rest) enqueueOne(tx, texts, { ...message, text, reference: false }, now);
  return textId;
}

function enqueueOne(tx: Tx, texts: Texts, message: OutgoingMessage, now: UnixSeconds): TextId {
  const answering = message.answering ?? null;
  const isPaid = message.paid ?? (message.orderId != null && hasMoney(tx, message.orderId));
  const same = isPaid ? null : sameLately(tx, texts, message, now);
  if (same !== null) return same;
  const sentAt = nextSendTime(tx, message.to, now, answering?.createdAt ?? null);
  const textId = texts.keep(tx, message.to, message.text, now);
  if (!isPaid && !hasOutboxRoom(tx, message.to) && !isBegun(tx, message)) return textId;
  const { lastInsertRowid } = statement(
    tx,
    `INSERT INTO outbox (recipient, protocol, sent_at, reply_to, text_id, order_id, paid, state, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', ?)`,
  ).run(
    message.to,
    answering?.protocol ?? customer(tx, message.to).protocol,
    sentAt,
    message.reference === false ? null : (answering?.rumorId ?? null),
    textId,
    message.orderId ?? null,
    isPaid ? 1 : 0,
    now,
  );
  sealSoon(tx, Number(lastInsertRowid), message.to, now);
  return textId;
}

/** Is it the rest of an answer whose first message is on its way? All of an answer is sent, or nothing of it. */
function isBegun(reader: Reader, { to, answering }: OutgoingMessage): boolean {
  if (answering == null) return false;
  const sql = 'SELECT 1 FROM outbox WHERE reply_to = ? AND recipient = ? LIMIT 1';
  return statement(reader, sql).get(answering.rumorId, to) !== undefined;
}

/** The same answer in words is given once in so long (product.md: Limits); programs wait for one to each id. Seconds. */
const SAME_ANSWER = 10;

/** The kept text of the same answer that this reader was given a moment ago. */
function sameLately(reader: Reader, texts: Texts, message: OutgoingMessage, now: UnixSeconds): TextId | null {
  if (message.answering == null || message.text.startsWith('{"jsonrpc":')) return null;
  const ids = statement(
    reader,
    `SELECT text_id FROM outbox WHERE recipient = ? AND created_at > ? AND text_id IS NOT NULL
       AND reply_to IS NOT ? ORDER BY id DESC LIMIT 50`,
  )
    .pluck()
    .all(message.to, now - SAME_ANSWER, message.answering.rumorId) as TextId[];
  return ids.find((id) => texts.read(reader, id) === message.text) ?? null;
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
  readonly orderId: string | null;
  /** Ways to the reader that are in use, and when the next one is taken. */
  readonly rungs: number;
  readonly climbAt: UnixSeconds | null;
  readonly createdAt: UnixSeconds;
}

/** Undefined: its term was over. */
export function findOutgoing(reader: Reader, id: number): OutboxRow | undefined {
  return statement(
    reader,
    `SELECT id, recipient, protocol, sent_at AS sentAt, reply_to AS replyTo, text_id AS textId, state, event,
            order_id AS orderId, rungs, climb_at AS climbAt, created_at AS createdAt FROM outbox WHERE id = ?`,
  ).get(id) as OutboxRow | undefined;
}

/** @throws when there is no such row. */
export function loadOutgoing(reader: Reader, id: number): OutboxRow {
  const row = findOutgoing(reader, id);
  if (row === undefined) throw new Error('outbox.missing');
  return row;
}

/** How many messages are still on their way. */
export function countUndelivered(reader: Reader): number {
  const row = statement(reader, `SELECT count(*) AS n FROM outbox WHERE state IN ('waiting', 'sealed')`).get();
  return (row as { n: number }).n;
}
