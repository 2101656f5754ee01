import { compare, decimal, divide, multiply, toDecimalString, ZERO, type Fraction } from './fraction.ts';
import { findModel, type Band, type ClassRates } from './models.ts';

/** One model and what it costs: USD per 1,000 tokens, as decimals. */
export interface ModelRates extends ClassRates {
  readonly model: string;
  /** The rates of a long prompt; null: it costs the same. */
  readonly band: Band | null;
}

export type ModelRole = 'eval' | 'work';

/** The settings that rates come from, by their names. Numbers stand for their decimal text. */
export interface RateSettings {
  readonly EVAL_MODEL: string;
  readonly WORK_MODEL: string;
  readonly HAIKU_INPUT_COST_PER_1K_TOKENS: number | string;
  readonly HAIKU_OUTPUT_COST_PER_1K_TOKENS: number | string;
  readonly SONNET_INPUT_COST_PER_1K_TOKENS: number | string;
  readonly SONNET_OUTPUT_COST_PER_1K_TOKENS: number | string;
}

/** What the settings are where nobody set them. The rates belong to these models alone (product.md: Pricing). */
export const DEFAULT_MODELS = {
  EVAL_MODEL: 'claude-haiku-4-5',
  WORK_MODEL: 'claude-sonnet-4-6',
} as const;
export const DEFAULT_RATES = {
  HAIKU_INPUT_COST_PER_1K_TOKENS: '0.0008',
  HAIKU_OUTPUT_COST_PER_1K_TOKENS: '0.004',
  SONNET_INPUT_COST_PER_1K_TOKENS: '0.003',
  SONNET_OUTPUT_COST_PER_1K_TOKENS: '0.015',
} as const;

/** Where a role's rates come from. `list`: the model's own; `set`: by hand, or the defaults; `unknown`: nobody said them. */
export type RateSource = 'list' | 'set' | 'unknown';

/**
 * The rates of this role's model: those that were set by hand; where nobody touched them, the list price of the model
 * that is named instead of the default. Rates set by hand have no classes of their own for the cache and for a long
 * prompt: these follow in the proportions of the list price.
 * @throws RangeError when a rate is negative or no decimal.
 */
export function ratesOf(role: ModelRole, settings: RateSettings): ModelRates & { readonly source: RateSource } {
  const { model, input, output, isDefault, isUntouched } = settingsOf(role, settings);
  const known = findModel(model);
  if (isUntouched && !isDefault && known !== undefined)
    return { model, ...known.list, band: known.band, source: 'list' };
  const source = isUntouched && !isDefault ? 'unknown' : 'set';
  const set = { inRate: plain(input), outRate: plain(output) };
  if (known === undefined) {
    // What all of them have in common: a write costs a quarter more than input, a read a tenth of it.
    const cache = { cacheWriteRate: scaled(set.inRate, '1', '1.25'), cacheReadRate: scaled(set.inRate, '1', '0.1') };
    return { model, ...set, ...cache, band: null, source };
  }
  const { list, band } = known;
  const likeList = (rates: ClassRates): ClassRates => ({
    inRate: scaled(set.inRate, list.inRate, rates.inRate),
    outRate: scaled(set.outRate, list.outRate, rates.outRate),
    cacheWriteRate: scaled(set.inRate, list.inRate, rates.cacheWriteRate),
    cacheReadRate: scaled(set.inRate, list.inRate, rates.cacheReadRate),
  });
  const longPrompts = band === null ? null : { abovePromptTokens: band.abovePromptTokens, ...likeList(band) };
  return { model, ...likeList(list), band: longPrompts, source };
}

function settingsOf(role: ModelRole, settings: RateSettings) {
  const [name, input, output] =
    role === 'eval'
      ? (['EVAL_MODEL', 'HAIKU_INPUT_COST_PER_1K_TOKENS', 'HAIKU_OUTPUT_COST_PER_1K_TOKENS'] as const)
      : (['WORK_MODEL', 'SONNET_INPUT_COST_PER_1K_TOKENS', 'SONNET_OUTPUT_COST_PER_1K_TOKENS'] as const);
  const isSame = (key: keyof typeof DEFAULT_RATES): boolean =>
    compare(decimal(settings[key]), decimal(DEFAULT_RATES[key])) === 0;
  return {
    model: settings[name],
    input: settings[input],
    output: settings[output],
    isDefault: settings[name] === DEFAULT_MODELS[name],
    isUntouched: isSame(input) && isSame(output),
  };
}

/** `rate × to ÷ from`. */
function scaled(rate: string, from: string, to: string): string {
  return toDecimalString(divide(multiply(decimal(rate), decimal(to)), decimal(from)), MAX_PLACES);
}

/** Decimal places that a setting may have; more would be a typing mistake. */
const MAX_PLACES = 30;

/** One spelling for each value: `1e-7` and `0.00000010` become `0.0000001`. @throws RangeError */
export function plain(value: number | string, bound: 'zero or more' | 'above zero' = 'zero or more'): string {
  const exact: Fraction = decimal(value);
  const sign = compare(exact, ZERO);
  if (sign < 0 || (sign === 0 && bound === 'above zero')) throw new RangeError(`tariff: a number must be ${bound}`);
  const text = toDecimalString(exact, MAX_PLACES);
  if (compare(decimal(text), exact) !== 0) throw new RangeError('tariff: too many decimal places');
  return text;
}

/** Is this rate lower than that one? */
export function isBelow(rate: string, than: string): boolean {
  return compare(decimal(rate), decimal(than)) < 0;
}
