import { compare, decimal, divide, floor, fraction, multiply, toDecimalString, ZERO } from './fraction.ts';

/** One model and what it costs: USD per 1,000 tokens, as decimals. */
export interface ModelRates {
  readonly model: string;
  readonly inRate: string;
  readonly outRate: string;
  /** For input that is written to the model's cache, and for what is read from there. */
  readonly cacheWriteRate: string;
  readonly cacheReadRate: string;
}

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
export interface TariffSettings {
  readonly EVAL_MODEL: string;
  readonly WORK_MODEL: string;
  readonly HAIKU_INPUT_COST_PER_1K_TOKENS: number | string;
  readonly HAIKU_OUTPUT_COST_PER_1K_TOKENS: number | string;
  readonly SONNET_INPUT_COST_PER_1K_TOKENS: number | string;
  readonly SONNET_OUTPUT_COST_PER_1K_TOKENS: number | string;
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
    eval: {
      model: settings.EVAL_MODEL,
      ...ratesFrom(settings.HAIKU_INPUT_COST_PER_1K_TOKENS, settings.HAIKU_OUTPUT_COST_PER_1K_TOKENS),
    },
    work: {
      model: settings.WORK_MODEL,
      ...ratesFrom(settings.SONNET_INPUT_COST_PER_1K_TOKENS, settings.SONNET_OUTPUT_COST_PER_1K_TOKENS),
    },
    marginPct: plain(settings.ORIGINATOR_MARGIN_PCT),
    infraMonthlyUsd: plain(settings.DO_MONTHLY_COST_USD),
    infraMonthlyRequests: plain(settings.DO_MONTHLY_REQUEST_VOLUME, 'above zero'),
  };
}

/** A write to the cache for five minutes costs a quarter more than input, a read a tenth (platform.claude.com, pricing). */
function ratesFrom(input: number | string, output: number | string): Omit<ModelRates, 'model'> {
  const times = (n: bigint, d: bigint): string =>
    toDecimalString(divide(multiply(decimal(input), fraction(n)), fraction(d)), MAX_PLACES);
  return { inRate: plain(input), outRate: plain(output), cacheWriteRate: times(5n, 4n), cacheReadRate: times(1n, 10n) };
}

/** Decimal places that a setting may have; more would be a typing mistake. */
const MAX_PLACES = 30;

/** One spelling for each value: `1e-7` and `0.00000010` become `0.0000001`. */
function plain(value: number | string, bound: 'zero or more' | 'above zero' = 'zero or more'): string {
  const exact = decimal(value);
  const sign = compare(exact, ZERO);
  if (sign < 0 || (sign === 0 && bound === 'above zero')) throw new RangeError(`tariff: a number must be ${bound}`);
  const text = toDecimalString(exact, MAX_PLACES);
  if (compare(decimal(text), exact) !== 0) throw new RangeError('tariff: too many decimal places');
  return text;
}
