import { NO_CACHE, type TokenUsage } from '../ports/agent.ts';
import { sats, type Sats } from '../lib/units.ts';
import { thinkingTokensOf, tokensIn } from './models.ts';
import { priceOf, type Price } from './price.ts';
import type { Tariff } from './tariff.ts';

/** The settings that guess a request's tokens, by their names. Whole numbers. */
export interface QuoteTiers {
  readonly SHORT_MAX_CHARS: number;
  readonly MEDIUM_MAX_CHARS: number;
  readonly OUTPUT_TOKENS_SHORT_EST: number;
  readonly OUTPUT_TOKENS_MEDIUM_EST: number;
  readonly OUTPUT_TOKENS_LONG_EST: number;
  readonly WORK_SYSTEM_PROMPT_TOKENS_EST: number;
}

export interface WorkQuote {
  /** The system prompt's share included, as the work model's tokenizer counts. */
  readonly estimatedInputTokens: number;
  /** The thinking included that the work model cannot be kept from. */
  readonly estimatedOutputTokens: number;
  /** At least 1: no invoice can be for nothing. */
  readonly amountSats: Sats;
  /** The length bought, in words: three quarters of the output tokens, as most tokenizers count them. */
  readonly words: number;
}

/**
 * The price of doing `request`, before anyone has looked at it: its tokens are guessed from its length in Unicode
 * characters (code points), and multiplied by how many more the work model's tokenizer makes. `length: 'long'` buys the longest tier whatever the request's length.
 */
export function quoteWork(request: string, tariff: Tariff, tiers: QuoteTiers, length?: 'long'): WorkQuote {
  const characters = countCharacters(request);
  const { model } = tariff.work;
  const answerTokens = length === 'long' ? tiers.OUTPUT_TOKENS_LONG_EST : outputTier(characters, tiers);
  const estimatedInputTokens = tokensIn(model, estimateTokens(characters) + tiers.WORK_SYSTEM_PROMPT_TOKENS_EST);
  const estimatedOutputTokens = tokensIn(model, answerTokens) + thinkingTokensOf(model);
  return {
    estimatedInputTokens,
    estimatedOutputTokens,
    amountSats: priceOfEstimate(estimatedInputTokens, estimatedOutputTokens, tariff),
    words: wordsOf(answerTokens),
  };
}

/** The amount of a quote for these guessed tokens of work: a receipt's reader gets the same. */
export function priceOfEstimate(inputTokens: number, outputTokens: number, tariff: Tariff): Sats {
  return sats(
    Math.max(1, priceOf([{ role: 'work', inputTokens, ...NO_CACHE, outputTokens }], tariff, 'with infra').sats),
  );
}

export interface WorkSettlement {
  /** What the work came to under the frozen tariff, even where it is more than the quote. */
  readonly actualAmountSats: Sats;
  /** What the customer pays of it: never more than the quote. */
  readonly chargedSats: Sats;
  /** The change: `quoted − charged`. */
  readonly refundSats: Sats;
  /** The exact parts of the price. */
  readonly price: Price;
}

/** The bill of finished work: the same formula on the tokens that were really used. The rest of the quote goes back. */
export function settleWork(usage: TokenUsage, tariff: Tariff, quotedSats: Sats): WorkSettlement {
  const price = priceOf([{ role: 'work', ...usage }], tariff, 'with infra');
  const chargedSats = sats(Math.min(price.sats, quotedSats));
  return { actualAmountSats: price.sats, chargedSats, refundSats: sats(quotedSats - chargedSats), price };
}

/** Unicode characters (code points): an emoji of one code point counts once, a joined family several times. */
export function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** The usual guess of a text's tokens: a quarter of its characters, rounded up. */
export function estimateTokens(characters: number): number {
  return Math.ceil(characters / 4);
}

/** Whole words in so many tokens: 200 → 150. */
export function wordsOf(tokens: number): number {
  return Math.floor((tokens * 3) / 4);
}

function outputTier(characters: number, tiers: QuoteTiers): number {
  if (characters <= tiers.SHORT_MAX_CHARS) return tiers.OUTPUT_TOKENS_SHORT_EST;
  if (characters <= tiers.MEDIUM_MAX_CHARS) return tiers.OUTPUT_TOKENS_MEDIUM_EST;
  return tiers.OUTPUT_TOKENS_LONG_EST;
}
