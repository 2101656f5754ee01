import { dropFact, keepFact, readFact, statement, type Database, type Reader, type Tx } from '../db/index.ts';
import { balance, OPERATOR, post, WALLET } from '../ledger/index.ts';
import type { Clock } from '../lib/clock.ts';
import { OutsideError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { msats, type UnixSeconds } from '../lib/units.ts';
import type { Wallet, WalletRow } from '../ports/wallet.ts';
import type { Commit, TaskKind } from '../tasks/index.ts';
import { nearest, unexplained, type Moved, type PayoutPosition, type Share } from './reconcile-balance.ts';
import {
  askWallet,
  hasMoved,
  keepProgress,
  markBooks,
  movedSince,
  openOrDecided,
  readPage,
  readPayoutRows,
  readProgress,
  type Bookmark,
  type WalletAnswer,
  type WalletReading,
} from './reconcile-reading.ts';
import { takeRows } from './reconcile-rows.ts';
import { again, anotherWallet, judge } from './reconcile-verdict.ts';
import { isNodeInDoubt, noteRead, noteUnread, TROUBLE_SECONDS } from './wallet-trouble.ts';

export interface ReconcileOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly wallet: Wallet;
  /** Tells the operators. */
  readonly alert: (tx: Tx, what: string) => void;
}

/** There are more pages to read. */
const READ_ON_SECONDS = 1;
/** It could not be read. */
const AGAIN_SECONDS = TROUBLE_SECONDS / 2;

/** What the books are compared with. */
interface Compared extends WalletAnswer {
  readonly mark: Bookmark;
  readonly moved: Moved;
  readonly rows: readonly WalletRow[];
}

/**
 * Compares the wallet with the books, at start and every few minutes: by its own list of payments, not only by the
 * hashes we know, and by its balance. What we missed is booked; what nothing explains stops sales and payments (never
 * deliveries) until it is gone. One pass reads one page; while there is more to read, the next pass follows at once,
 * and only then is judged. A wallet that cannot be asked is no drift, but the operators hear of it when it lasts.
 *
 * Killed midway: nothing happened; it is asked again.
 */
export function reconcileTask(options: ReconcileOptions): TaskKind<Record<string, never>> {
  const { clock } = options;
  return {
    kind: 'wallet.reconcile',
    pool: 'housekeeping',
    leaseSeconds: 120,
    maxAttempts: Infinity,
    run: async (_task, signal): Promise<Commit> => {
      try {
        return await compare(options, signal);
      } catch (error) {
        // Broken off by our own stop it says nothing about the wallet.
        if (!(error instanceof OutsideError) || signal.aborted) throw error;
        return (tx) => {
          noteUnread(tx, options, error, clock.now());
          again(tx, Math.max(AGAIN_SECONDS, error.retryAfterSeconds ?? 0), clock.now());
        };
      }
    },
  };
}

async function compare(options: ReconcileOptions, signal: AbortSignal): Promise<Commit> {
  const { database, clock, wallet } = options;
  const mark = markBooks(database.read);
  const answer = await askWallet(wallet, signal);
  const before = readFact(database.read, 'wallet_read');
  const { through, under } = readProgress(database.read);
  const page = await readPage(wallet, { through, under }, signal);
  const ofPayouts = page.isWhole ? await readPayoutRows(wallet, database.read, page.rows, signal) : [];
  const isStill = page.isWhole && (await askWallet(wallet, signal)).balanceMsats === answer.balanceMsats;
  const node = isNodeInDoubt(database.read, clock.now()) ? await askForNode(wallet, signal) : undefined;
  return (tx) => {
    const now = clock.now();
    noteRead(tx, options, node, now);
    const known = readFact(tx, 'wallet');
    if (known !== null && known !== answer.identity) return anotherWallet(options, tx, answer.balanceMsats, now);
    // The operator adopted the wallet meanwhile: what was read here is read again.
    if (readFact(tx, 'wallet_read') !== before) return again(tx, READ_ON_SECONDS, now);
    const rows = [...page.rows, ...ofPayouts];
    const meanwhile = movedSince(tx, mark);
    // Until its list was read to the end, what strangers brought is what was found there.
    takeNews(options, tx, rows, through === null, now);
    keepProgress(tx, page.progress);
    if (!page.isWhole) return again(tx, READ_ON_SECONDS, now);
    const compared = { ...answer, mark, rows, moved: isStill ? meanwhile : movedSince(tx, mark) };
    if (known === null) meet(tx, compared, now);
    judge(options, tx, answer.balanceMsats, missingFrom(tx, compared), now);
  };
}

async function askForNode(wallet: Wallet, signal: AbortSignal): Promise<OutsideError | 'there'> {
  try {
    return (await wallet.probeNode(signal)) ? 'there' : new OutsideError('unavailable', 'wallet.node_down');
  } catch (error) {
    if (!(error instanceof OutsideError) || signal.aborted) throw error;
    return error;
  }
}

function takeNews(
  { log, alert }: ReconcileOptions,
  tx: Tx,
  rows: readonly WalletRow[],
  first: boolean,
  now: UnixSeconds,
): void {
  const news = takeRows(tx, rows, first, now);
  // After every stop there may be some: no fault, and told to nobody but the log.
  for (const hash of news.seenLate) log.info('invoice.seen_late', { payment_hash: hash.slice(0, 8) });
  for (const what of news.alerts) alert(tx, what);
  for (const { orderId, amountSats } of news.surpluses)
    log.warn('wallet.surplus', { order: orderId, sats: amountSats });
}

/** First contact: what it holds beyond the books is the operator's. Were it less, that would be for a person to judge. */
function meet(tx: Tx, compared: Compared, now: UnixSeconds): void {
  if (nearest(missingFrom(tx, compared)) < 0n) bookDifference(tx, compared, now);
  keepFact(tx, 'wallet', compared.identity);
}

/**
 * Makes this wallet the one that the books are about: what it holds beyond them is the operator's, what it lacks they
 * took out. Rows of a wallet that is new to us are not ours to judge. The caller sees to it that nothing is in flight.
 *
 * @returns msats booked, > 0 when the operator put in.
 */
export function adoptWallet(tx: Tx, reading: WalletReading, now: UnixSeconds): bigint {
  const known = readFact(tx, 'wallet');
  const first = known !== reading.identity || readProgress(tx).through === null;
  const { mark, isStill, pages } = reading;
  const meanwhile = movedSince(tx, mark);
  for (const rows of pages) takeRows(tx, rows, first, now);
  keepProgress(tx, reading.progress);
  // Another wallet may have another node: its key is pinned anew at its first invoice.
  if (known !== reading.identity) dropFact(tx, 'payee');
  const moved = isStill ? meanwhile : movedSince(tx, mark);
  return bookDifference(tx, { ...reading, moved, rows: pages.flat() }, now);
}

function bookDifference(tx: Tx, compared: Compared, now: UnixSeconds): bigint {
  const { identity } = compared;
  const known = readFact(tx, 'wallet');
  const missing = nearest(missingFrom(tx, compared));
  const isPutIn = missing < 0n;
  const adoptions = statement(tx, `SELECT count(*) AS n FROM transfers WHERE kind IN ('found', 'adopted')`).get() as {
    n: number;
  };
  post(tx, {
    debit: isPutIn ? WALLET : OPERATOR,
    credit: isPutIn ? OPERATOR : WALLET,
    amountMsats: msats(isPutIn ? -missing : missing),
    kind: known === null ? 'found' : 'adopted',
    cause: known === null ? identity : `${identity}:${adoptions.n}`,
    at: now,
  });
  keepFact(tx, 'wallet', identity);
  return -missing;
}

/** What of the difference between books and wallet nothing explains; > 0 where the wallet holds less. */
function missingFrom(reader: Reader, { balanceMsats, mark, moved, rows }: Compared): Share {
  return unexplained(balance(reader, WALLET), balanceMsats, positions(reader, mark, rows), moved);
}

function positions(reader: Reader, mark: Bookmark, rows: readonly WalletRow[]): PayoutPosition[] {
  const outgoing = new Map(rows.filter((row) => row.direction === 'out').map((row) => [row.paymentHash, row]));
  return openOrDecided(reader, mark.seq).map((payout) => ({
    amountMsats: BigInt(payout.amount),
    state: payout.state,
    bookedMsats: BigInt(payout.booked),
    wasPosted: payout.sentAt !== null,
    isMoving: hasMoved(mark, payout),
    row: outgoing.get(payout.hash),
  }));
}
