import { eq } from 'drizzle-orm';
import { customer } from '../customers/index.ts';
import { statement, type Reader, type Tx } from '../db/index.ts';
import { heldFor, owedFor, post } from '../ledger/index.ts';
import { msats, toMsats, type Sats, type UnixSeconds } from '../lib/units.ts';
import { claimableDebts, claimableInAll } from './debts.ts';
import { tellOrder, type OrderRef } from './order-events.ts';
import { debts, invoices } from './schema.ts';

export interface NextStep {
  readonly order: OrderRef;
  readonly owner: string;
  readonly purpose: string;
  readonly amountSats: Sats;
  /** The request that is answered when it is paid. */
  readonly replyTo: number | null;
  /** It opens a new order, or takes an expired one up again. */
  readonly opens: boolean;
  /** They asked for it: it needs no `keep on`. */
  readonly fromOwed: boolean;
}

/**
 * `keep on`: what is owed to this customer pays their next step, where it covers it whole; then no invoice comes.
 * The oldest debts first; the last is split where it is more than is needed.
 *
 * @returns whether it was paid so.
 */
export function payFromOwed(tx: Tx, step: NextStep, now: UnixSeconds): boolean {
  const { order, owner, amountSats } = step;
  const needed = toMsats(amountSats);
  const isWanted = step.fromOwed || customer(tx, owner).keepOn;
  if (!isWanted || claimableInAll(tx, owner) < needed) return false;
  const { lastInsertRowid } = tx
    .insert(invoices)
    .values({
      orderKind: order.kind,
      orderId: order.id,
      owner,
      purpose: step.purpose,
      amountSats,
      description: 'kept',
      expirySeconds: 0,
      state: 'kept',
      mayFail: false,
      replyTo: step.replyTo,
      opens: step.opens,
      createdAt: now,
    })
    .run();
  const invoiceId = Number(lastInsertRowid);
  let left: bigint = needed;
  for (const debt of claimableDebts(tx, owner)) {
    if (left === 0n) break;
    const whole = BigInt(debt.amountMsats);
    const taken = whole < left ? whole : left;
    left -= taken;
    if (taken < whole) {
      const { id: _id, ...rest } = debt;
      tx.insert(debts)
        .values({ ...rest, amountMsats: Number(whole - taken) })
        .run();
    }
    tx.update(debts)
      .set({ state: 'kept', amountMsats: Number(taken), paidAt: now })
      .where(eq(debts.id, debt.id))
      .run();
    post(tx, {
      debit: owedFor(debt.orderId),
      credit: heldFor(order.kind, order.id),
      amountMsats: msats(taken),
      kind: 'kept',
      cause: `${invoiceId}:${debt.id}`,
      at: now,
    });
  }
  const { purpose, replyTo } = step;
  tellOrder(tx, order, { type: 'invoice_paid', invoiceId, purpose, amountSats, replyTo }, now);
  return true;
}

/** Was this step of the order paid from what was owed? */
export function isKept(reader: Reader, orderId: string, purpose: string): boolean {
  const sql = `SELECT 1 FROM invoices WHERE order_id = ? AND purpose = ? AND state = 'kept'`;
  return statement(reader, sql).get(orderId, purpose) !== undefined;
}
