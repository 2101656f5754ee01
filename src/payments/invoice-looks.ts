import type { Tx } from '../db/index.ts';
import { sleep } from '../lib/clock.ts';
import { OutsideError } from '../lib/errors.ts';
import { plusSeconds, sats, toMsats, type UnixSeconds } from '../lib/units.ts';
import type { IncomingStatus } from '../ports/wallet.ts';
import { RunAgain, type Commit, type TaskKind } from '../tasks/index.ts';
import type { WalletTaskOptions } from './invoice-tasks.ts';
import {
  countLate,
  countWatched,
  findInvoice,
  lapse,
  lookLate,
  lookSoon,
  LOOKS_AT_ONCE,
  readNewsSoon,
  settle,
  unpaidAmong,
  watch,
  type InvoiceRow,
} from './invoices.ts';

/** Late money is looked for so long after the end. Seconds. */
export const WATCH_AFTER_END = 30 * 86_400;
/** What is past its end is looked at one by one, and no faster: it must not keep the wallet from who pays now. */
const LATE_LOOK_MS = 250;
/** With many of them each waits so long that there is one look in so many seconds. */
const LATE_LOOK_EVERY = 2;
const NEWS_EVERY = 2;
/** Changes read at once: more than arrive in that time. */
const NEWS_ROWS = 100;

/**
 * Asks the wallet about one open invoice, again and again: polling is the truth, a push only wakes it. Past its end,
 * when a look said so, `invoice.late` goes on.
 *
 * Killed midway: nothing happened; it is asked again.
 */
export function watchInvoiceTask(options: WalletTaskOptions): TaskKind<{ invoiceId: number }> {
  const { clock } = options;
  return {
    kind: 'invoice.watch',
    pool: 'looks',
    leaseSeconds: 90,
    maxAttempts: Infinity,
    run: async (task, signal): Promise<Commit> => {
      const { invoiceId } = task.payload;
      const row = watchable(options, invoiceId);
      if (row === null) return () => {};
      if (row.state !== 'open' && clock.now() >= row.expiresAt)
        return (tx) => lookLate(tx, invoiceId, clock.now(), clock.now());
      return look(options, row, task.tries, signal);
    },
  };
}

/**
 * The same for one whose end has passed: rarely, one after the other, in a pool of its own. However many there are,
 * they take nothing from those that may be paid now; money that comes late all the same is found by the wallet's list.
 *
 * Killed midway: nothing happened; it is asked again.
 */
export function lateInvoiceTask(options: WalletTaskOptions): TaskKind<{ invoiceId: number }> {
  return {
    kind: 'invoice.late',
    pool: 'late',
    leaseSeconds: 90,
    maxAttempts: Infinity,
    run: async (task, signal): Promise<Commit> => {
      const row = watchable(options, task.payload.invoiceId);
      if (row === null) return () => {};
      await sleep(options.clock, LATE_LOOK_MS, signal);
      return look(options, row, task.tries, signal);
    },
  };
}

/**
 * While more invoices are open than can be looked at one by one, reads what changed last in the wallet, by one call
 * for all of them; each paid one of ours is then looked at before everything else. Only `invoice.watch` books.
 *
 * Killed midway: nothing happened; it is read again.
 */
export function walletNewsTask(options: WalletTaskOptions): TaskKind<Record<string, never>> {
  const { database, clock, wallet } = options;
  return {
    kind: 'wallet.news',
    pool: 'looks',
    leaseSeconds: 60,
    maxAttempts: Infinity,
    run: async (task, signal): Promise<Commit> => {
      if (countWatched(database.read) <= LOOKS_AT_ONCE) return () => {};
      try {
        const { rows } = await wallet.changes(0, NEWS_ROWS, signal);
        const paid = rows.filter(({ direction, state }) => direction === 'in' && state === 'paid');
        return (tx) => {
          const now = clock.now();
          const hashes = paid.map(({ paymentHash }) => paymentHash);
          for (const hash of unpaidAmong(tx, hashes)) lookSoon(tx, hash, now);
          readNewsSoon(tx, plusSeconds(now, NEWS_EVERY), now);
        };
      } catch (error) {
        if (!(error instanceof OutsideError)) throw error;
        throw new RunAgain(error.retryAfterSeconds ?? Math.min(30, 2 * task.tries));
      }
    },
  };
}

type Watchable = InvoiceRow & { readonly paymentHash: string; readonly expiresAt: number };

function watchable({ database }: WalletTaskOptions, invoiceId: number): Watchable | null {
  const row = findInvoice(database.read, invoiceId);
  if (row === undefined || row.state === 'paid') return null;
  const { paymentHash, expiresAt } = row;
  if (paymentHash === null || expiresAt === null) return null;
  return { ...row, paymentHash, expiresAt };
}

async function look(options: WalletTaskOptions, row: Watchable, tries: number, signal: AbortSignal): Promise<Commit> {
  const { database, clock, wallet } = options;
  const asked = clock.now();
  let status: IncomingStatus;
  try {
    status = await wallet.lookupInvoice(row.paymentHash, signal);
  } catch (error) {
    if (!(error instanceof OutsideError)) throw error;
    throw new RunAgain(error.retryAfterSeconds ?? Math.min(30, 2 * tries));
  }
  const short = status.state === 'paid' && status.amountMsats < toMsats(sats(row.amountSats));
  if (short) {
    const what = `The wallet says that an invoice of ${row.orderId} was paid with less than it asks. Look at LNbits.`;
    database.write((tx) => options.alert(tx, what));
  }
  return (tx) => {
    const now = clock.now();
    if (status.state === 'paid' && !short) return settle(tx, row.id, status.amountMsats, now);
    // Only a look-up that began after the end says that it ended unpaid.
    if (asked >= row.expiresAt && !short) lapse(tx, row.id, now);
    // After a look, never instead of one: it may have been paid while nobody was there to see it.
    if (asked <= row.expiresAt + WATCH_AFTER_END) lookAgain(tx, row, now);
  };
}

function lookAgain(tx: Tx, { id, createdAt, expiresAt }: Watchable, now: UnixSeconds): void {
  const open = findInvoice(tx, id)?.state === 'open';
  if (open || now < expiresAt)
    return watch(tx, id, plusSeconds(now, nextLookIn(createdAt, expiresAt, now, countWatched(tx))), now);
  lookLate(tx, id, plusSeconds(now, nextLookIn(createdAt, expiresAt, now, countLate(tx))), now);
}

/**
 * Seconds until the next look: close together while it is young and again before its end (LNbits 1.6 stops asking
 * its node at that moment), then rarer and rarer. With many at a time each waits longer, so that the wallet is asked
 * no more often.
 *
 * @param others how many are looked at like it: open ones before its end, late ones after it.
 */
export function nextLookIn(createdAt: number, expiresAt: number, now: number, others = 1): number {
  const left = expiresAt - now;
  if (left > 0) {
    if (left <= 90) return Math.max(1, Math.min(2, left));
    const wait = now - createdAt < 300 ? 2 : now - createdAt < 1200 ? 5 : 15;
    return Math.max(1, Math.min(Math.ceil(wait * Math.max(1, others / LOOKS_AT_ONCE)), left - 60));
  }
  const after = -left;
  const wait = after < 600 ? 10 : after < 86_400 ? 120 : 3600;
  return Math.max(wait, others * LATE_LOOK_EVERY);
}
