import {
  DEFAULT_MODELS,
  findModel,
  isBelow,
  LIST_PRICES_OF,
  ratesOf,
  thinkingRoomOf,
  type ModelRates,
  type RateSettings,
} from '../pricing/index.ts';
import type { Settings } from './fragments.ts';
import { nodeAdvice, nodeRules } from './node-rules.ts';
import { rule, type Rule } from './rule.ts';

const production = (s: Pick<Settings, 'NODE_ENV'>): boolean => s.NODE_ENV === 'production';

const mend = 'or set TIMMY_ALLOW_STUBS=1 to run with a stub on purpose';

/** Whatever rates depend on. */
const RATES = [
  'EVAL_MODEL',
  'WORK_MODEL',
  'HAIKU_INPUT_COST_PER_1K_TOKENS',
  'HAIKU_OUTPUT_COST_PER_1K_TOKENS',
  'SONNET_INPUT_COST_PER_1K_TOKENS',
  'SONNET_OUTPUT_COST_PER_1K_TOKENS',
] as const;

/** What stops the start. */
export const rules: readonly Rule[] = [
  rule(['LNBITS_URL', 'LNBITS_API_KEY'], (s) =>
    s.LNBITS_URL !== undefined && s.LNBITS_API_KEY === undefined
      ? 'LNBITS_API_KEY is missing: LNBITS_URL is set. Set both, or neither for the stub wallet'
      : null,
  ),
  rule(['LNBITS_URL', 'LNBITS_API_KEY', 'LNBITS_ADMIN_KEY'], (s) =>
    s.LNBITS_URL === undefined && (s.LNBITS_API_KEY !== undefined || s.LNBITS_ADMIN_KEY !== undefined)
      ? 'LNBITS_URL is missing: an LNbits key is set. Set both, or neither for the stub wallet'
      : null,
  ),
  rule(['NODE_ENV', 'TIMMY_ALLOW_STUBS', 'LNBITS_URL'], (s) =>
    production(s) && !s.TIMMY_ALLOW_STUBS && s.LNBITS_URL === undefined
      ? `LNBITS_URL and LNBITS_API_KEY are missing: in production there is no stub wallet. Set them, ${mend}`
      : null,
  ),
  rule(['NODE_ENV', 'TIMMY_ALLOW_STUBS', 'ANTHROPIC_API_KEY'], (s) =>
    production(s) && !s.TIMMY_ALLOW_STUBS && s.ANTHROPIC_API_KEY === undefined
      ? `ANTHROPIC_API_KEY is missing: in production there is no stub agent. Set it, ${mend}`
      : null,
  ),
  rule(['NODE_ENV', 'TIMMY_ALLOW_PRIVATE_NETWORK'], (s) =>
    production(s) && s.TIMMY_ALLOW_PRIVATE_NETWORK
      ? 'TIMMY_ALLOW_PRIVATE_NETWORK is for tests: with NODE_ENV=production strangers could reach your network. Unset it'
      : null,
  ),
  rule(['NODE_ENV', 'TIMMY_CRASH_AT'], (s) =>
    production(s) && s.TIMMY_CRASH_AT !== undefined
      ? 'TIMMY_CRASH_AT is a test device that kills the process: it is refused with NODE_ENV=production. Unset it'
      : null,
  ),
  rule(['TIMMY_NOSTR_NSEC', 'TIMMY_NOSTR_PASSPHRASE'], (s) =>
    s.TIMMY_NOSTR_NSEC?.expose().toLowerCase().startsWith('ncryptsec1') === true &&
    s.TIMMY_NOSTR_PASSPHRASE === undefined
      ? 'TIMMY_NOSTR_PASSPHRASE is missing: the key is an ncryptsec. Set its passphrase'
      : null,
  ),
  rule(['SHORT_MAX_CHARS', 'MEDIUM_MAX_CHARS'], (s) =>
    s.SHORT_MAX_CHARS > s.MEDIUM_MAX_CHARS
      ? 'SHORT_MAX_CHARS must not be above MEDIUM_MAX_CHARS. Lower the one or raise the other'
      : null,
  ),
  // Limits so low that nobody could buy (product.md: Limits).
  rule(['SESSION_MIN_DEPOSIT_SATS', 'SESSION_MAX_DEPOSIT_SATS'], (s) =>
    s.SESSION_MIN_DEPOSIT_SATS > s.SESSION_MAX_DEPOSIT_SATS
      ? 'SESSION_MIN_DEPOSIT_SATS is above SESSION_MAX_DEPOSIT_SATS, so that no session could be bought. Lower the one or raise the other'
      : null,
  ),
  rule(['SESSION_MIN_BALANCE_SATS', 'SESSION_MIN_DEPOSIT_SATS'], (s) =>
    s.SESSION_MIN_BALANCE_SATS > s.SESSION_MIN_DEPOSIT_SATS
      ? 'SESSION_MIN_BALANCE_SATS is above SESSION_MIN_DEPOSIT_SATS: what was paid for a session would not open it. Lower the one or raise the other'
      : null,
  ),
  rule(['LIMIT_ALL_OPEN_INVOICES'], (s) =>
    s.LIMIT_ALL_OPEN_INVOICES <= 180
      ? 'LIMIT_ALL_OPEN_INVOICES must be above 180: 60 of them are kept for top-ups and 120 for npubs that have paid before, so that a new customer could buy nothing. Raise it'
      : null,
  ),
  rule(['MODEL_DAILY_BUDGET_USD', 'OUTPUT_TOKENS_LONG_EST', ...RATES], (s) => {
    // Prompts of a thousand tokens, a verdict of half a thousand, the longest answer that is quoted.
    const cost = (rates: ModelRates, outputThousands: number): number =>
      Number(rates.inRate) + outputThousands * Number(rates.outRate);
    const job = cost(ratesOf('eval', s), 0.5) + cost(ratesOf('work', s), s.OUTPUT_TOKENS_LONG_EST / 1000);
    return Number(s.MODEL_DAILY_BUDGET_USD) < job
      ? `MODEL_DAILY_BUDGET_USD does not pay for one job (about ${job.toFixed(3)} USD): nothing could be sold. Raise it`
      : null;
  }),
  rule(['DEMO_DAILY_BUDGET_USD', 'DEMO_OUTPUT_TOKENS', ...RATES], (s) => {
    // The same, of the longest answer that is free; both may think.
    const cost = (role: 'eval' | 'work', model: string, output: number): number => {
      const { inRate, outRate } = ratesOf(role, s);
      return Number(inRate) + ((output + thinkingRoomOf(model)) / 1000) * Number(outRate);
    };
    const answer = cost('eval', s.EVAL_MODEL, 500) + cost('work', s.WORK_MODEL, s.DEMO_OUTPUT_TOKENS);
    const budget = Number(s.DEMO_DAILY_BUDGET_USD);
    // Who has not paid yet has two thirds of it.
    return budget > 0 && (budget * 2) / 3 < answer
      ? `DEMO_DAILY_BUDGET_USD does not pay for one free answer of a newcomer (about ${answer.toFixed(3)} USD of two thirds of it). Raise it, or set it to 0 to offer none`
      : null;
  }),
  rule(['NODE_ENV', ...RATES], (s) => (production(s) ? unknownRates('eval', s) : null)),
  rule(['NODE_ENV', ...RATES], (s) => (production(s) ? unknownRates('work', s) : null)),
  ...nodeRules,
];

/** Remarks on settings with which Timmy works. */
export const advice: readonly Rule[] = [
  rule(['TIMMY_NIP90'], (s) =>
    s.TIMMY_NIP90 ? 'TIMMY_NIP90 is set, but NIP-90 is not offered by this version' : null,
  ),
  rule(['TIMMY_METRICS_ADDR'], (s) =>
    s.TIMMY_METRICS_ADDR === undefined ? null : 'TIMMY_METRICS_ADDR is set, but this version has no metrics endpoint',
  ),
  ...nodeAdvice,
];

/** Remarks on what the models cost: nothing, where the stub agent answers. */
export const priceAdvice: readonly Rule[] = [
  rule([...RATES], (s) => unknownRates('eval', s)),
  rule([...RATES], (s) => unknownRates('work', s)),
  rule([...RATES], (s) => belowList('eval', s)),
  rule([...RATES], (s) => belowList('work', s)),
];

const NAMES = {
  eval: { model: 'EVAL_MODEL', rates: 'HAIKU_*' },
  work: { model: 'WORK_MODEL', rates: 'SONNET_*' },
} as const;

/** A model of which nobody has said what it costs. */
function unknownRates(role: 'eval' | 'work', settings: RateSettings): string | null {
  const { model, rates } = NAMES[role];
  const used = ratesOf(role, settings);
  return used.source === 'unknown'
    ? `${model} is ${used.model}, whose price I do not know, and ${rates} still has that of ${DEFAULT_MODELS[model]}. Set the rates of your model`
    : null;
}

/** The defaults of HAIKU_* are: they are what the service before this one asked. */
function belowList(role: 'eval' | 'work', settings: RateSettings): string | null {
  const { model, rates } = NAMES[role];
  const used = ratesOf(role, settings);
  const list = findModel(used.model)?.list;
  if (list === undefined || !(isBelow(used.inRate, list.inRate) || isBelow(used.outRate, list.outRate))) return null;
  return `${rates} (${used.inRate} in, ${used.outRate} out) is below the list price of ${used.model} (${list.inRate} in, ${list.outRate} out, ${LIST_PRICES_OF}): the difference is yours to pay. Set ${rates} to what ${model} costs you`;
}
