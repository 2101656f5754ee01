import type { Tx } from '../db/index.ts';
import { OutsideError } from '../lib/errors.ts';
import { plusSeconds, type UnixSeconds } from '../lib/units.ts';
import type { OutgoingStatus } from '../ports/wallet.ts';
import type { Commit, TaskKind } from '../tasks/index.ts';
import { debtsPaidBy } from './debts.ts';
import { bury, QUIET_BEFORE_ABSENT_COUNTS, tellWaiting, type PayoutTaskOptions } from './payout-options.ts';
import {
  findPayout,
  sendPayout,
  setPayout,
  settlePayout,
  tellOrders,
  watchPayout,
  type PayoutRow,
  type Watched,
} from './payouts.ts';

/**
 * Looks at one payout until it is proven paid or proven dead, however long that takes. Each by itself: a held
 * payment answers a look-up only after half a minute, and must stall nobody else.
 *
 * Killed midway: nothing happened; it is looked up again. A probe re-posts the same invoice, which sends nothing new.
 */
export function watchPayoutTask(options: PayoutTaskOptions): TaskKind<Watched> {
  const { database, wallet, log } = options;
  return {
    kind: 'payout.watch',
    pool: 'proofs',
    leaseSeconds: 180,
    maxAttempts: Infinity,
    run: async (task, signal): Promise<Commit> => {
      const { paymentHash } = task.payload;
      const payout = findPayout(database.read, paymentHash);
      if (payout === undefined || payout.state === 'paid' || payout.state === 'dead') return () => {};
      let status: OutgoingStatus;
      try {
        status = await wallet.lookupPayment(paymentHash, signal);
        if (status.state === 'failed') return await probe(options, payout, task.payload, signal);
      } catch (error) {
        if (!(error instanceof OutsideError)) throw error;
        status = { state: 'unknown' };
      }
      if (status.state === 'paid') {
        log.info('payout.paid', { sats: Math.floor(payout.amountMsats / 1000) });
        log.debug('payout.paid_as', { payment_hash: paymentHash });
        const { feeMsats, preimage } = status;
        return settleAndTell(options, paymentHash, { feeMsats, preimage });
      }
      if (status.state === 'absent') return reconsiderAbsent(options, payout, task.payload);
      return (tx) => waitOn(options, tx, payout, task.payload);
    },
  };
}

function settleAndTell(
  options: PayoutTaskOptions,
  paymentHash: string,
  proof: Parameters<typeof settlePayout>[2],
): Commit {
  return (tx) => {
    const now = options.clock.now();
    if (!settlePayout(tx, paymentHash, proof, now)) return;
    const payout = findPayout(tx, paymentHash);
    if (payout === undefined) return;
    options.receipts.fileRefund(tx, payout, debtsPaidBy(tx, paymentHash), now);
    options.tell(tx, payout, 'paid');
  };
}

/** The wallet says failed. That is provisional: only two proofs by its node, minutes apart, free the debt. */
async function probe(
  options: PayoutTaskOptions,
  payout: PayoutRow,
  watched: Watched,
  signal: AbortSignal,
): Promise<Commit> {
  const { clock, wallet, probeSeconds } = options;
  const { paymentHash } = payout;
  const now = clock.now();
  const last = (payout.deadProofAt ?? payout.sentAt ?? payout.createdAt) as UnixSeconds;
  if (now < last + probeSeconds) return (tx) => watchPayout(tx, watched, plusSeconds(last, probeSeconds), now);
  const proof = await wallet.probeFailure(payout.bolt11, paymentHash, signal);
  if (proof === 'paid') {
    const status = await wallet.lookupPayment(paymentHash, signal);
    if (status.state === 'paid') return settleAndTell(options, paymentHash, status);
  }
  if (proof === 'dead') {
    if (payout.deadProofs >= 1) return bury(options, paymentHash, 'failed');
    return (tx) => {
      tellWaiting(options, tx, payout);
      setPayout(tx, paymentHash, { deadProofs: payout.deadProofs + 1, deadProofAt: clock.now() });
      watchPayout(tx, watched, plusSeconds(clock.now(), probeSeconds), clock.now());
    };
  }
  return (tx) => waitOn(options, tx, payout, watched);
}

/** Not in the wallet although we posted it: the post never arrived, or still waits in a queue. Post the same again. */
function reconsiderAbsent(options: PayoutTaskOptions, payout: PayoutRow, watched: Watched): Commit {
  const { clock } = options;
  const now = clock.now();
  const quiet = now - (payout.sentAt ?? now);
  return (tx) => {
    tellWaiting(options, tx, payout);
    if (quiet < QUIET_BEFORE_ABSENT_COUNTS) return watchPayout(tx, watched, plusSeconds(now, 10), now);
    setPayout(tx, payout.paymentHash, { state: 'committed' });
    sendPayout(tx, payout.paymentHash, now);
  };
}

/** Nothing known yet: look again, tell its orders once that it is under way, the customer after a minute, and a person after a day. */
function waitOn(options: PayoutTaskOptions, tx: Tx, payout: PayoutRow, watched: Watched): void {
  const now = options.clock.now();
  const age = now - (payout.sentAt ?? payout.createdAt);
  tellWaiting(options, tx, payout);
  // Most are paid at the first look: those are not worth a word in between.
  if (watched.told !== true) tellOrders(tx, payout.paymentHash, now);
  watchPayout(tx, { ...watched, told: true }, plusSeconds(now, age < 60 ? 2 : age < 3600 ? 30 : 300), now);
}
