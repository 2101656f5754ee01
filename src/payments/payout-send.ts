import type { Reader } from '../db/index.ts';
import { balance, WALLET } from '../ledger/index.ts';
import { OutsideError } from '../lib/errors.ts';
import { plusSeconds } from '../lib/units.ts';
import type { SendAnswer } from '../ports/wallet.ts';
import { RunAgain, type Commit, type TaskKind } from '../tasks/index.ts';
import { debtsPaidBy, type DebtRow } from './debts.ts';
import { bury, QUIET_BEFORE_ABSENT_COUNTS, tellWaiting, SLOW_AFTER, type PayoutTaskOptions } from './payout-options.ts';
import { alertWait, isNotedKeyless, lacksKey, noteKeyless, type PayoutWait } from './payout-waits.ts';
import { feesShutUntil } from './fees.ts';
import { reserveFor } from './reconcile-balance.ts';
import {
  beginSending,
  debtsOfPayout,
  findPayout,
  isUnsent,
  markSent,
  outflow,
  setPayout,
  unsentBefore,
  type PayoutRow,
} from './payouts.ts';

/** `wait`: what it waited for when it was last tried. */
interface Sending {
  readonly paymentHash: string;
  readonly wait?: PayoutWait;
}

/** It cannot be sent now: why, and after how many seconds to try again. */
class NotYet extends Error {
  readonly wait: PayoutWait | undefined;
  readonly seconds: number;

  constructor(seconds: number, wait?: PayoutWait) {
    super('not yet');
    this.name = 'NotYet';
    this.wait = wait;
    this.seconds = seconds;
  }
}

/**
 * Sends one payout: looks its hash up first, asks whether the node is there, then posts the invoice once. What the
 * wallet answers decides nothing; `payout.watch` finds the outcome by looking. One at a time: a held payment stalls
 * all of LNbits. What it waits for is noted in its payload, for the operator.
 *
 * Killed midway: it may have been sent. The next run finds the hash in the wallet, or posts the same invoice again,
 * which the wallet sends to its node at most once.
 */
export function sendPayoutTask(options: PayoutTaskOptions): TaskKind<Sending> {
  const { database, clock } = options;
  return {
    kind: 'payout.send',
    pool: 'payouts',
    leaseSeconds: 180,
    maxAttempts: Infinity,
    run: async (task, signal): Promise<Commit> => {
      const { paymentHash } = task.payload;
      const payout = findPayout(database.read, paymentHash);
      if (payout?.state !== 'committed') return () => {};
      try {
        return await send(options, payout, task.tries, signal);
      } catch (error) {
        const notYet = error instanceof NotYet ? error : whyAway(error, task.tries, signal);
        const { wait = task.payload.wait } = notYet;
        // Not yet: the customer hears after a minute that it is on its way, a person after a day that it waits.
        database.write((tx) => {
          tellWaiting(options, tx, payout);
          if (notYet.wait !== undefined) alertWait(tx, notYet.wait, payout, options.alert, clock.now());
        });
        const seconds = payout.told === '' ? Math.min(notYet.seconds, SLOW_AFTER) : notYet.seconds;
        throw new RunAgain(seconds, { paymentHash, ...(wait === undefined ? {} : { wait }) } satisfies Sending);
      }
    },
  };
}

/** What the wallet's failure means for a payout that was not posted. Anything else is a bug, and is thrown. */
function whyAway(error: unknown, tries: number, signal: AbortSignal): NotYet {
  // Broken off by our own stop it says nothing about the wallet.
  if (!(error instanceof OutsideError) || signal.aborted) throw error;
  if (error.fault === 'rejected') return new NotYet(300, 'key_refused');
  return new NotYet(error.retryAfterSeconds ?? Math.min(60, 2 ** tries), 'wallet_away');
}

async function send(
  options: PayoutTaskOptions,
  payout: PayoutRow,
  tries: number,
  signal: AbortSignal,
): Promise<Commit> {
  const { database, clock, wallet, log } = options;
  const { paymentHash } = payout;
  // Sent never, and not now: its place is not there, and the wallet need not be asked to know that.
  const held = isUnsent(payout) && clock.now() < payout.invoiceExpiresAt - 5 ? heldBack(options, payout) : null;
  if (held !== null) throw held;
  const known = await wallet.lookupPayment(paymentHash, signal);
  if (known.state !== 'absent') return (tx) => markSent(tx, paymentHash, clock.now());
  // An expired invoice leaves LNbits with a failed row that nobody can prove dead: never post one. And what waits for
  // something else must not outlive its invoice, or its debts would be bound for ever.
  if (payout.invoiceExpiresAt <= clock.now() + 5) return buryOnceQuiet(options, payout, 'expired');
  const still = heldBack(options, payout);
  if (still !== null) throw still;
  const isKeyless = await lacksKey(wallet, signal);
  if (isKeyless !== isNotedKeyless(database.read)) database.write((tx) => noteKeyless(tx, isKeyless));
  if (isKeyless) throw new NotYet(60, 'no_admin_key');
  if (options.mayLeave?.() === 'covered' && !(await isCovered(options, payout, signal)))
    throw new NotYet(300, 'not_covered');
  if (!(await wallet.probeNode(signal))) throw new NotYet(15, 'node_away');
  if (!database.write((tx) => beginSending(tx, paymentHash, clock.now()))) return () => {};
  try {
    const answer = await wallet.pay(payout.bolt11, debtsLabel(debtsPaidBy(database.read, paymentHash)), signal);
    log.info('payout.posted', { order: ordersOf(database.read, paymentHash), answer: answer.answer });
    log.debug('payout.posted_as', { payment_hash: paymentHash });
    if (answer.answer === 'refused') return await afterRefusal(options, payout, answer.why, signal);
  } catch (error) {
    if (!(error instanceof OutsideError)) throw error;
    // It may still wait in a queue there: the quiet time begins now. Else it was refused before it was taken in.
    const sentAt = error.fault === 'unknown' ? clock.now() : payout.sentAt;
    database.write((tx) => setPayout(tx, paymentHash, { sentAt }));
    if (error.fault !== 'unknown') throw whyAway(error, tries, signal);
  }
  return (tx) => markSent(tx, paymentHash, clock.now());
}

/** What keeps it back by our own rules, or null: nothing is asked of the wallet to know it. */
function heldBack(options: PayoutTaskOptions, payout: PayoutRow): NotYet | null {
  const { database, clock, caps } = options;
  if (options.mayLeave?.() === 'nothing') return new NotYet(60, 'stopped');
  const over = overCaps(options, payout);
  if (over !== null) return new NotYet(over === 'in_flight' || over === 'own_in_flight' ? 30 : 300, over);
  const now = clock.now();
  const until = feesShutUntil(database.read, caps, payout.owner, payout.replyTo !== null, now);
  return until === null ? null : new NotYet(Math.min(3600, until - now), 'fees');
}

/**
 * A bug or a thief must not empty the wallet overnight, nor a payee who holds payments open freeze it, nor keep others
 * from their money: what is above the caps waits.
 */
function overCaps({ database, clock, caps }: PayoutTaskOptions, payout: PayoutRow): PayoutWait | null {
  const amount = BigInt(payout.amountMsats);
  if (amount > BigInt(caps.paymentSats) * 1000n) return 'above_max';
  const day = plusSeconds(clock.now(), -86_400);
  const { dayMsats, inFlight, inFlightMsats, inFlightOfOwner } = outflow(database.read, day, payout);
  if (dayMsats + amount > BigInt(caps.dailySats) * 1000n) return 'daily_max';
  if (inFlightOfOwner >= caps.inFlightOfOwner) return 'own_in_flight';
  const share = balance(database.read, WALLET) / 5n;
  const floor = BigInt(caps.inFlightFloorSats) * 1000n;
  // One alone may be as large as it is: it is owed.
  const isTooMuch = inFlight > 0 && inFlightMsats + amount > (share > floor ? share : floor);
  return inFlight >= caps.inFlight || isTooMuch ? 'in_flight' : null;
}

/**
 * Does what the wallet holds now (without what is in flight, which LNbits has taken off already) cover this one with
 * its routing reserve, after all that wait for older debts?
 */
async function isCovered(
  { database, wallet }: PayoutTaskOptions,
  payout: PayoutRow,
  signal: AbortSignal,
): Promise<boolean> {
  const { balanceMsats } = await wallet.contact(signal);
  const older = unsentBefore(database.read, payout.paymentHash);
  const reserves = reserveFor(BigInt(payout.amountMsats)) + reserveFor(older.msats) + BigInt(older.count) * 2000n;
  return BigInt(payout.amountMsats) + older.msats + reserves <= balanceMsats;
}

/** A check before sending said no. Believed only when the wallet does not know the hash either. */
async function afterRefusal(
  options: PayoutTaskOptions,
  payout: PayoutRow,
  why: Extract<SendAnswer, { answer: 'refused' }>['why'],
  signal: AbortSignal,
): Promise<Commit> {
  const { wallet, clock, database } = options;
  const { paymentHash, sentAt } = payout;
  const status = await wallet.lookupPayment(paymentHash, signal);
  if (status.state !== 'absent') return (tx) => markSent(tx, paymentHash, clock.now());
  // This post is settled; only an earlier one may still be open.
  database.write((tx) => setPayout(tx, paymentHash, { sentAt }));
  if (why === 'insufficient' || why === 'limit' || why === 'forbidden') throw new NotYet(300, why);
  // Paid inside this wallet's server by somebody else, or not payable from here: ask for another invoice.
  return buryOnceQuiet(options, payout, why);
}

/** The wallet does not know the hash; that is believed only when no earlier post of it can still wait in a queue. */
function buryOnceQuiet(options: PayoutTaskOptions, payout: PayoutRow, why: string): Commit {
  const left = payout.sentAt === null ? 0 : payout.sentAt + QUIET_BEFORE_ABSENT_COUNTS - options.clock.now();
  if (left > 0) throw new NotYet(left);
  return bury(options, payout.paymentHash, why);
}

function ordersOf(reader: Reader, paymentHash: string): string {
  return debtsOfPayout(reader, paymentHash)
    .map(({ id }) => id)
    .join(' ');
}

/** Kept in the wallet's own row, so that the debts a payment was for can be found even with an old backup of ours. */
function debtsLabel(debts: readonly DebtRow[]): string {
  return debts.map((debt) => `${debt.orderId}.${debt.id}`).join(' ');
}
