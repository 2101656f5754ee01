/** Tokens → USD → sats, exactly. Pure: no clock, no settings of its own, no I/O. */
export { tariffFrom, usdMicrosOf, type BtcPrice, type Tariff, type TariffSettings } from './tariff.ts';
export { evaluationMaxTokens, findModel, LIST_PRICES_OF, thinkingRoomOf, type ClassRates } from './models.ts';
export { DEFAULT_MODELS, DEFAULT_RATES, isBelow, ratesOf, type ModelRates, type RateSettings } from './rates.ts';
export {
  countCharacters,
  estimateTokens,
  priceOfEstimate,
  quoteWork,
  settleWork,
  type QuoteTiers,
  type WorkQuote,
  type WorkSettlement,
} from './quote.ts';
export { affordableOutputTokens, maxOutputTokens, priceOf, ratesFor, tokenCostUsd } from './price.ts';
export type { Price, UsageItem } from './price.ts';
export { combinePrice, PRICE_RULES, priceNow, type BelievedPrice, type PriceRules } from './btc-price.ts';
export { showUsd, usdDecimal, usdMicrosDecimal } from './show.ts';
export type { Fraction } from './fraction.ts';
