import { statement, type Tx } from '../db/index.ts';
import { OPERATOR, post, SUSPENSE } from '../ledger/index.ts';
import { msats, type UnixSeconds } from '../lib/units.ts';

/**
 * Books money that came unasked and belongs to no customer as the operator's: they say that they put it in.
 *
 * @returns how much, msats.
 */
export function adoptSurplus(tx: Tx, now: UnixSeconds): bigint {
  const rows = statement(
    tx,
    `SELECT cause, amount_msats AS amount FROM transfers t WHERE kind = 'surplus:unexpected' AND NOT EXISTS
       (SELECT 1 FROM transfers o WHERE o.cause = t.cause AND o.kind IN ('owed:unexpected', 'surplus_adopted'))`,
  ).all() as { cause: string; amount: number }[];
  let total = 0n;
  for (const { cause, amount } of rows) {
    const amountMsats = msats(BigInt(amount));
    post(tx, { debit: SUSPENSE, credit: OPERATOR, amountMsats, kind: 'surplus_adopted', cause, at: now });
    total += amountMsats;
  }
  return total;
}
