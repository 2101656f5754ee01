import { sats } from '../lib/units.ts';
import type { Charge, ReceiptPayment } from './build.ts';

/**
 * Payments and debts in one receipt: escaped within a direct message, so many fit (40 KB), and what is asked for beside.
 * A payment that alone has more of them stands alone.
 */
const MAX_ROWS = 150;

/**
 * A charge as receipts that each fit one message, oldest first. Only what came into a session is without bound (holders
 * of its token top it up and ask while its owner does not): all but the last of such payments are told by receipts of
 * its balance that charge and return nothing (`ended`), which the charge itself follows.
 */
export function partsOf(charge: Charge): readonly Charge[] {
  if (charge.product !== 'session' || charge.balanceBeforeSats === null) return [charge];
  const groups = groupsOf(charge.payments);
  const { session, balanceBeforeSats, spentByTokenSats = 0 } = charge;
  // What the session held before any of them came.
  let heldSats = balanceBeforeSats + spentByTokenSats - sumOf(charge.payments);
  const parts = groups.slice(0, -1).map((payments): Charge => {
    heldSats += sumOf(payments);
    return { product: 'session', outcome: 'ended', session, payments, balanceBeforeSats: sats(heldSats) };
  });
  return [...parts, { ...charge, payments: groups.at(-1) ?? [] }];
}

function groupsOf(payments: readonly ReceiptPayment[]): readonly (readonly ReceiptPayment[])[] {
  const groups: ReceiptPayment[][] = [];
  let rows = MAX_ROWS;
  for (const payment of payments) {
    const more = 1 + (payment.debts?.length ?? 0);
    rows += more;
    if (rows > MAX_ROWS) [rows] = [more, groups.push([])];
    groups.at(-1)?.push(payment);
  }
  return groups;
}

function sumOf(payments: readonly ReceiptPayment[]): number {
  return payments.reduce((sum, { amountSats }) => sum + amountSats, 0);
}
