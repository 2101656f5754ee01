import { dropFact, keepFact, readFact, statement, type Reader, type Tx } from '../db/index.ts';
import type { Log } from '../lib/log.ts';
import { plusSeconds, type UnixSeconds } from '../lib/units.ts';
import { schedule } from '../tasks/index.ts';
import { confirmed, nearest, type Share } from './reconcile-balance.ts';
import { TROUBLE_SECONDS, walletTrouble } from './wallet-trouble.ts';

export interface VerdictOptions {
  readonly log: Log;
  /** Tells the operators. */
  readonly alert: (tx: Tx, what: string) => void;
}

export const RECONCILE_KEY = 'wallet.reconcile';
const EVERY_SECONDS = 300;
/** While sales are stopped, or the wallet ails. */
const SOON_SECONDS = TROUBLE_SECONDS;
/** A gap is believed when there is one a second time: money that moves between two questions makes one too. */
const LOOK_AGAIN_SECONDS = 15;

export interface Reconciliation {
  readonly at: number;
  readonly balanceMsats: number;
  readonly gapMsats: number;
  /** Why sales are stopped, and payments unless it only holds less, or null. */
  readonly drift: string | null;
}

/** The last comparison, undefined before the first. */
export function lastReconciliation(reader: Reader): Reconciliation | undefined {
  return statement(
    reader,
    'SELECT at, balance_msats AS balanceMsats, gap_msats AS gapMsats, drift FROM reconciliation WHERE id = 1',
  ).get() as Reconciliation | undefined;
}

/**
 * What follows from one comparison and the one before. A gap of the same sign twice running is a drift, of the smaller
 * of the two: a wallet that loses a sat between any two readings is found out like one that lost them at once. It is
 * over when a reading leaves nothing open, or two find nothing.
 */
export function judge(options: VerdictOptions, tx: Tx, balanceMsats: bigint, missing: Share, now: UnixSeconds): void {
  const before = lastReconciliation(tx);
  const gap = nearest(missing);
  const both = confirmed(BigInt(before?.gapMsats ?? 0), gap);
  let drift = both === 0n ? null : describeGap(both);
  if (before?.drift != null && drift === null) {
    const isOver = gap === 0n && (missing.least === missing.most || before.gapMsats === 0);
    if (!isOver) drift = gap === 0n ? before.drift : describeGap(gap);
  }
  const isShort = gap > 0n || (gap === 0n && readFact(tx, 'wallet_short') !== null);
  conclude(options, tx, { balanceMsats, gap, drift, isShort }, now);
  // A first doubt stops nothing yet.
  if (gap !== 0n && drift === null) again(tx, LOOK_AGAIN_SECONDS, now);
}

/** Its balance says nothing about our books. */
export function anotherWallet(options: VerdictOptions, tx: Tx, balanceMsats: bigint, now: UnixSeconds): void {
  const drift = 'Another wallet answers than the one that the books are about. Configure that one again.';
  conclude(options, tx, { balanceMsats, gap: 0n, drift, isShort: false }, now);
}

interface Verdict {
  readonly balanceMsats: bigint;
  readonly gap: bigint;
  readonly drift: string | null;
  /** It drifts because it holds less: then what it covers is still paid out. */
  readonly isShort: boolean;
}

function conclude(
  { log, alert }: VerdictOptions,
  tx: Tx,
  { balanceMsats, gap, drift, isShort }: Verdict,
  now: UnixSeconds,
): void {
  const before = lastReconciliation(tx)?.drift ?? null;
  statement(
    tx,
    `INSERT INTO reconciliation (id, at, balance_msats, gap_msats, drift) VALUES (1, @at, @balance, @gap, @drift)
     ON CONFLICT (id) DO UPDATE SET at = @at, balance_msats = @balance, gap_msats = @gap, drift = @drift`,
  ).run({ at: now, balance: Number(balanceMsats), gap: Number(gap), drift });
  if (drift !== null && isShort) keepFact(tx, 'wallet_short', String(gap));
  else dropFact(tx, 'wallet_short');
  if (drift !== null && drift !== before && (before === null || isWorse(tx, gap))) {
    keepFact(tx, 'drift_told', String(gap));
    log.error('wallet.drift', { gap_msats: Number(gap) });
    const what = isShort
      ? 'Sales are stopped. What was paid for is still delivered, and refunds go out as far as it covers them, the oldest first.'
      : 'Sales and payments are stopped; what was paid for is still delivered.';
    alert(tx, `${drift} ${what}`);
  }
  if (drift === null && before !== null) {
    log.info('wallet.agrees');
    alert(tx, 'The wallet and the books agree again. Sales and payments go on.');
    statement(tx, `UPDATE tasks SET due_at = ? WHERE kind = 'payout.send' AND state = 'waiting'`).run(now);
  }
  again(tx, drift === null && walletTrouble(tx) === null ? EVERY_SECONDS : SOON_SECONDS, now);
}

/** Than what the operators know: of another kind, or twice as much. A drift that grows is not told at every reading. */
function isWorse(reader: Reader, gap: bigint): boolean {
  const told = BigInt(readFact(reader, 'drift_told') ?? 0);
  return gap === 0n || confirmed(told, gap) === 0n || size(gap) >= 2n * size(told);
}

/** Owes a comparison now. */
export function reconcileSoon(tx: Tx, now: UnixSeconds): void {
  again(tx, 0, now);
}

/** Owes the next comparison, and no other, in so many seconds. */
export function again(tx: Tx, seconds: number, now: UnixSeconds): void {
  const dueAt = plusSeconds(now, seconds);
  schedule(tx, { kind: 'wallet.reconcile', payload: {}, key: RECONCILE_KEY, dueAt, now });
}

function describeGap(gap: bigint): string {
  const amount = size(gap);
  const inSats = amount % 1000n === 0n ? `${amount / 1000n} sats` : `${amount} msats`;
  return `The wallet holds ${inSats} ${gap > 0n ? 'less' : 'more'} than the books say, and nothing explains it. See: timmy status. If you moved them yourself: timmy ledger adopt-wallet.`;
}

function size(gap: bigint): bigint {
  return gap < 0n ? -gap : gap;
}
