import { automaticDestination, customer, knownDestination, setPreferences } from '../../customers/index.ts';
import type { Tx } from '../../db/index.ts';
import { wholeSats, type Sats } from '../../lib/units.ts';
import { owedInAll } from '../../payments/index.ts';

/**
 * One sentence about money that has just become the customer's. They are asked for a destination once, only when it
 * is worth it (`askMinSats`), and not again until the sum has doubled; below that it is kept and shown, and so it is
 * where they wish it kept (`keep on`), or an address is known and they switched refunds off.
 */
export function owedSentence(tx: Tx, owner: string, amountSats: Sats, askMinSats: number): string {
  const inAll = wholeSats(owedInAll(tx, owner));
  // Less is owed where it is being paid out already.
  const sum = inAll <= amountSats ? '' : ` (${inAll} in all)`;
  const automatic = automaticDestination(tx, owner);
  if (automatic !== null) return `${amountSats} sats go to ${automatic} (refunds off stops that)${sum}.`;
  const { askedAtMsats, keepOn } = customer(tx, owner);
  if (keepOn) return `${amountSats} sats kept for you${sum}: they pay your next step where they cover it.`;
  const askedAt = Math.floor(askedAtMsats / 1000);
  if (knownDestination(tx, owner) !== null || inAll < askMinSats || (askedAt > 0 && inAll < askedAt * 2)) {
    return `${amountSats} sats kept for you${sum}: refund pays them out.`;
  }
  setPreferences(tx, owner, { askedAtMsats: inAll * 1000 });
  return `${amountSats} sats are yours${sum}: send me an invoice for exactly ${inAll} sats, or a Lightning address, and I pay them out.`;
}
