import { and, asc, desc, eq } from 'drizzle-orm';
import { statement, type Reader, type Tx } from '../db/index.ts';
import { OutsideError } from '../lib/errors.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { schedule, type TaskKind } from '../tasks/index.ts';
import type { PayoutTaskOptions } from './payout-options.ts';
import { credit, recheck } from './resolve-invoice.ts';
import { resolvePayout } from './resolve-payout.ts';
import { refused, type Book, type DecisionOutcome, type DecisionRow } from './resolve-outcome.ts';
import { handDecisions } from './schema.ts';

export interface NewDecision {
  /** `recheck`, `credit`: an invoice of ours. `paid`, `dead`: a payout of ours whose outcome nobody could prove. */
  readonly what: Exclude<DecisionRow['what'], 'mend' | 'order'>;
  readonly paymentHash: string;
  /** Why; needed for all but a recheck. */
  readonly reason: string | null;
  readonly preimage: string | null;
  /** The wallet is gone for good: decide without asking it. */
  readonly unasked: boolean;
}

/** Files what the operator decided; the daemon carries it out. @returns its id. */
export function fileDecision(tx: Tx, decision: NewDecision, now: UnixSeconds): number {
  const { lastInsertRowid } = tx
    .insert(handDecisions)
    .values({ ...decision, at: now })
    .run();
  const decisionId = Number(lastInsertRowid);
  carryOut(tx, decisionId, decision.paymentHash, now);
  return decisionId;
}

/** Owes the carrying out of a decision; those about one payment one after the other. */
export function carryOut(tx: Tx, decisionId: number, paymentHash: string, now: UnixSeconds): void {
  schedule(tx, { kind: 'by_hand', payload: { decisionId }, lane: `by_hand:${paymentHash}`, dueAt: now, now });
}

/** Keeps that the operator had the books looked at anew and what was set aside tried again, why, and what came of it. */
export function noteMend(tx: Tx, reason: string, words: string, now: UnixSeconds): void {
  const done = { endedAt: now, result: 'done', words } as const;
  tx.insert(handDecisions)
    .values({ what: 'mend', paymentHash: '', reason, preimage: null, at: now, ...done })
    .run();
}

/** Keeps what the operator decided about an order, and why; the order hears of it by itself. */
export function noteOrderDecision(tx: Tx, reason: string, words: string, now: UnixSeconds): void {
  const done = { endedAt: now, result: 'done', words } as const;
  tx.insert(handDecisions)
    .values({ what: 'order', paymentHash: '', reason, preimage: null, at: now, ...done })
    .run();
}

export function findDecision(reader: Reader, id: number): DecisionRow | undefined {
  return reader.select().from(handDecisions).where(eq(handDecisions.id, id)).get();
}

/** Everything that was decided by hand about this payment, oldest first. */
export function decisionsAbout(reader: Reader, paymentHash: string): DecisionRow[] {
  const about = eq(handDecisions.paymentHash, paymentHash);
  return reader.select().from(handDecisions).where(about).orderBy(asc(handDecisions.id)).all();
}

/** The newest that were booked, for lists: which outcomes are a person's word and not a proof. */
export function bookedByHand(reader: Reader, paymentHash: string): DecisionRow | undefined {
  return reader
    .select()
    .from(handDecisions)
    .where(and(eq(handDecisions.paymentHash, paymentHash), eq(handDecisions.result, 'done')))
    .orderBy(desc(handDecisions.id))
    .all()
    .find((row) => row.what !== 'recheck');
}

export interface ClaimRow {
  readonly paymentHash: string;
  readonly owner: string;
  readonly orderId: string;
  readonly at: number;
  /** One that belongs to the hash, where they sent it. */
  readonly preimage: string | null;
}

/** "I paid this", where neither the wallet nor a person has said so yet; oldest first. */
export function openClaims(reader: Reader): ClaimRow[] {
  return statement(
    reader,
    `SELECT c.payment_hash AS paymentHash, c.owner, i.order_id AS orderId, c.at, c.preimage FROM claims c
     JOIN invoices i ON i.payment_hash = c.payment_hash
     WHERE c.resolved_at IS NULL AND i.state <> 'paid' ORDER BY c.at`,
  ).all() as ClaimRow[];
}

/**
 * Carries out one decision of the operator's. The wallet is asked first, whatever a person says: what it can prove
 * needs no word.
 *
 * Killed midway: nothing was booked; the wallet is asked again. A re-check asks, and never sends.
 */
export function byHandTask(options: PayoutTaskOptions): TaskKind<{ decisionId: number }> {
  const { database, clock, log } = options;
  return {
    kind: 'by_hand',
    pool: 'housekeeping',
    leaseSeconds: 180,
    maxAttempts: 5,
    run: async (task, signal) => {
      const row = findDecision(database.read, task.payload.decisionId);
      if (row?.endedAt !== null) return () => {};
      const book = await prepare(options, row, signal);
      return (tx) => {
        const outcome = book(tx);
        end(tx, row.id, outcome, clock.now());
        log.warn('by_hand.ended', {
          what: row.what,
          result: outcome.result,
          payment_hash: row.paymentHash.slice(0, 8),
        });
      };
    },
    parked: (tx, task) => {
      end(tx, task.payload.decisionId, refused('It failed again and again: a bug of ours. See the log.'), clock.now());
    },
  };
}

async function prepare(options: PayoutTaskOptions, row: DecisionRow, signal: AbortSignal): Promise<Book> {
  try {
    switch (row.what) {
      case 'recheck':
        return await recheck(options, row.paymentHash, signal);
      case 'credit':
        return await credit(options, row.paymentHash, signal);
      case 'paid':
      case 'dead':
        return await resolvePayout(options, { ...row, what: row.what }, signal);
      case 'mend':
      case 'order':
        return () => refused('Done when it was asked for.');
    }
  } catch (error) {
    if (!(error instanceof OutsideError)) throw error;
    const words =
      error.fault === 'rejected'
        ? `The wallet refuses to answer (${error.message}): check its keys.`
        : 'The wallet cannot be asked just now, and nothing was changed: try again.';
    return () => refused(words);
  }
}

function end(tx: Tx, id: number, { result, words }: DecisionOutcome, now: UnixSeconds): void {
  tx.update(handDecisions).set({ endedAt: now, result, words }).where(eq(handDecisions.id, id)).run();
}
