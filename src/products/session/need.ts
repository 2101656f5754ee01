import type { Texts } from '../../customers/index.ts';
import type { Reader } from '../../db/index.ts';
import { sats, type Sats } from '../../lib/units.ts';
import type { PriceBook } from '../../payments/index.ts';
import { priceOf, priceOfEstimate, quoteWork, tariffFrom } from '../../pricing/index.ts';
import type { TokenUsage } from '../../ports/agent.ts';
import type { SessionSettings } from './config.ts';
import type { Need, RequestVerdict, Settlement } from './request-states.ts';
import { memoryOf } from './memory.ts';

export interface NeedOptions {
  readonly texts: Texts;
  readonly prices: PriceBook;
  readonly settings: SessionSettings;
}

/** What one short question costs at this moment. */
export function questionNow(options: NeedOptions, reader: Reader): Need {
  return needOf(options, reader, '', 0);
}

/** What this request would cost at this moment, with what is remembered of its conversation. */
export function needFor(
  options: NeedOptions,
  reader: Reader,
  request: string,
  talk: { readonly sessionId: string; readonly owner: string; readonly talk: number },
): Need {
  const { tokens } = memoryOf(reader, options.texts, talk, options.settings);
  return needOf(options, reader, request, tokens);
}

function needOf({ prices, settings }: NeedOptions, reader: Reader, request: string, remembered: number): Need {
  const tariff = tariffFrom(settings, prices.now(reader));
  const quote = quoteWork(request, tariff, settings);
  const inputTokens = quote.estimatedInputTokens + remembered;
  const outputTokens = quote.estimatedOutputTokens;
  return {
    tariff,
    sats: priceOfEstimate(inputTokens, outputTokens, tariff),
    inputTokens,
    outputTokens,
    words: quote.words,
  };
}

/**
 * What a request cost: its look alone, without the infrastructure share, where it was rejected. `freeSats`: what its
 * session has beside what was set aside for it; more than both together is never charged.
 */
export function settleRequest(
  need: Need,
  verdict: RequestVerdict,
  work: TokenUsage | null,
  freeSats: Sats,
): Settlement {
  const look = { role: 'eval' as const, ...verdict.usage };
  const price =
    work === null
      ? priceOf([look], need.tariff, 'without infra')
      : priceOf([look, { role: 'work' as const, ...work }], need.tariff, 'with infra');
  const limitSats = sats(need.sats + freeSats);
  return { actualSats: price.sats, limitSats, chargedSats: sats(Math.min(price.sats, limitSats)) };
}

/** "about 2 questions at 129 sats", of what there is. */
export function pays(amountSats: number, questionSats: Sats): string {
  return amountSats < questionSats
    ? `less than a question costs now (${questionSats} sats)`
    : buys(amountSats, questionSats);
}

/** "about 3 questions at 129 sats" */
export function buys(amountSats: number, questionSats: Sats): string {
  const questions = Math.floor(amountSats / questionSats);
  if (questions === 0) {
    const two = Math.ceil((2 * questionSats) / 100) * 100;
    return `${amountSats} pays no question today (${questionSats} sats): ${two} pays two`;
  }
  return `about ${questions} ${questions === 1 ? 'question' : 'questions'} at ${questionSats} sats`;
}
