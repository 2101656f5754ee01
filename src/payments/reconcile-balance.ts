import type { WalletRow } from '../ports/wallet.ts';

/** One payout, as the books and the wallet's own row have it. */
export interface PayoutPosition {
  readonly amountMsats: bigint;
  readonly state: 'committed' | 'sent' | 'paid' | 'dead';
  /** What the books have let go for it: amount and fee, or 0. */
  readonly bookedMsats: bigint;
  readonly row: Pick<WalletRow, 'state' | 'amountMsats' | 'feeMsats'> | undefined;
}

/** By how much the wallet may hold less than the books because of something. Msats. */
export interface Share {
  readonly least: bigint;
  readonly most: bigint;
}

/** What LNbits keeps back for routing while a payment is open, unless its own row says otherwise: max(2 sats, 1 %). */
function reserveFor(amountMsats: bigint): bigint {
  const percent = amountMsats / 100n;
  return percent > 2000n ? percent : 2000n;
}

/**
 * One payout's part of the gap. While it is undecided and the wallet shows no open or paid row, it may be anywhere
 * between not sent and on its way with its reserve; else the wallet's row says exactly. A payment that left although
 * it was held for dead explains nothing: that is a loss, and must show.
 */
export function shareOf({ amountMsats, state, bookedMsats, row }: PayoutPosition): Share {
  const isUndecided = state === 'committed' || state === 'sent';
  if (row?.state === 'open' || (row?.state === 'paid' && state !== 'dead')) {
    const exactly = row.amountMsats + row.feeMsats - bookedMsats;
    return { least: exactly, most: exactly };
  }
  if (isUndecided) return { least: 0n, most: amountMsats + reserveFor(amountMsats) };
  // Decided by hand against the wallet's own row: paid, and the wallet still counts the money as its own.
  const exactly = row?.state === 'failed' ? -bookedMsats : 0n;
  return { least: exactly, most: exactly };
}

/** What nothing explains: > 0 when the wallet holds less than the books say, < 0 when it holds more, 0 when all is well. */
export function unexplained(booksMsats: bigint, balanceMsats: bigint, positions: readonly PayoutPosition[]): bigint {
  let [least, most] = [0n, 0n];
  for (const share of positions.map(shareOf)) {
    least += share.least;
    most += share.most;
  }
  const gap = booksMsats - balanceMsats;
  if (gap < least) return gap - least;
  return gap > most ? gap - most : 0n;
}
