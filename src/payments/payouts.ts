import { and, desc, eq, inArray } from 'drizzle-orm';
import { forgetFailures, nextTryAt, noteFailure } from '../customers/index.ts';
import { statement, tellNews, type Reader, type Tx } from '../db/index.ts';
import { owedFor, payingWith, post, ROUTING_FEES, WALLET } from '../ledger/index.ts';
import { msats, plusSeconds, type Msats, type UnixSeconds } from '../lib/units.ts';
import { hasten, schedule } from '../tasks/index.ts';
import { debtsPaidBy, MAX_DEBTS_TOGETHER, payAutomatically, type DebtRow } from './debts.ts';
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

/** Was it never handed to the wallet? Then nothing of it can be under way there. */
export function isUnsent({ state, sentAt }: Pick<PayoutRow, 'state' | 'sentAt'>): boolean {
  return state === 'committed' && sentAt === null;
}

/**
 * Notes, before the wallet is asked to pay, that it may have been from now on.
 * @returns false when it is not to be sent any more: it was decided meanwhile.
 */
export function beginSending(tx: Tx, paymentHash: string, now: UnixSeconds): boolean {
  const sql = `UPDATE payouts SET sent_at = ? WHERE payment_hash = ? AND state = 'committed'`;
  return statement(tx, sql).run(now, paymentHash).changes === 1;
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
  watchPayout(tx, { paymentHash }, now, now);
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
  const paid = debtsPaidBy(tx, paymentHash);
  for (const debt of paid)
    tellNews(tx, 'debt.paid', { order: debt.orderId, debt: debt.id, sats: debt.amountMsats / 1000 });
  if (payout.destination !== null) forgetFailures(tx, payout.owner, payout.destination);
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
  wakeThoseInLine(tx, now);
  tellOrders(tx, paymentHash, now);
  // Those that were too many to go with it are next.
  if (paid.length >= MAX_DEBTS_TOGETHER) payAutomatically(tx, payout.owner, now, now);
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
  wakeThoseInLine(tx, now);
  payAutomatically(tx, payout.owner, afterDeath(tx, payout, error, now), now);
  return true;
}

/** Dead for a reason that says nothing about the address it was for. */
const NOT_ITS_FAULT: readonly string[] = ['expired', 'by_hand'];
/** A receiver without a route stays so for minutes: an address is tried again later, with a new invoice. Seconds. */
const TRY_AGAIN_AFTER = 300;

/** Counts it against the address. @returns when to pay unasked again: there, or, where that was given up, elsewhere. */
function afterDeath(tx: Tx, payout: PayoutRow, error: string, now: UnixSeconds): UnixSeconds {
  const { owner, destination } = payout;
  if (destination === null || NOT_ITS_FAULT.includes(error)) return plusSeconds(now, TRY_AGAIN_AFTER);
  const failing = noteFailure(tx, owner, destination, payout.createdAt as UnixSeconds, now);
  return failing.givenUpAt === null ? nextTryAt(failing, TRY_AGAIN_AFTER, now) : now;
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

/** The debts this attempt was for, whatever became of it, oldest first. */
export function debtIdsOfPayout(reader: Reader, paymentHash: string): number[] {
  const sql = 'SELECT debt_id FROM payout_debts WHERE payment_hash = ? ORDER BY debt_id';
  return statement(reader, sql).pluck().all(paymentHash) as number[];
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

/** What `payout.watch` is to look at. */
export interface Watched {
  readonly paymentHash: string;
  /** The orders were told that it is under way. */
  readonly told?: true;
}

export function watchPayout(tx: Tx, watched: Watched, dueAt: UnixSeconds, now: UnixSeconds): void {
  const key = watchPayoutKey(watched.paymentHash);
  schedule(tx, { kind: 'payout.watch', payload: watched, key, dueAt, now });
}

/** A hint that the outcome may be known: look now. */
export function lookAtPayoutSoon(tx: Tx, paymentHash: string, now: UnixSeconds): void {
  hasten(tx, watchPayoutKey(paymentHash), now);
}

function watchPayoutKey(paymentHash: string): string {
  return `payout.watch:${paymentHash}`;
}

/** Tells the orders of this payout that their refund has changed. */
export function tellOrders(tx: Tx, paymentHash: string, now: UnixSeconds): void {
  tellOrdersOf(tx, debtsPaidBy(tx, paymentHash), now);
}

/** Tells the orders that these debts are of that their refund has changed. */
export function tellOrdersOf(tx: Tx, rows: readonly DebtRow[], now: UnixSeconds): void {
  const byOrder = new Map<string, DebtRow[]>();
  for (const debt of rows) {
    byOrder.set(debt.orderId, [...(byOrder.get(debt.orderId) ?? []), debt]);
  }
  for (const [id, of] of byOrder) {
    const kind = of[0]?.orderKind ?? '';
    tellOrder(tx, { kind, id }, { type: 'refund_changed', debtIds: of.map((debt) => debt.id) }, now);
  }
}

/** Payments that left the wallet, or perhaps did. Msats. */
export interface Outflow {
  /** Of the last day, those in flight included. */
  readonly dayMsats: bigint;
  /** Sent, the outcome not known yet. */
  readonly inFlight: number;
  readonly inFlightMsats: bigint;
  /** Of them to this payout's customer. */
  readonly inFlightOfOwner: number;
}

/** What went out since `since`, but for this payout. */
export function outflow(reader: Reader, since: UnixSeconds, but: Pick<PayoutRow, 'paymentHash' | 'owner'>): Outflow {
  const row = statement(
    reader,
    `WITH out AS (SELECT amount_msats AS amount, state <> 'paid' AS flying, owner = @owner AS own FROM payouts
       WHERE payment_hash <> @paymentHash
       AND (state = 'sent' OR (state = 'committed' AND sent_at IS NOT NULL) OR (state = 'paid' AND ended_at >= @since)))
     SELECT coalesce(sum(amount), 0) AS day, coalesce(sum(flying), 0) AS flying,
       coalesce(sum(amount * flying), 0) AS flyingMsats, coalesce(sum(flying AND own), 0) AS own FROM out`,
  ).get({ since, paymentHash: but.paymentHash, owner: but.owner }) as {
    day: number;
    flying: number;
    flyingMsats: number;
    own: number;
  };
  return {
    dayMsats: BigInt(row.day),
    inFlight: row.flying,
    inFlightMsats: BigInt(row.flyingMsats),
    inFlightOfOwner: row.own,
  };
}

/** Msats and number of the payouts not sent yet whose oldest debt is older than this one's. */
export function unsentBefore(reader: Reader, paymentHash: string): { readonly msats: bigint; readonly count: number } {
  const row = statement(
    reader,
    `WITH unsent AS (SELECT p.payment_hash AS hash, p.amount_msats AS amount, min(d.debt_id) AS debt FROM payouts p
       JOIN payout_debts d ON d.payment_hash = p.payment_hash
       WHERE p.state = 'committed' AND p.sent_at IS NULL GROUP BY p.payment_hash)
     SELECT coalesce(sum(amount), 0) AS amount, count(*) AS n FROM unsent
     WHERE debt < (SELECT min(debt_id) FROM payout_debts WHERE payment_hash = ?)`,
  ).get(paymentHash) as { amount: number; n: number };
  return { msats: BigInt(row.amount), count: row.n };
}

/** A payout ended: what waits for its place goes on at once, in the order in which it was committed. */
function wakeThoseInLine(tx: Tx, now: UnixSeconds): void {
  statement(
    tx,
    `UPDATE tasks SET due_at = @now WHERE kind = 'payout.send' AND state = 'waiting' AND due_at > @now
       AND payload ->> 'wait' IN ('in_flight', 'own_in_flight', 'not_covered')`,
  ).run({ now });
}
