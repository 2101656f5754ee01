import { keepFact, readFact, statement, type Reader, type Tx } from '../../db/index.ts';
import type { UnixSeconds } from '../../lib/units.ts';
import { dayOf, type Reservation } from './model-budget.ts';

/** A part of what the model may cost in a day, with a bound of its own. */
export interface Purse {
  readonly name: 'demo';
  readonly dailyUsd: number;
}

/**
 * Takes what was set aside for a call out of the purse of its day as well. Unlike the budget of all, which only stops
 * sales, a purse holds: it never pays for more than is in it.
 *
 * @returns false where it does not pay for the call; then nothing was taken.
 */
export function takeFromPurse(tx: Tx, purse: Purse, { day, usdNanos }: Reservation): boolean {
  if (spentOn(tx, purse, day) + usdNanos > purse.dailyUsd * 1e9) return false;
  add(tx, purse, day, usdNanos);
  return true;
}

/** What the call did cost. */
export function correctPurse(tx: Tx, purse: Purse, { day, usdNanos }: Reservation, actualUsdNanos: number): void {
  add(tx, purse, day, actualUsdNanos - usdNanos);
}

/** What is left of today. Billionths of a USD, never below zero. */
export function leftInPurse(reader: Reader, purse: Purse, at: UnixSeconds): number {
  return Math.max(0, purse.dailyUsd * 1e9 - spentOn(reader, purse, dayOf(at)));
}

/** True once a day: that it is spent is still to be told. */
export function tellPurseOnce(tx: Tx, { name }: Purse, at: UnixSeconds): boolean {
  const fact = `${name}_purse_told` as const;
  if (readFact(tx, fact) === dayOf(at)) return false;
  keepFact(tx, fact, dayOf(at));
  return true;
}

function spentOn(reader: Reader, { name }: Purse, day: string): number {
  const sql = 'SELECT usd_nanos AS usdNanos FROM model_purses WHERE purse = ? AND day = ?';
  return (statement(reader, sql).get(name, day) as { usdNanos: number } | undefined)?.usdNanos ?? 0;
}

function add(tx: Tx, { name }: Purse, day: string, usdNanos: number): void {
  statement(
    tx,
    `INSERT INTO model_purses (purse, day, usd_nanos) VALUES (?, ?, ?)
     ON CONFLICT (purse, day) DO UPDATE SET usd_nanos = usd_nanos + excluded.usd_nanos`,
  ).run(name, day, usdNanos);
}
