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
  const whole: Source = { ...OF_ITS_ORDER, amountMsats };
  if (invoiceId === undefined) return [whole];
  const hash = statement(reader, 'SELECT payment_hash FROM invoices WHERE id = ?').pluck().get(invoiceId) as
    string | null | undefined;
  if (hash != null) return [{ ...whole, paymentHash: hash }];
  const kept = keptFor(reader, invoiceId).map(({ debt, amountMsats: amount }) => ({
    receiptId: debt.receiptId ?? debt.orderId,
    paymentHash: debt.paymentHash,
    amountMsats: amount,
  }));
  // Whatever it came from, all of it is owed.
  return kept.reduce((sum, one) => sum + one.amountMsats, 0n) === amountMsats ? kept : [whole];
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

/**
 * Debts that go out or are used together: their receipt names each of them, and has to fit one message. Whoever has more
 * (hundreds of orders, a sat of change from each) has them in turn, the oldest first.
 */
export const MAX_DEBTS_TOGETHER = 250;

/** What this customer can claim now, oldest first: `MAX_DEBTS_TOGETHER` at most. */
export function claimableDebts(reader: Reader, owner: string): DebtRow[] {
  return reader
    .select()
    .from(debts)
    .where(and(eq(debts.owner, owner), eq(debts.state, 'owed')))
    .orderBy(asc(debts.id))
    .limit(MAX_DEBTS_TOGETHER)
    .all();
}

/** What one payment may come to: the debts of `claimableDebts`, in all. */
export function claimableInAll(reader: Reader, owner: string): Msats {
  return msats(claimableDebts(reader, owner).reduce((sum, { amountMsats }) => sum + BigInt(amountMsats), 0n));
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

/** What this customer can claim now (`claimableDebts`), by order. */
export function owedByOrder(reader: Reader, owner: string): { orderId: string; amountMsats: Msats }[] {
  const orders = new Map<string, Msats>();
  for (const { orderId, amountMsats } of claimableDebts(reader, owner))
    orders.set(orderId, msats((orders.get(orderId) ?? 0n) + BigInt(amountMsats)));
  return [...orders].map(([orderId, amountMsats]) => ({ orderId, amountMsats }));
}

/** All that this customer is owed and that is not yet being paid. */
export function owedInAll(reader: Reader, owner: string): Msats {
  const sql = `SELECT coalesce(sum(amount_msats), 0) FROM debts WHERE owner = ? AND state = 'owed'`;
  return msats(BigInt(statement(reader, sql).pluck().get(owner) as number));
}
