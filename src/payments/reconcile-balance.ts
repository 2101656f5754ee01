import type { WalletRow } from '../ports/wallet.ts';

/** One payout, as the books and the wallet's own row have it. */
export interface PayoutPosition {
  readonly amountMsats: bigint;
  readonly state: 'committed' | 'sent' | 'paid' | 'dead';
  /** What the books have let go for it: amount and fee, or 0. */
  readonly bookedMsats: bigint;
  /** Was it, or may it have been, posted? What never was cannot have left. */
  readonly wasPosted: boolean;
  /** Posted or decided while the wallet was being read: the balance may be from before that, the row from after. */
  readonly isMoving: boolean;
  readonly row: Pick<WalletRow, 'state' | 'amountMsats' | 'feeMsats'> | undefined;
}

/** By how much the wallet may hold less than the books because of something. Msats. */
export interface Share {
  readonly least: bigint;
  readonly most: bigint;
}

/** What was booked into the wallet and out of it, payouts apart, while it was being read: the balance may lack it. */
export interface Moved {
  readonly inMsats: bigint;
  readonly outMsats: bigint;
}

/** What LNbits keeps back for routing while a payment is open, unless its own row says otherwise: max(2 sats, 1 %). */
export function reserveFor(amountMsats: bigint): bigint {
  const percent = amountMsats / 100n;
  return percent > 2000n ? percent : 2000n;
}

/**
 * One payout's part of the gap. While its money may be in either place, anything between not sent and on its way with
 * its reserve; else the wallet's row says exactly. A payment that left although it was held for dead explains nothing:
 * that is a loss, and must show.
 */
export function shareOf({ amountMsats, state, bookedMsats, wasPosted, isMoving, row }: PayoutPosition): Share {
  const anywhere = { least: 0n - bookedMsats, most: amountMsats + reserveFor(amountMsats) - bookedMsats };
  const isUnsent = state === 'committed' && !wasPosted;
  // Committed and posted: the wallet has not answered yet.
  if (!isUnsent && (isMoving || state === 'committed')) return anywhere;
  if (row?.state === 'open' || (row?.state === 'paid' && state !== 'dead')) {
    const exactly = row.amountMsats + row.feeMsats - bookedMsats;
    // Paid just now: the balance may still hold the whole reserve back.
    const isFresh = row.state === 'paid' && state === 'sent';
    return { least: exactly, most: isFresh && anywhere.most > exactly ? anywhere.most : exactly };
  }
  if (state === 'sent') return anywhere;
  // Decided by hand against the wallet's own row: paid, and the wallet still counts the money as its own.
  const exactly = row?.state === 'failed' ? 0n - bookedMsats : 0n;
  return { least: exactly, most: exactly };
}

/**
 * What nothing explains: how much less than the books say the wallet holds, at the least and at the most (< 0: it
 * holds more). Both are the same unless money was on its way while the wallet was read.
 */
export function unexplained(
  booksMsats: bigint,
  balanceMsats: bigint,
  positions: readonly PayoutPosition[],
  { inMsats, outMsats }: Moved,
): Share {
  const gap = booksMsats - balanceMsats;
  let [least, most] = [gap - inMsats, gap + outMsats];
  for (const share of positions.map(shareOf)) {
    least -= share.most;
    most -= share.least;
  }
  return { least, most };
}

/** The smallest gap that would do. Msats. */
export function nearest({ least, most }: Share): bigint {
  if (least > 0n) return least;
  return most < 0n ? most : 0n;
}

/** What two readings agree on: the smaller of two gaps of one sign. One that grows or shrinks is there all the same. */
export function confirmed(before: bigint, now: bigint): bigint {
  if (before > 0n && now > 0n) return before < now ? before : now;
  if (before < 0n && now < 0n) return before > now ? before : now;
  return 0n;
}
