/**
 * Money and time as types of their own, so that a sat is never taken for a msat and a second never
 * for a millisecond. Customers see whole sats; the ledger counts msats (routing fees are msats).
 */

declare const unit: unique symbol;

/** Whole satoshis, a safe integer ≥ 0. */
export type Sats = number & { readonly [unit]: 'sats' };
/** Millisatoshis, ≥ 0 unless said otherwise. A bigint: sums of them must never meet a float. */
export type Msats = bigint & { readonly [unit]: 'msats' };
/** Unix time in whole seconds, as in Nostr, BOLT11 and every contract of ours. */
export type UnixSeconds = number & { readonly [unit]: 'unix-seconds' };

/** The largest amount any row may carry: 10^15 msats, 10,000 BTC. */
export const MAX_MSATS = 1_000_000_000_000_000n;

/** @throws RangeError when `value` is no whole number of sats in 0 … 10^12. */
export function sats(value: number): Sats {
  if (!Number.isSafeInteger(value) || value < 0 || BigInt(value) * 1000n > MAX_MSATS) {
    throw new RangeError('not an amount in sats');
  }
  return value as Sats;
}

/** @throws RangeError when `value` is outside 0 … 10^15 msats. */
export function msats(value: bigint): Msats {
  if (value < 0n || value > MAX_MSATS) throw new RangeError('not an amount in msats');
  return value as Msats;
}

export function toMsats(value: Sats): Msats {
  return msats(BigInt(value) * 1000n);
}

/** Whole sats in `value`, rounded down: what we may promise out of it. */
export function wholeSats(value: Msats): Sats {
  return sats(Number(value / 1000n));
}

/** @throws RangeError when `value` is no whole second in 0 … 2^53. */
export function unixSeconds(value: number): UnixSeconds {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('not a unix time in seconds');
  return value as UnixSeconds;
}

/** `at` moved by `seconds` (may be negative). */
export function plusSeconds(at: UnixSeconds, seconds: number): UnixSeconds {
  return unixSeconds(Math.max(0, at + Math.trunc(seconds)));
}
