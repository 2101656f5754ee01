import { and, desc, eq, inArray } from 'drizzle-orm';
import { statement, type Reader, type Tx } from '../db/index.ts';
import { owedFor, payingWith, post, ROUTING_FEES, WALLET } from '../ledger/index.ts';
import { msats, plusSeconds, type Msats, type UnixSeconds } from '../lib/units.ts';
import { hasten, schedule } from '../tasks/index.ts';
import { debtsPaidBy, payAutomatically, type DebtRow } from './debts.ts';
import { tellOrder } from './order-events.ts';
import { debts, payoutDebts, payouts } from './schema.ts';

export type PayoutRow = typeof payouts.$inferSelect;

export interface NewPayout {
  readonly paymentHash: string;
  readonly bolt11: string;
  readonly owner: string;
  /** Exactly the sum of `debts`. */
  readonly amountMsats: Msats;
  readonly debts: readonly DebtRow[];
  readonly destination: string | null;
  readonly invoiceExpiresAt: UnixSeconds;
  readonly replyTo: number | null;
}

/**
 * Commits the intent to pay these debts with this one invoice: hash, bolt11, debts and books are durable before
 * anything is sent. One debt has one live attempt; one hash is one attempt for ever.
 *
 * @throws when a debt is not free, the hash was used, or the sums differ: all are bugs of the caller.
 */
export function commitPayout(tx: Tx, payout: NewPayout, now: UnixSeconds): void {
  const sum = payout.debts.reduce((total, debt) => total + BigInt(debt.amountMsats), 0n);
  if (sum !== payout.amountMsats || payout.debts.length === 0) throw new Error('payout.wrong_sum');
  const { paymentHash } = payout;
  tx.insert(payouts)
    .values({
      paymentHash,
      bolt11: payout.bolt11,
      owner: payout.owner,
      amountMsats: Number(payout.amountMsats),
      destination: payout.destination,
      state: 'committed',
      invoiceExpiresAt: payout.invoiceExpiresAt,
      replyTo: payout.replyTo,
      createdAt: now,
    })
    .run();
  for (const debt of payout.debts) {
    const { changes } = tx
      .update(debts)
      .set({ state: 'paying', payoutHash: paymentHash })
      .where(and(eq(debts.id, debt.id), eq(debts.state, 'owed')))
      .run();
    if (changes !== 1) throw new Error('payout.debt_not_free');
    tx.insert(payoutDebts).values({ paymentHash, debtId: debt.id }).run();
    post(tx, {
      debit: owedFor(debt.orderId),
      credit: payingWith(paymentHash),
      amountMsats: msats(BigInt(debt.amountMsats)),
      kind: 'paying',
      cause: `${paymentHash}:${debt.id}`,
      at: now,
    });
  }
  sendPayout(tx, paymentHash, now);
  tellOrders(tx, paymentHash, now);
}

/** Owes the sending of a committed payout; payouts go out one by one. */
export function sendPayout(tx: Tx, paymentHash: string, now: UnixSeconds): void {
  const key = `payout.send:${paymentHash}`;
  schedule(tx, { kind: 'payout.send', payload: { paymentHash }, key, dueAt: now, now });
}

/** Posted, or perhaps posted: from here on only a look-up tells, and `payout.watch` keeps looking. */
export function markSent(tx: Tx, paymentHash: string, now: UnixSeconds): void {
  statement(
    tx,
    `UPDATE payouts SET state = 'sent', sent_at = coalesce(sent_at, ?) WHERE payment_hash = ? AND state = 'committed'`,
  ).run(now, paymentHash);
  watchPayout(tx, paymentHash, now, now);
}

/** Proven paid: the books follow, the debts are done. The routing fee is ours. */
export function settlePayout(
  tx: Tx,
  paymentHash: string,
  proof: { feeMsats: Msats; preimage: string | null },
  now: UnixSeconds,
): boolean {
  const payout = findPayout(tx, paymentHash);
  if (payout === undefined || payout.state === 'paid') return false;
  if (payout.state === 'dead') throw new Error('payout.paid_after_death');
  tx.update(payouts)
    .set({ state: 'paid', endedAt: now, feeMsats: Number(proof.feeMsats), preimage: proof.preimage })
    .where(eq(payouts.paymentHash, paymentHash))
    .run();
  tx.update(debts).set({ state: 'paid', paidAt: now }).where(eq(debts.payoutHash, paymentHash)).run();
  const amountMsats = msats(BigInt(payout.amountMsats));
  post(tx, {
    debit: payingWith(paymentHash),
    credit: WALLET,
    amountMsats,
    kind: 'refund_paid',
    cause: paymentHash,
    at: now,
  });
  post(tx, {
    debit: ROUTING_FEES,
    credit: WALLET,
    amountMsats: proof.feeMsats,
    kind: 'routing_fee',
    cause: paymentHash,
    at: now,
  });
  tellOrders(tx, paymentHash, now);
  return true;
}

/** Proven dead: nothing left the wallet and nothing can any more. The debts stand again and may be paid anew. */
export function buryPayout(tx: Tx, paymentHash: string, error: string, now: UnixSeconds): boolean {
  const payout = findPayout(tx, paymentHash);
  if (payout === undefined || payout.state === 'paid' || payout.state === 'dead') return false;
  tellOrders(tx, paymentHash, now);
  for (const debt of debtsPaidBy(tx, paymentHash)) {
    post(tx, {
      debit: payingWith(paymentHash),
      credit: owedFor(debt.orderId),
      amountMsats: msats(BigInt(debt.amountMsats)),
      kind: 'refund_dead',
      cause: `${paymentHash}:${debt.id}`,
      at: now,
    });
  }
  tx.update(debts).set({ state: 'owed', payoutHash: null }).where(eq(debts.payoutHash, paymentHash)).run();
  tx.update(payouts).set({ state: 'dead', endedAt: now, error }).where(eq(payouts.paymentHash, paymentHash)).run();
  // A receiver without a route stays so for minutes: try an address again later, with a new invoice.
  payAutomatically(tx, payout.owner, plusSeconds(now, 300), now);
  return true;
}

export function findPayout(reader: Reader, paymentHash: string): PayoutRow | undefined {
  return reader.select().from(payouts).where(eq(payouts.paymentHash, paymentHash)).get();
}

/** The orders whose debts this attempt was for, whatever became of it. */
export function debtsOfPayout(reader: Reader, paymentHash: string): { kind: string; id: string }[] {
  return statement(
    reader,
    `SELECT DISTINCT d.order_kind AS kind, d.order_id AS id FROM payout_debts p JOIN debts d ON d.id = p.debt_id
     WHERE p.payment_hash = ?`,
  ).all(paymentHash) as { kind: string; id: string }[];
}

/** Attempts for debts of this order, oldest first. */
export function payoutsOf(reader: Reader, orderId: string): PayoutRow[] {
  const hashes = reader
    .selectDistinct({ hash: payoutDebts.paymentHash })
    .from(payoutDebts)
    .innerJoin(debts, eq(debts.id, payoutDebts.debtId))
    .where(eq(debts.orderId, orderId))
    .all()
    .map((row) => row.hash);
  return reader.select().from(payouts).where(inArray(payouts.paymentHash, hashes)).orderBy(payouts.createdAt).all();
}

/** The newest attempts of this customer, newest first. */
export function payoutsTo(reader: Reader, owner: string, limit = 10): PayoutRow[] {
  return reader
    .select()
    .from(payouts)
    .where(eq(payouts.owner, owner))
    .orderBy(desc(payouts.createdAt))
    .limit(limit)
    .all();
}

export function setPayout(tx: Tx, paymentHash: string, values: Partial<PayoutRow>): void {
  tx.update(payouts).set(values).where(eq(payouts.paymentHash, paymentHash)).run();
}

export function watchPayout(tx: Tx, paymentHash: string, dueAt: UnixSeconds, now: UnixSeconds): void {
  const key = watchPayoutKey(paymentHash);
  schedule(tx, { kind: 'payout.watch', payload: { paymentHash }, key, lane: `payout:${paymentHash}`, dueAt, now });
}

/** A hint that the outcome may be known: look now. */
export function lookAtPayoutSoon(tx: Tx, paymentHash: string, now: UnixSeconds): void {
  hasten(tx, watchPayoutKey(paymentHash), now);
}

function watchPayoutKey(paymentHash: string): string {
  return `payout.watch:${paymentHash}`;
}

function tellOrders(tx: Tx, paymentHash: string, now: UnixSeconds): void {
  const byOrder = new Map<string, DebtRow[]>();
  for (const debt of debtsPaidBy(tx, paymentHash)) {
    byOrder.set(debt.orderId, [...(byOrder.get(debt.orderId) ?? []), debt]);
  }
  for (const [id, of] of byOrder) {
    const kind = of[0]?.orderKind ?? '';
    tellOrder(tx, { kind, id }, { type: 'refund_changed', debtIds: of.map((debt) => debt.id) }, now);
  }
}

/** Routing fees paid since `since`, msats. */
export function feesSince(reader: Reader, since: UnixSeconds): bigint {
  const row = statement(
    reader,
    `SELECT coalesce(sum(fee_msats), 0) AS n FROM payouts WHERE state = 'paid' AND ended_at >= ?`,
  ).get(since);
  return BigInt((row as { n: number }).n);
}

/** What was sent since `since` (paid, or perhaps), msats, and how many payments are open now. */
export function sentSince(reader: Reader, since: UnixSeconds): { msats: bigint; open: number } {
  const row = statement(
    reader,
    `SELECT coalesce(sum(amount_msats), 0) AS msats, coalesce(sum(state = 'sent'), 0) AS open FROM payouts
     WHERE state = 'sent' OR (state = 'paid' AND ended_at >= ?)`,
  ).get(since) as { msats: number; open: number };
  return { msats: BigInt(row.msats), open: row.open };
}
