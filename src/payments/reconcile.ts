import { keepFact, readFact, statement, type Database, type Reader, type Tx } from '../db/index.ts';
import { balance, OPERATOR, post, WALLET } from '../ledger/index.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { msats, plusSeconds, type UnixSeconds } from '../lib/units.ts';
import type { Wallet, WalletRow } from '../ports/wallet.ts';
import { schedule, type Commit, type TaskKind } from '../tasks/index.ts';
import { unexplained, type PayoutPosition } from './reconcile-balance.ts';
import { takeRows, type Surplus } from './reconcile-rows.ts';

export interface ReconcileOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly wallet: Wallet;
  /** Tells the operators. */
  readonly alert: (tx: Tx, what: string) => void;
  /** Tells a customer of money that came without being asked for and is now owed to them. */
  readonly tellSurplus: (tx: Tx, surplus: Surplus) => void;
  /** Stops sales and payments for this reason, or opens them again. Called after each comparison. */
  readonly onDrift: (because: string | null) => void;
}

export const RECONCILE_KEY = 'wallet.reconcile';
const EVERY_SECONDS = 300;
/** A gap is believed when it is there a second time: money that moves between two questions makes one too. */
const LOOK_AGAIN_SECONDS = 15;
const ROWS = 1000;

/** What the wallet was asked, and said. */
export interface WalletReading {
  /** Which wallet it is (`lnbits:bitcoin:<id>`). */
  readonly identity: string;
  readonly version: string | null;
  readonly balanceMsats: bigint;
  readonly rows: readonly WalletRow[];
}

/** Asks the wallet who it is, what it holds and what moved lately. @throws OutsideError */
export async function readWallet(wallet: Wallet, signal: AbortSignal): Promise<WalletReading> {
  const { walletId, version, balanceMsats } = await wallet.contact(signal);
  const rows = await wallet.recent(ROWS, signal);
  return { identity: `${wallet.kind}:${wallet.network}:${walletId}`, version, balanceMsats, rows };
}

/**
 * Compares the wallet with the books, at start and every few minutes: by its own list of payments, not only by the
 * hashes we know, and by its balance. What we missed is booked; what nothing explains stops sales and payments (never
 * deliveries) until it is gone. A wallet that cannot be asked is no drift.
 *
 * Killed midway: nothing happened; it is asked again.
 */
export function reconcileTask(options: ReconcileOptions): TaskKind<Record<string, never>> {
  const { clock, log, wallet } = options;
  return {
    kind: 'wallet.reconcile',
    pool: 'wallet',
    leaseSeconds: 120,
    maxAttempts: Infinity,
    run: async (_task, signal): Promise<Commit> => {
      const reading = await readWallet(wallet, signal);
      return (tx) => {
        const now = clock.now();
        const known = readFact(tx, 'wallet');
        if (known !== null && known !== reading.identity) return anotherWallet(options, tx, reading, now);
        const news = takeRows(tx, reading.rows, known === null, now);
        for (const hash of news.seenLate) log.warn('invoice.seen_late', { payment_hash: hash.slice(0, 8) });
        for (const what of news.alerts) options.alert(tx, what);
        for (const surplus of news.surpluses) {
          log.warn('wallet.surplus', { order: surplus.orderId, sats: surplus.amountSats });
          options.tellSurplus(tx, surplus);
        }
        if (known === null) meet(tx, reading, now);
        judge(options, tx, reading, now);
      };
    },
  };
}

/** First contact: what it holds beyond the books is the operator's. Were it less, that would be for a person to judge. */
function meet(tx: Tx, reading: WalletReading, now: UnixSeconds): void {
  if (gapOf(tx, reading) < 0n) bookDifference(tx, reading, now);
  keepFact(tx, 'wallet', reading.identity);
}

/** Owes a comparison now. */
export function reconcileSoon(tx: Tx, now: UnixSeconds): void {
  schedule(tx, { kind: 'wallet.reconcile', payload: {}, key: RECONCILE_KEY, dueAt: now, now });
}

/**
 * Makes this wallet the one that the books are about: what it holds beyond them is the operator's, what it lacks they
 * took out. Rows of a wallet that is new to us are not ours to judge. The caller sees to it that nothing is in flight.
 *
 * @returns msats booked, > 0 when the operator put in.
 */
export function adoptWallet(tx: Tx, reading: WalletReading, now: UnixSeconds): bigint {
  const known = readFact(tx, 'wallet');
  takeRows(tx, reading.rows, known !== reading.identity, now);
  // Another wallet may have another node: its key is pinned anew at its first invoice.
  if (known !== reading.identity) statement(tx, `DELETE FROM facts WHERE name = 'payee'`).run();
  return bookDifference(tx, reading, now);
}

function bookDifference(tx: Tx, reading: WalletReading, now: UnixSeconds): bigint {
  const { identity } = reading;
  const known = readFact(tx, 'wallet');
  const missing = gapOf(tx, reading);
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

/** What of the gap between books and wallet nothing explains; > 0 when the wallet holds less. */
function gapOf(reader: Reader, { balanceMsats, rows }: WalletReading): bigint {
  return unexplained(balance(reader, WALLET), balanceMsats, positions(reader, rows));
}

/** Payouts by which wallet and books may rightly differ: those under way, and those that a person decided. */
function positions(reader: Reader, rows: readonly WalletRow[]): PayoutPosition[] {
  const outgoing = new Map(rows.filter((row) => row.direction === 'out').map((row) => [row.paymentHash, row]));
  const payouts = statement(
    reader,
    `SELECT p.payment_hash AS hash, p.amount_msats AS amount, p.state AS state,
       (SELECT coalesce(sum(amount_msats), 0) FROM transfers
        WHERE kind IN ('refund_paid', 'routing_fee') AND cause = p.payment_hash) AS booked
     FROM payouts p WHERE p.state IN ('committed', 'sent') OR EXISTS
       (SELECT 1 FROM hand_decisions h WHERE h.payment_hash = p.payment_hash AND h.what IN ('paid', 'dead') AND h.result = 'done')`,
  ).all() as { hash: string; amount: number; state: PayoutPosition['state']; booked: number }[];
  return payouts.map(({ hash, amount, state, booked }) => ({
    amountMsats: BigInt(amount),
    state,
    bookedMsats: BigInt(booked),
    row: outgoing.get(hash),
  }));
}

function judge(options: ReconcileOptions, tx: Tx, reading: WalletReading, now: UnixSeconds): void {
  const before = lastReconciliation(tx);
  const gap = gapOf(tx, reading);
  const isBelieved = gap !== 0n && (before?.drift != null || before?.gapMsats === Number(gap));
  conclude(options, tx, reading, gap, isBelieved ? describeGap(gap) : null, now);
  // A first doubt stops nothing yet.
  if (gap !== 0n && !isBelieved) again(tx, LOOK_AGAIN_SECONDS, now);
}

function anotherWallet(options: ReconcileOptions, tx: Tx, reading: WalletReading, now: UnixSeconds): void {
  const because = 'Another wallet answers than the one that the books are about. Configure that one again.';
  conclude(options, tx, reading, 0n, because, now);
}

function conclude(
  options: ReconcileOptions,
  tx: Tx,
  reading: WalletReading,
  gap: bigint,
  drift: string | null,
  now: UnixSeconds,
): void {
  const before = lastReconciliation(tx)?.drift ?? null;
  statement(
    tx,
    `INSERT INTO reconciliation (id, at, balance_msats, gap_msats, drift) VALUES (1, @at, @balance, @gap, @drift)
     ON CONFLICT (id) DO UPDATE SET at = @at, balance_msats = @balance, gap_msats = @gap, drift = @drift`,
  ).run({ at: now, balance: Number(reading.balanceMsats), gap: Number(gap), drift });
  if (drift !== null && drift !== before) {
    options.log.error('wallet.drift', { gap_msats: Number(gap) });
    options.alert(tx, `${drift} Sales and payments are stopped; what was paid for is still delivered.`);
  }
  if (drift === null && before !== null) {
    options.log.info('wallet.agrees');
    options.alert(tx, 'The wallet and the books agree again. Sales and payments go on.');
    statement(tx, `UPDATE tasks SET due_at = ? WHERE kind = 'payout.send' AND state = 'waiting'`).run(now);
  }
  options.onDrift(drift);
  again(tx, drift === null ? EVERY_SECONDS : 60, now);
}

function again(tx: Tx, seconds: number, now: UnixSeconds): void {
  const dueAt = plusSeconds(now, seconds);
  schedule(tx, { kind: 'wallet.reconcile', payload: {}, key: RECONCILE_KEY, dueAt, now });
}

function describeGap(gap: bigint): string {
  const amount = gap < 0n ? -gap : gap;
  const inSats = amount % 1000n === 0n ? `${amount / 1000n} sats` : `${amount} msats`;
  return `The wallet holds ${inSats} ${gap > 0n ? 'less' : 'more'} than the books say, and nothing explains it. See: timmy status. If you moved them yourself: timmy ledger adopt-wallet.`;
}

export interface Reconciliation {
  readonly at: number;
  readonly balanceMsats: number;
  readonly gapMsats: number;
  /** Why sales and payments are stopped, or null. */
  readonly drift: string | null;
}

/** The last comparison, undefined before the first. */
export function lastReconciliation(reader: Reader): Reconciliation | undefined {
  return statement(
    reader,
    'SELECT at, balance_msats AS balanceMsats, gap_msats AS gapMsats, drift FROM reconciliation WHERE id = 1',
  ).get() as Reconciliation | undefined;
}
