import { automaticDestination, customer, setPreferences } from '../../customers/index.ts';
import type { Tx } from '../../db/index.ts';
import { wholeSats, type Sats } from '../../lib/units.ts';
import { owedInAll } from '../../payments/index.ts';

/**
 * One sentence about money that has just become the customer's. They are asked for a destination once, only when it
 * is worth it (`askMinSats`), and not again until the sum has doubled; below that it is kept and shown.
 */
export function owedSentence(tx: Tx, owner: string, amountSats: Sats, askMinSats: number): string {
  const inAll = wholeSats(owedInAll(tx, owner));
  const sum = inAll === amountSats ? '' : ` (${inAll} in all)`;
  const known = automaticDestination(customer(tx, owner));
  if (known !== null) return `${amountSats} sats go to ${known} (refunds off stops that)${sum}.`;
  const { askedAtMsats } = customer(tx, owner);
  const askedAt = Math.floor(askedAtMsats / 1000);
  if (inAll < askMinSats || (askedAt > 0 && inAll < askedAt * 2)) {
    return `${amountSats} sats kept for you${sum}: refund pays them out.`;
  }
  setPreferences(tx, owner, { askedAtMsats: inAll * 1000 });
  return `${amountSats} sats are yours${sum}: send me an invoice for exactly ${inAll} sats, or a Lightning address, and I pay them out.`;
}
