import { and, desc, eq, inArray } from 'drizzle-orm';
import { statement, tellNews, type Reader, type Tx } from '../db/index.ts';
import { heldFor, post, WALLET, type Account } from '../ledger/index.ts';
import {
  msats,
  plusSeconds,
  sats,
  toMsats,
  type Msats,
  type UnixSeconds,
  unixSeconds,
  wholeSats,
} from '../lib/units.ts';
import { hasten, schedule } from '../tasks/index.ts';
import { oweUnclaimed } from './debts.ts';
import { tellOrder, type OrderRef } from './order-events.ts';
import { invoices } from './schema.ts';

/** So many open invoices are looked at as often as one alone; above that the wallet's list of changes tells sooner. */
export const LOOKS_AT_ONCE = 20;
const NEWS_KEY = 'wallet.news';

export type InvoiceRow = typeof invoices.$inferSelect;

/** Owes the asking of the wallet for a wanted invoice. */
export function createSoon(tx: Tx, { id, owner }: Pick<InvoiceRow, 'id' | 'owner'>, now: UnixSeconds): void {
  const key = `invoice.create:${id}`;
  schedule(tx, { kind: 'invoice.create', payload: { invoiceId: id }, lane: `issue:${owner}`, key, dueAt: now, now });
}

export function findInvoice(reader: Reader, id: number): InvoiceRow | undefined {
  return reader.select().from(invoices).where(eq(invoices.id, id)).get();
}

export function findInvoiceByHash(reader: Reader, paymentHash: string): InvoiceRow | undefined {
  return reader.select().from(invoices).where(eq(invoices.paymentHash, paymentHash)).get();
}

/** Every invoice of an order that was ever issued, oldest first. */
export function invoicesOf(reader: Reader, orderId: string): InvoiceRow[] {
  return reader
    .select()
    .from(invoices)
    .where(and(eq(invoices.orderId, orderId), inArray(invoices.state, ['open', 'paid', 'lapsed', 'replaced'])))
    .orderBy(invoices.id)
    .all();
}

/** The invoice an order waits for now: shown, unpaid, not replaced. */
export function openInvoiceOf(reader: Reader, orderId: string): InvoiceRow | undefined {
  return reader
    .select()
    .from(invoices)
    .where(and(eq(invoices.orderId, orderId), eq(invoices.state, 'open')))
    .orderBy(desc(invoices.id))
    .get();
}

/** How long the invoice lives that this order waits for, shown or still coming. Seconds. */
export function awaitedExpiryOf(reader: Reader, orderId: string): number | undefined {
  const sql = `SELECT expiry_seconds AS seconds FROM invoices WHERE order_id = ? AND state IN ('wanted', 'open') ORDER BY id DESC`;
  return (statement(reader, sql).get(orderId) as { seconds: number } | undefined)?.seconds;
}

/** Is one on its way (wanted) for this order? */
export function isInvoiceComing(reader: Reader, orderId: string): boolean {
  return (
    statement(reader, `SELECT 1 FROM invoices WHERE order_id = ? AND state = 'wanted' LIMIT 1`).get(orderId) !==
    undefined
  );
}

/** The wallet has issued it and it is what we asked for: from here on it may be shown, and is watched. */
export function keepIssued(
  tx: Tx,
  id: number,
  issued: { bolt11: string; paymentHash: string; expiresAt: UnixSeconds },
  now: UnixSeconds,
): void {
  const row = findInvoice(tx, id);
  if (row?.state !== 'wanted') return;
  tx.update(invoices)
    .set({ state: 'open', bolt11: issued.bolt11, paymentHash: issued.paymentHash, expiresAt: issued.expiresAt })
    .where(eq(invoices.id, id))
    .run();
  watch(tx, id, plusSeconds(now, 1), now);
  readNewsSoon(tx, plusSeconds(now, 1), now);
  const order = { kind: row.orderKind, id: row.orderId };
  tellOrder(tx, order, { type: 'invoice_ready', invoiceId: id, purpose: row.purpose, replyTo: row.replyTo }, now);
}

/** The wallet could not issue it in time: nothing was created, and one that comes later is shown to nobody. */
export function giveUpInvoice(tx: Tx, id: number, now: UnixSeconds): void {
  const row = findInvoice(tx, id);
  if (row?.state !== 'wanted') return;
  // Nothing was opened by it.
  tx.update(invoices).set({ state: 'failed', opens: false }).where(eq(invoices.id, id)).run();
  const order = { kind: row.orderKind, id: row.orderId };
  tellOrder(tx, order, { type: 'invoice_failed', purpose: row.purpose, replyTo: row.replyTo }, now);
}

/** Tells the order, once, that its invoice takes longer. */
export function noteInvoiceDelay(tx: Tx, id: number, now: UnixSeconds): void {
  const row = findInvoice(tx, id);
  if (row?.state !== 'wanted' || row.delayTold) return;
  tx.update(invoices).set({ delayTold: true }).where(eq(invoices.id, id)).run();
  tellOrder(tx, { kind: row.orderKind, id: row.orderId }, { type: 'invoice_delayed', purpose: row.purpose }, now);
}

/**
 * Takes the open and coming invoices of an order out of the race: no longer shown, but watched as before, so that
 * money that comes all the same is seen and owed back. A request that waits for one that now never comes is answered
 * with what became of the order.
 */
export function replaceInvoices(tx: Tx, order: OrderRef, now: UnixSeconds): void {
  statement(tx, `UPDATE invoices SET state = 'replaced' WHERE order_id = ? AND state = 'open'`).run(order.id);
  const dropped = statement(
    tx,
    `UPDATE invoices SET state = 'failed' WHERE order_id = ? AND state = 'wanted' RETURNING purpose, reply_to AS replyTo`,
  ).all(order.id) as { purpose: string; replyTo: number | null }[];
  for (const { purpose, replyTo } of dropped) {
    if (replyTo !== null) tellOrder(tx, order, { type: 'invoice_dropped', purpose, replyTo }, now);
  }
}

/**
 * The wallet says that this invoice is paid. Once per invoice: books the receipt and tells the order. What came
 * beyond the amount asked is not the order's: it is owed back at once. `from`: whose pocket it came out of, where it
 * did not come into the wallet (a payment that a person vouches for).
 */
export function settle(tx: Tx, id: number, paidMsats: Msats, now: UnixSeconds, from: Account = WALLET): void {
  const row = findInvoice(tx, id);
  if (row === undefined || row.state === 'paid' || row.paymentHash === null) return;
  const asked = toMsats(sats(row.amountSats));
  if (paidMsats < asked) return;
  tx.update(invoices)
    .set({ state: 'paid', paidAt: now, paidMsats: Number(paidMsats) })
    .where(eq(invoices.id, id))
    .run();
  const order = { kind: row.orderKind, id: row.orderId };
  tellNews(tx, 'invoice.paid', { order: order.id, invoice: id, purpose: row.purpose, sats: row.amountSats });
  const cause = `invoice:${row.paymentHash}`;
  post(tx, {
    debit: from,
    credit: heldFor(order.kind, order.id),
    amountMsats: asked,
    kind: 'receipt',
    cause,
    at: now,
  });
  if (paidMsats > asked) {
    oweUnclaimed(
      tx,
      {
        order,
        owner: row.owner,
        amountMsats: msats(paidMsats - asked),
        because: 'overpaid',
        cause,
        paymentHash: row.paymentHash,
      },
      now,
    );
  }
  tellOrder(
    tx,
    order,
    { type: 'invoice_paid', invoiceId: id, purpose: row.purpose, amountSats: sats(row.amountSats), replyTo: null },
    now,
  );
  if (paidMsats > asked) tellSurplus(tx, order, msats(paidMsats - asked), now);
}

/** Has a customer told of money beyond what was asked; a fraction of a sat is not worth a word. */
export function tellSurplus(tx: Tx, order: OrderRef, amountMsats: Msats, now: UnixSeconds): void {
  const amountSats = wholeSats(amountMsats);
  if (amountSats > 0) tellOrder(tx, order, { type: 'surplus', amountSats }, now);
}

/** Looked up unpaid after its end. No proof that nobody paid: it stays watched. */
export function lapse(tx: Tx, id: number, now: UnixSeconds): void {
  const row = findInvoice(tx, id);
  if (row?.state !== 'open') return;
  tx.update(invoices).set({ state: 'lapsed' }).where(eq(invoices.id, id)).run();
  const order = { kind: row.orderKind, id: row.orderId };
  tellOrder(tx, order, { type: 'invoice_lapsed', invoiceId: id, purpose: row.purpose }, now);
}

export function watch(tx: Tx, invoiceId: number, dueAt: UnixSeconds, now: UnixSeconds): void {
  schedule(tx, { kind: 'invoice.watch', payload: { invoiceId }, key: watchKey(invoiceId), dueAt, now });
}

/** The same, past its end: rarely, and behind all that may be paid now. */
export function lookLate(tx: Tx, invoiceId: number, dueAt: UnixSeconds, now: UnixSeconds): void {
  schedule(tx, { kind: 'invoice.late', payload: { invoiceId }, key: lateKey(invoiceId), dueAt, now });
}

/** Owes a reading of the wallet's latest changes, where many wait for payment. */
export function readNewsSoon(tx: Tx, dueAt: UnixSeconds, now: UnixSeconds): void {
  if (countWatched(tx) <= LOOKS_AT_ONCE) return;
  // One that waits is never put off: invoices made every second would do so for ever.
  if (statement(tx, 'SELECT 1 FROM tasks WHERE key = ?').get(NEWS_KEY) !== undefined) hasten(tx, NEWS_KEY, dueAt);
  else schedule(tx, { kind: 'wallet.news', payload: {}, key: NEWS_KEY, dueAt, now });
}

/** Which of these hashes are invoices of ours that are not paid by the books. At most a page of the wallet's list. */
export function unpaidAmong(reader: Reader, hashes: readonly string[]): string[] {
  return statement(
    reader,
    `SELECT payment_hash FROM invoices WHERE payment_hash IN (SELECT value FROM json_each(?)) AND state <> 'paid'`,
  )
    .pluck()
    .all(JSON.stringify(hashes)) as string[];
}

/** A push, or a customer's word, that something was paid: never believed, only looked up sooner. */
export function lookSoon(tx: Tx, paymentHash: string | null, now: UnixSeconds): void {
  if (paymentHash === null) {
    statement(
      tx,
      `UPDATE tasks SET due_at = @now WHERE kind = 'invoice.watch' AND state = 'waiting' AND due_at > @now
      AND (payload ->> 'invoiceId') IN (SELECT id FROM invoices WHERE state = 'open')`,
    ).run({ now });
    return;
  }
  const row = findInvoiceByHash(tx, paymentHash);
  // Before everything that is overdue: somebody has just paid.
  if (row === undefined) return;
  hasten(tx, watchKey(row.id), unixSeconds(0));
  hasten(tx, lateKey(row.id), unixSeconds(0));
}

function watchKey(invoiceId: number): string {
  return `invoice.watch:${invoiceId}`;
}

function lateKey(invoiceId: number): string {
  return `invoice.late:${invoiceId}`;
}

/** The newest invoices first, for the operator. */
export function recentInvoices(reader: Reader, limit: number): InvoiceRow[] {
  return reader.select().from(invoices).orderBy(desc(invoices.id)).limit(limit).all();
}

/** Invoices that are being watched closely. */
export function countWatched(reader: Reader): number {
  return (statement(reader, `SELECT count(*) AS n FROM invoices WHERE state = 'open'`).get() as { n: number }).n;
}

/** Invoices past their end that are looked at now and then. */
export function countLate(reader: Reader): number {
  const sql = `SELECT count(*) AS n FROM tasks WHERE kind = 'invoice.late'`;
  return (statement(reader, sql).get() as { n: number }).n;
}
