import { and, asc, desc, eq, inArray } from 'drizzle-orm';
import { statement, tellNews, type Reader, type Tx } from '../db/index.ts';
import { heldFor, owedFor, post, SUSPENSE, WALLET } from '../ledger/index.ts';
import { msats, toMsats, wholeSats, type Msats, type UnixSeconds } from '../lib/units.ts';
import { schedule } from '../tasks/index.ts';
import type { OrderRef } from './order-events.ts';
import { debts } from './schema.ts';

export type DebtRow = typeof debts.$inferSelect;

export interface NewDebt {
  readonly order: OrderRef;
  readonly owner: string;
  readonly amountMsats: Msats;
  /** Why (`change`, `failed_step`, `late_payment`, …). */
  readonly because: string;
  /** What caused it: with `because` it happens once, ever. */
  readonly cause: string;
  /** The payment that is owed back whole, where the order did not take it: it came late or twice. */
  readonly invoiceId?: number | undefined;
}

/** As which a debt stands in receipts. */
type InReceipts = Pick<DebtRow, 'receiptId' | 'paymentHash'>;
const OF_ITS_ORDER: InReceipts = { receiptId: null, paymentHash: null };

/** Owes back money that an order holds: from now on it is the customer's, in the books and in every answer. */
export function owe(tx: Tx, debt: NewDebt, now: UnixSeconds): void {
  const isNew = post(tx, {
    debit: heldFor(debt.order.kind, debt.order.id),
    credit: owedFor(debt.order.id),
    amountMsats: debt.amountMsats,
    kind: `owed:${debt.because}`,
    cause: debt.cause,
    at: now,
  });
  if (!isNew) return;
  for (const source of sourcesOf(tx, debt)) insertDebt(tx, { ...debt, amountMsats: source.amountMsats }, source, now);
}

interface Source extends InReceipts {
  readonly amountMsats: Msats;
}

/** Where money that no charge took came from: an invoice, or, kept for this order, the debts that it was. */
function sourcesOf(reader: Reader, { invoiceId, amountMsats }: NewDebt): readonly Source[] {
  if (invoiceId === undefined) return [{ ...OF_ITS_ORDER, amountMsats }];
  const hash = statement(reader, 'SELECT payment_hash FROM invoices WHERE id = ?').pluck().get(invoiceId) as
    string | null | undefined;
  if (hash != null) return [{ receiptId: null, paymentHash: hash, amountMsats }];
  return keptFor(reader, invoiceId).map(({ debt, amountMsats: amount }) => ({
    receiptId: debt.receiptId ?? debt.orderId,
    paymentHash: debt.paymentHash,
    amountMsats: amount,
  }));
}

/** The debts that paid a step for which no invoice came (`keep on`), and how much each gave. */
export function keptFor(reader: Reader, invoiceId: number): { debt: DebtRow; amountMsats: Msats }[] {
  const rows = statement(
    reader,
    `SELECT CAST(substr(cause, length(@id) + 2) AS INTEGER) AS debtId, amount_msats AS amount FROM transfers
     WHERE kind = 'kept' AND cause >= @id || ':' AND cause < @id || ';' ORDER BY seq`,
  ).all({ id: String(invoiceId) }) as { debtId: number; amount: number }[];
  return rows.flatMap(({ debtId, amount }) => {
    const debt = reader.select().from(debts).where(eq(debts.id, debtId)).get();
    return debt === undefined ? [] : [{ debt, amountMsats: msats(BigInt(amount)) }];
  });
}

/**
 * Owes back money that came without a claim of ours (paid over). It passes through `suspense`, so that the books show
 * it; a fraction of a sat stays there, for invoices are for whole sats.
 */
export function oweUnclaimed(tx: Tx, debt: NewDebt & { paymentHash: string }, now: UnixSeconds): void {
  const { cause, paymentHash } = debt;
  post(tx, {
    debit: WALLET,
    credit: SUSPENSE,
    amountMsats: debt.amountMsats,
    kind: `surplus:${debt.because}`,
    cause,
    at: now,
  });
  const amountMsats = toMsats(wholeSats(debt.amountMsats));
  const isNew = post(tx, {
    debit: SUSPENSE,
    credit: owedFor(debt.order.id),
    amountMsats,
    kind: `owed:${debt.because}`,
    cause,
    at: now,
  });
  if (isNew) insertDebt(tx, { ...debt, amountMsats }, { receiptId: null, paymentHash }, now);
}

function insertDebt(tx: Tx, debt: NewDebt, { receiptId, paymentHash }: InReceipts, now: UnixSeconds): void {
  tx.insert(debts)
    .values({
      orderKind: debt.order.kind,
      orderId: debt.order.id,
      owner: debt.owner,
      amountMsats: Number(debt.amountMsats),
      because: debt.because,
      receiptId,
      paymentHash,
      state: 'owed',
      createdAt: now,
    })
    .run();
  const sats = Number(debt.amountMsats) / 1000;
  tellNews(tx, 'debt.owed', { order: debt.order.id, sats, because: debt.because });
  payAutomatically(tx, debt.owner, now, now);
}

/** Owes a try to pay this customer back unasked, where a destination is known (`refund.auto`). */
export function payAutomatically(tx: Tx, owner: string, dueAt: UnixSeconds, now: UnixSeconds): void {
  const key = `refund.auto:${owner}`;
  schedule(tx, { kind: 'refund.auto', payload: { owner }, key, dueAt, now });
}

/** Everything of an order that is or was owed, oldest first. */
export function debtsOf(reader: Reader, orderId: string): DebtRow[] {
  return reader.select().from(debts).where(eq(debts.orderId, orderId)).orderBy(asc(debts.id)).all();
}

/** What this customer can claim now, oldest first. */
export function claimableDebts(reader: Reader, owner: string): DebtRow[] {
  return reader
    .select()
    .from(debts)
    .where(and(eq(debts.owner, owner), eq(debts.state, 'owed')))
    .orderBy(asc(debts.id))
    .all();
}

/** Debts that an attempt is for. */
export function debtsPaidBy(reader: Reader, paymentHash: string): DebtRow[] {
  return reader.select().from(debts).where(eq(debts.payoutHash, paymentHash)).orderBy(asc(debts.id)).all();
}

/** The newest debts first, for the operator. */
export function recentDebts(reader: Reader, limit: number): DebtRow[] {
  return reader
    .select()
    .from(debts)
    .where(inArray(debts.state, ['owed', 'paying', 'paid']))
    .orderBy(desc(debts.id))
    .limit(limit)
    .all();
}

/** Whole sats this customer is owed and not yet being paid, and of them by order. */
export function owedByOrder(reader: Reader, owner: string): { orderId: string; amountMsats: Msats }[] {
  const rows = statement(
    reader,
    `SELECT order_id AS orderId, sum(amount_msats) AS amount FROM debts WHERE owner = ? AND state = 'owed'
     GROUP BY order_id ORDER BY min(id)`,
  ).all(owner) as { orderId: string; amount: number }[];
  return rows.map((row) => ({ orderId: row.orderId, amountMsats: msats(BigInt(row.amount)) }));
}

export function owedInAll(reader: Reader, owner: string): Msats {
  return msats(owedByOrder(reader, owner).reduce((sum, row) => sum + row.amountMsats, 0n));
}
