import { statement, type Reader, type Tx } from '../../db/index.ts';
import type { UnixSeconds } from '../../lib/units.ts';
import { tokenCostUsd, type Tariff, type UsageItem } from '../../pricing/index.ts';

/** Notes what a call cost us, whoever pays for it in the end. */
export function noteSpend(tx: Tx, item: UsageItem, tariff: Tariff, at: UnixSeconds): void {
  const { n, d } = tokenCostUsd(item, tariff);
  const usdNanos = Number((n * 1_000_000_000n + d - 1n) / d);
  statement(
    tx,
    `INSERT INTO model_spend (day, usd_nanos) VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET usd_nanos = usd_nanos + excluded.usd_nanos`,
  ).run(dayOf(at), usdNanos);
}

/** Is there anything left of today's budget? It stops sales, never work that is paid for. */
export function isBudgetLeft(reader: Reader, dailyBudgetUsd: number, at: UnixSeconds): boolean {
  const row = statement(reader, 'SELECT usd_nanos AS usdNanos FROM model_spend WHERE day = ?').get(dayOf(at)) as
    { usdNanos: number } | undefined;
  return (row?.usdNanos ?? 0) < dailyBudgetUsd * 1e9;
}

function dayOf(at: UnixSeconds): string {
  return new Date(at * 1000).toISOString().slice(0, 10);
}
