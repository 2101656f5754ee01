import { customer } from '../customers/index.ts';
import type { Reader } from '../db/index.ts';
import type { Product } from '../engine/index.ts';
import { wholeSats } from '../lib/units.ts';
import { owedByOrder, owedInAll } from '../payments/index.ts';

/** `account.get` (protocol.md). */
export function accountOf(reader: Reader, products: readonly Product[], owner: string): Record<string, unknown> {
  const session = products.find(({ kind }) => kind === 'session')?.openOf(reader, owner)[0];
  const { refundTo, refundsOn, keepOn } = customer(reader, owner);
  return {
    owed_sats: wholeSats(owedInAll(reader, owner)),
    debts: owedByOrder(reader, owner).map((row) => ({ id: row.orderId, amount_sats: wholeSats(row.amountMsats) })),
    refund_to: refundTo,
    refunds: refundsOn,
    keep: keepOn,
    session: session?.summary.id ?? null,
  };
}
