import { DEFAULT_RATES } from '../../pricing/index.ts';
import { decimal, httpUrl, int } from '../kinds.ts';

const rate = 'USD per 1000 tokens';

const tier = (about: string, value: number) => int({ about, unit: 'tokens', default: value, min: 1, max: 200_000 });

/** What goes into a price. Decimals are exact text. */
export const pricing = {
  HAIKU_INPUT_COST_PER_1K_TOKENS: decimal({
    about: 'Input rate of EVAL_MODEL. Left as it is, a known model has its own list price.',
    unit: rate,
    default: DEFAULT_RATES.HAIKU_INPUT_COST_PER_1K_TOKENS,
  }),
  HAIKU_OUTPUT_COST_PER_1K_TOKENS: decimal({
    about: 'Output rate of EVAL_MODEL.',
    unit: rate,
    default: DEFAULT_RATES.HAIKU_OUTPUT_COST_PER_1K_TOKENS,
  }),
  SONNET_INPUT_COST_PER_1K_TOKENS: decimal({
    about: 'Input rate of WORK_MODEL. Left as it is, a known model has its own list price.',
    unit: rate,
    default: DEFAULT_RATES.SONNET_INPUT_COST_PER_1K_TOKENS,
  }),
  SONNET_OUTPUT_COST_PER_1K_TOKENS: decimal({
    about: 'Output rate of WORK_MODEL.',
    unit: rate,
    default: DEFAULT_RATES.SONNET_OUTPUT_COST_PER_1K_TOKENS,
    positive: true,
  }),
  DO_MONTHLY_COST_USD: decimal({ about: 'What our own server costs a month.', unit: 'USD', default: '100' }),
  DO_MONTHLY_REQUEST_VOLUME: int({
    about: 'Requests a month that share that cost.',
    unit: 'requests',
    default: 1000,
    min: 1,
    max: 1_000_000_000,
  }),
  ORIGINATOR_MARGIN_PCT: decimal({ about: 'Our margin on top of both.', unit: 'percent', default: '25' }),
  BTC_PRICE_URL: httpUrl({
    about: "Only this price source, in CoinGecko's simple-price form. Unset: median of several public ones.",
    query: true,
  }),
  BTC_PRICE_USD_FALLBACK: decimal({
    about: 'Price of a bitcoin while no source answers.',
    unit: 'USD',
    default: '100000',
    positive: true,
  }),
  SHORT_MAX_CHARS: int({
    about: 'Requests up to this are short.',
    unit: 'characters',
    default: 100,
    min: 1,
    max: 100_000,
  }),
  MEDIUM_MAX_CHARS: int({
    about: 'Requests up to this are medium, above it long.',
    unit: 'characters',
    default: 300,
    min: 1,
    max: 100_000,
  }),
  OUTPUT_TOKENS_SHORT_EST: tier('Length of the answer to a short request.', 200),
  OUTPUT_TOKENS_MEDIUM_EST: tier('Length of the answer to a medium request.', 400),
  OUTPUT_TOKENS_LONG_EST: tier('Length of the answer to a long request.', 800),
  WORK_SYSTEM_PROMPT_TOKENS_EST: int({
    about: 'Tokens of our own instructions, added to every request.',
    unit: 'tokens',
    default: 50,
    min: 0,
    max: 100_000,
  }),
};
