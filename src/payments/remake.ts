import { automaticDestination } from '../customers/index.ts';
import { statement, type Tx } from '../db/index.ts';
import { plusSeconds, wholeSats, type UnixSeconds } from '../lib/units.ts';
import { owedInAll, payAutomatically } from './debts.ts';
import { nextLookIn, WATCH_AFTER_END } from './invoice-looks.ts';
import { countLate, countWatched, createSoon, lookLate, watch } from './invoices.ts';
import { sendPayout, watchPayout } from './payouts.ts';
import { carryOut } from './resolve.ts';

/** How many tasks of each kind were missing, and are there now. */
export type Remade = Readonly<Record<string, number>>;

/**
 * Owes anew what the rows of money say is owed and no task looks after: wanted invoices, invoices that may still be
 * paid, payouts under way, decisions of the operator. Each such task has a key, or is done in the transaction that ends
 * it, so what is found here was lost: by a bug, by a hand in the database. Money's tasks never give up: one that was set
 * aside all the same counts as missing. Doing any of them once too often changes nothing: each looks at its row first.
 */
export function remakePaymentTasks(tx: Tx, now: UnixSeconds): Remade {
  const wanted = statement(
    tx,
    `SELECT id, owner FROM invoices i WHERE state = 'wanted'
       AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.key = 'invoice.create:' || i.id)`,
  ).all() as { id: number; owner: string }[];
  for (const row of wanted) createSoon(tx, row, now);

  const unwatched = statement(
    tx,
    `SELECT id, state, created_at AS createdAt, expires_at AS expiresAt FROM invoices i
     WHERE state IN ('open', 'lapsed', 'replaced') AND expires_at + @after > @now
       AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.key IN ('invoice.watch:' || i.id, 'invoice.late:' || i.id))`,
  ).all({ now, after: WATCH_AFTER_END }) as { id: number; state: string; createdAt: number; expiresAt: number }[];
  for (const { id, state, createdAt, expiresAt } of unwatched) {
    const isLate = state !== 'open' && now >= expiresAt;
    const wait = nextLookIn(createdAt, expiresAt, now, isLate ? countLate(tx) : countWatched(tx));
    (isLate ? lookLate : watch)(tx, id, plusSeconds(now, wait), now);
  }

  const unsent = statement(
    tx,
    `SELECT payment_hash AS paymentHash FROM payouts p WHERE state = 'committed'
       AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.key = 'payout.send:' || p.payment_hash)`,
  ).all() as { paymentHash: string }[];
  for (const { paymentHash } of unsent) sendPayout(tx, paymentHash, now);

  const unproven = statement(
    tx,
    `SELECT payment_hash AS paymentHash FROM payouts p WHERE state = 'sent'
       AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.key = 'payout.watch:' || p.payment_hash)`,
  ).all() as { paymentHash: string }[];
  for (const { paymentHash } of unproven) watchPayout(tx, { paymentHash }, now, now);

  const undone = statement(
    tx,
    `SELECT id, payment_hash AS paymentHash FROM hand_decisions WHERE ended_at IS NULL
       AND id NOT IN (SELECT payload ->> 'decisionId' FROM tasks WHERE kind = 'by_hand')`,
  ).all() as { id: number; paymentHash: string }[];
  for (const { id, paymentHash } of undone) carryOut(tx, id, paymentHash, now);

  return {
    'invoice.create': wanted.length,
    'invoice.watch': unwatched.length,
    'payout.send': unsent.length,
    'payout.watch': unproven.length,
    by_hand: undone.length,
  };
}

/**
 * Tries once more to pay everybody back who is owed enough and has a destination. To be called at start only: a try may
 * rightly have ended without a next one (an address that takes no sum as small), which no row tells.
 */
export function remakeRefundTasks(tx: Tx, autoMinSats: number, now: UnixSeconds): Remade {
  const owners = statement(
    tx,
    `SELECT DISTINCT owner FROM debts WHERE state = 'owed'
       AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.key = 'refund.auto:' || owner)`,
  ).all() as { owner: string }[];
  const forgotten = owners.filter(
    ({ owner }) => wholeSats(owedInAll(tx, owner)) >= autoMinSats && automaticDestination(tx, owner) !== null,
  );
  for (const { owner } of forgotten) payAutomatically(tx, owner, now, now);
  return { 'refund.auto': forgotten.length };
}
