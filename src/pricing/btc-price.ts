import type { UnixSeconds } from '../lib/units.ts';
import type { PriceReading } from '../ports/btc-price.ts';
import type { BtcPrice } from './tariff.ts';

/** The last price that was believed. */
export interface BelievedPrice extends BtcPrice {
  readonly at: UnixSeconds;
}

/** When a price is believed: one source that errs or lies must not set it. Percentages are whole, amounts millionths of a USD. */
export interface PriceRules {
  /** One source alone by the operator's choice (`BTC_PRICE_URL`): its word is taken as it is, within the clamp. */
  readonly alone: boolean;
  readonly lowestUsdMicros: bigint;
  readonly highestUsdMicros: bigint;
  /** As many must answer before the price may move. */
  readonly quorum: number;
  /** Readings further from the median are dropped. */
  readonly outlierPct: bigint;
  /** A price further from the last believed one is not believed while that one is young. */
  readonly jumpPct: bigint;
  /** Fewer than `quorum` sources confirm the last price when they are this near. */
  readonly confirmPct: bigint;
  /** A believed price is used, and binds the next one, for this long. */
  readonly maxAgeSeconds: number;
}

export const PRICE_RULES: PriceRules = {
  alone: false,
  lowestUsdMicros: 1_000_000_000n,
  highestUsdMicros: 10_000_000_000_000n,
  quorum: 3,
  outlierPct: 5n,
  jumpPct: 15n,
  confirmPct: 3n,
  maxAgeSeconds: 600,
};

/**
 * One price out of what the sources said, or null when nothing is to be believed: then the last price stands until
 * it is too old (`priceNow`). A move of more than 15 % is believed only when it still stands after ten minutes. Fewer
 * than three sources cannot move the price, however often they are asked: they can only keep the last one alive.
 */
export function combinePrice(
  readings: readonly PriceReading[],
  previous: BelievedPrice | null,
  rules: PriceRules,
  now: UnixSeconds,
): BelievedPrice | null {
  const sane = readings.filter((r) => r.usdMicros >= rules.lowestUsdMicros && r.usdMicros <= rules.highestUsdMicros);
  const [first] = sane;
  if (first === undefined) return null;
  if (rules.alone) return { usdMicros: first.usdMicros, source: first.source, at: now };

  const anchor = previous !== null && isYoung(previous, rules, now) ? previous : null;
  const middle = median(sane);
  const agreed = sane.filter((r) => isWithin(r.usdMicros, middle, rules.outlierPct));
  const usdMicros = agreed.length === 0 ? null : median(agreed);
  // Of three answers one may be an outlier; of two that differ, nobody knows which.
  if (usdMicros === null || agreed.length * 2 <= sane.length) return null;

  if (sane.length < rules.quorum) {
    if (anchor === null || !isWithin(usdMicros, anchor.usdMicros, rules.confirmPct)) return null;
    return { ...anchor, at: now };
  }
  if (anchor !== null && !isWithin(usdMicros, anchor.usdMicros, rules.jumpPct)) return null;
  return { usdMicros, source: `median(${agreed.map((r) => r.source).join(',')})`, at: now };
}

/** The price to quote with: the last believed one while it is young, else the operator's `BTC_PRICE_USD_FALLBACK`. */
export function priceNow(
  believed: BelievedPrice | null,
  fallbackUsdMicros: bigint,
  rules: PriceRules,
  now: UnixSeconds,
): BtcPrice {
  if (believed !== null && isYoung(believed, rules, now)) {
    return { usdMicros: believed.usdMicros, source: believed.source };
  }
  return { usdMicros: fallbackUsdMicros, source: 'fallback' };
}

/** A clock that went backwards makes a price from the future: it is young for as long as one from the past would be. */
function isYoung(price: BelievedPrice, rules: PriceRules, now: UnixSeconds): boolean {
  return Math.abs(now - price.at) <= rules.maxAgeSeconds;
}

/** |value − centre| ≤ pct % of centre. */
function isWithin(value: bigint, centre: bigint, pct: bigint): boolean {
  const distance = value > centre ? value - centre : centre - value;
  return distance * 100n <= centre * pct;
}

/** The middle reading; of an even number the mean of the two in the middle, rounded down to a millionth. */
function median(readings: readonly PriceReading[]): bigint {
  const sorted = readings.map((r) => r.usdMicros).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0n;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0n;
  return (upper + lower) / 2n;
}
