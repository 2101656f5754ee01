import { sats, type Sats } from '../lib/units.ts';
import { inputTokensOf, NO_CACHE, type TokenUsage } from '../ports/agent.ts';
import {
  add,
  ceil,
  compare,
  decimal,
  divide,
  floor,
  fraction,
  multiply,
  subtract,
  sum,
  whole,
  ZERO,
} from './fraction.ts';
import type { Fraction } from './fraction.ts';
import type { ClassRates } from './models.ts';
import type { ModelRates } from './rates.ts';
import type { Tariff } from './tariff.ts';

/** Tokens spent on one call (a long prompt is dearer for its own call alone), in the role that decides their rates. Whole numbers ≥ 0. */
export interface UsageItem extends TokenUsage {
  readonly role: 'eval' | 'work';
}

/** A price and what it is made of. `usd` parts are exact; `sats` is their only rounding, upwards. */
export interface Price {
  /** The model's bill alone: tokens × rates. */
  readonly tokenUsd: Fraction;
  readonly infraUsd: Fraction;
  readonly marginUsd: Fraction;
  readonly usd: Fraction;
  readonly sats: Sats;
}

/**
 * The price: `ceil((tokens + infra) × (1 + margin) ÷ BTC price × 1e8)`. The infrastructure share
 * is added once however many items there are; without it for a request that was only looked at (a session's rejection).
 * @throws RangeError when tokens are no whole numbers ≥ 0 or the price exceeds 10^12 sats.
 */
export function priceOf(items: readonly UsageItem[], tariff: Tariff, infra: 'with infra' | 'without infra'): Price {
  const tokenUsd = sum(items.map((item) => tokenCostUsd(item, tariff)));
  const infraUsd = infra === 'with infra' ? infraShareUsd(tariff) : ZERO;
  const cost = add(tokenUsd, infraUsd);
  const marginUsd = multiply(cost, marginOf(tariff));
  const usd = add(cost, marginUsd);
  return { tokenUsd, infraUsd, marginUsd, usd, sats: sats(Number(ceil(usdToSats(usd, tariff)))) };
}

/** What the model's provider bills for `item`, exactly. @throws RangeError when tokens are no whole numbers ≥ 0. */
export function tokenCostUsd(item: UsageItem, tariff: Tariff): Fraction {
  const rates = ratesFor(tariff[item.role], inputTokensOf(item));
  const classes = [
    [item.inputTokens, rates.inRate],
    [item.cacheWriteTokens, rates.cacheWriteRate],
    [item.cacheReadTokens, rates.cacheReadRate],
    [item.outputTokens, rates.outRate],
  ] as const;
  if (classes.some(([tokens]) => tokens < 0)) throw new RangeError('pricing: tokens below zero');
  const perThousand = sum(classes.map(([tokens, rate]) => multiply(whole(tokens), decimal(rate))));
  return divide(perThousand, THOUSAND);
}

/** The rates of a call whose prompt, whatever was cached of it, has so many tokens: above the band all of it, output too, is on the band's. */
export function ratesFor(rates: ModelRates, promptTokens: number): ClassRates {
  return rates.band !== null && promptTokens > rates.band.abovePromptTokens ? rates.band : rates;
}

/** One request's share of the monthly bill of the server. */
export function infraShareUsd(tariff: Tariff): Fraction {
  return divide(decimal(tariff.infraMonthlyUsd), decimal(tariff.infraMonthlyRequests));
}

/**
 * How many output tokens the work model may write so that a quote of `quotedSats`, at the locked price, pays at least
 * the model's own bill (input of `inputTokens` and that output); `cap` at most, 1 at least. A job's bound: the margin
 * and the infrastructure share are what we put at risk for an answer longer than quoted.
 */
export function maxOutputTokens(quotedSats: Sats, inputTokens: number, tariff: Tariff, cap: number): number {
  const left = subtract(satsToUsd(quotedSats, tariff), tokenCostUsd(workInput(inputTokens), tariff));
  return Math.max(1, outputTokensFor(left, outRateFor(inputTokens, tariff), cap));
}

/**
 * How many output tokens the work model may write so that the whole price, after what `spent` already cost, stays
 * within `budgetSats`; `cap` at most, 0 when not even one. A session's bound: its balance never goes below zero.
 * `input`: of a conversation all of the prompt may be written to the cache, which is dearer than to read it plainly.
 */
export function affordableOutputTokens(
  budgetSats: Sats,
  spent: readonly UsageItem[],
  inputTokens: number,
  tariff: Tariff,
  cap: number,
  input: 'plain' | 'may be cached' = 'plain',
): number {
  // ceil(x) ≤ budget exactly when x ≤ budget, so the rounding needs no care here.
  const beforeMargin = divide(satsToUsd(budgetSats, tariff), add(whole(1), marginOf(tariff)));
  const plainly = tokenCostUsd(workInput(inputTokens), tariff);
  const written = tokenCostUsd({ ...workInput(0), cacheWriteTokens: inputTokens }, tariff);
  const prompt = input === 'may be cached' && compare(written, plainly) > 0 ? written : plainly;
  const cost = sum([infraShareUsd(tariff), prompt, ...spent.map((item) => tokenCostUsd(item, tariff))]);
  return outputTokensFor(subtract(beforeMargin, cost), outRateFor(inputTokens, tariff), cap);
}

/** USD that `amount` sats are worth at the tariff's price, exactly. */
export function satsToUsd(amount: Sats, tariff: Pick<Tariff, 'btcPriceUsd'>): Fraction {
  return divide(multiply(whole(amount), decimal(tariff.btcPriceUsd)), SATS_PER_BTC);
}

function usdToSats(usd: Fraction, tariff: Tariff): Fraction {
  return multiply(divide(usd, decimal(tariff.btcPriceUsd)), SATS_PER_BTC);
}

function marginOf(tariff: Tariff): Fraction {
  return divide(decimal(tariff.marginPct), HUNDRED);
}

function workInput(inputTokens: number): UsageItem {
  return { role: 'work', inputTokens, ...NO_CACHE, outputTokens: 0 };
}

function outRateFor(promptTokens: number, tariff: Tariff): Fraction {
  return decimal(ratesFor(tariff.work, promptTokens).outRate);
}

/** Whole output tokens at `rate` (USD per 1,000) that `usd` buys, 0 … `cap`. */
function outputTokensFor(usd: Fraction, rate: Fraction, cap: number): number {
  if (compare(usd, ZERO) < 0) return 0;
  if (compare(rate, ZERO) === 0) return cap;
  const tokens = floor(divide(multiply(usd, THOUSAND), rate));
  return tokens < BigInt(cap) ? Number(tokens) : cap;
}

const HUNDRED = fraction(100n);
const THOUSAND = fraction(1000n);
const SATS_PER_BTC = fraction(100_000_000n);
