import { keepFact, readFact, statement, type Reader, type Tx } from '../../db/index.ts';
import type { UnixSeconds } from '../../lib/units.ts';
import { tokenCostUsd, type Tariff, type UsageItem } from '../../pricing/index.ts';

/** What a call may cost, set aside until it is known. Billionths of a USD. */
export interface Reservation {
  /** The day (UTC) whose budget it is on, whenever the call ends. */
  readonly day: string;
  readonly usdNanos: number;
}

/** Sets aside the most that a call can cost. A call whose cost is never known (the process died) has cost this. */
export function reserveSpend(tx: Tx, worst: UsageItem, tariff: Tariff, at: UnixSeconds): Reservation {
  const reservation = { day: dayOf(at), usdNanos: usdNanosOf(worst, tariff) };
  addTo(tx, reservation.day, reservation.usdNanos);
  return reservation;
}

/** What it did cost, whoever pays for it in the end. */
export function correctSpend(tx: Tx, { day, usdNanos }: Reservation, actual: UsageItem, tariff: Tariff): void {
  addTo(tx, day, usdNanosOf(actual, tariff) - usdNanos);
}

/** Is there anything left of today's budget? It stops sales, never work that is paid for. */
export function isBudgetLeft(reader: Reader, dailyBudgetUsd: number, at: UnixSeconds): boolean {
  const row = statement(reader, 'SELECT usd_nanos AS usdNanos FROM model_spend WHERE day = ?').get(dayOf(at)) as
    { usdNanos: number } | undefined;
  return (row?.usdNanos ?? 0) < dailyBudgetUsd * 1e9;
}

/** Was it told today that its budget is spent? */
export function isBudgetTold(reader: Reader, at: UnixSeconds): boolean {
  return readFact(reader, 'model_budget_told') === dayOf(at);
}

/** True once a day: that its budget is spent is still to be told. */
export function tellBudgetOnce(tx: Tx, at: UnixSeconds): boolean {
  if (isBudgetTold(tx, at)) return false;
  keepFact(tx, 'model_budget_told', dayOf(at));
  return true;
}

function addTo(tx: Tx, day: string, usdNanos: number): void {
  statement(
    tx,
    `INSERT INTO model_spend (day, usd_nanos) VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET usd_nanos = usd_nanos + excluded.usd_nanos`,
  ).run(day, usdNanos);
}

/** What these tokens cost, rounded up. Billionths of a USD. */
export function usdNanosOf(item: UsageItem, tariff: Tariff): number {
  const { n, d } = tokenCostUsd(item, tariff);
  return Number((n * 1_000_000_000n + d - 1n) / d);
}

/** The day (UTC) whose budget a moment is on: `2026-11-23`. */
export function dayOf(at: UnixSeconds): string {
  return new Date(at * 1000).toISOString().slice(0, 10);
}
