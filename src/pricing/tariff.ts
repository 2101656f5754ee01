import { decimal, floor, fraction, multiply, toDecimalString } from './fraction.ts';
import { plain, ratesOf, type ModelRates, type ModelRole, type RateSettings } from './rates.ts';

/**
 * Everything that decides a price, frozen in the order when it is quoted and printed in its receipt; whatever the
 * settings say later, the order is settled under this. Plain JSON: decimals are text, so that nothing is rounded.
 */
export interface Tariff {
  /** Which formula: `price.ts` is version 1. */
  readonly formula: 1;
  readonly btcPriceUsd: string;
  /** `coingecko`, `median(coingecko,kraken,coinbase)`, `fallback`, … */
  readonly btcPriceSource: string;
  readonly eval: ModelRates;
  readonly work: ModelRates;
  readonly marginPct: string;
  readonly infraMonthlyUsd: string;
  readonly infraMonthlyRequests: string;
}

/** The settings that a tariff is made of, by their names. Numbers stand for their decimal text. */
export interface TariffSettings extends RateSettings {
  readonly DO_MONTHLY_COST_USD: number | string;
  readonly DO_MONTHLY_REQUEST_VOLUME: number | string;
  readonly ORIGINATOR_MARGIN_PCT: number | string;
}

/** A price of one bitcoin and who said it; `usdMicros` are millionths of a USD. */
export interface BtcPrice {
  readonly usdMicros: bigint;
  readonly source: string;
}

/** A price written as a decimal, in whole millionths of a USD; further places are dropped. @throws RangeError as `decimal`. */
export function usdMicrosOf(usd: string | number): bigint {
  return floor(multiply(decimal(usd), fraction(1_000_000n)));
}

/**
 * Freezes the settings and the price of the moment.
 * @throws RangeError when a number is negative or no decimal, or the volume or the price is zero.
 */
export function tariffFrom(settings: TariffSettings, price: BtcPrice): Tariff {
  const btcPriceUsd = toDecimalString(fraction(price.usdMicros, 1_000_000n), 6);
  return {
    formula: 1,
    btcPriceUsd: plain(btcPriceUsd, 'above zero'),
    btcPriceSource: price.source,
    eval: frozen('eval', settings),
    work: frozen('work', settings),
    marginPct: plain(settings.ORIGINATOR_MARGIN_PCT),
    infraMonthlyUsd: plain(settings.DO_MONTHLY_COST_USD),
    infraMonthlyRequests: plain(settings.DO_MONTHLY_REQUEST_VOLUME, 'above zero'),
  };
}

function frozen(role: ModelRole, settings: RateSettings): ModelRates {
  const { source: _, ...rates } = ratesOf(role, settings);
  return rates;
}
