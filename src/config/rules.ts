import { DEFAULT_EVAL_MODEL, DEFAULT_WORK_MODEL } from './fragments/model.ts';
import { DEFAULT_RATES } from './fragments/pricing.ts';
import type { SettingName, Settings } from './fragments.ts';

/** Something that concerns several settings: what is wrong and how to mend it, or null. */
export interface Rule {
  /** A rule is silent while one of these is malformed: that is said already. */
  readonly reads: readonly SettingName[];
  readonly check: (settings: Settings) => string | null;
}

function rule<const N extends SettingName>(
  reads: readonly N[],
  check: (settings: Pick<Settings, N>) => string | null,
): Rule {
  return { reads, check };
}

const production = (s: Pick<Settings, 'NODE_ENV'>): boolean => s.NODE_ENV === 'production';

const mend = 'or set TIMMY_ALLOW_STUBS=1 to run with a stub on purpose';

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
  rule(['LIMIT_ALL_OPEN_INVOICES'], (s) =>
    s.LIMIT_ALL_OPEN_INVOICES <= 180
      ? 'LIMIT_ALL_OPEN_INVOICES must be above 180: 60 of them are kept for top-ups and 120 for npubs that have paid before, so that a new customer could buy nothing. Raise it'
      : null,
  ),
  rule(
    [
      'MODEL_DAILY_BUDGET_USD',
      'HAIKU_INPUT_COST_PER_1K_TOKENS',
      'HAIKU_OUTPUT_COST_PER_1K_TOKENS',
      'SONNET_INPUT_COST_PER_1K_TOKENS',
      'SONNET_OUTPUT_COST_PER_1K_TOKENS',
      'OUTPUT_TOKENS_LONG_EST',
    ],
    (s) => {
      // Prompts of a thousand tokens, a verdict of half a thousand, the longest answer that is quoted.
      const look = Number(s.HAIKU_INPUT_COST_PER_1K_TOKENS) + 0.5 * Number(s.HAIKU_OUTPUT_COST_PER_1K_TOKENS);
      const outputThousands = s.OUTPUT_TOKENS_LONG_EST / 1000;
      const work =
        Number(s.SONNET_INPUT_COST_PER_1K_TOKENS) + outputThousands * Number(s.SONNET_OUTPUT_COST_PER_1K_TOKENS);
      return Number(s.MODEL_DAILY_BUDGET_USD) < look + work
        ? `MODEL_DAILY_BUDGET_USD does not pay for one job (about ${(look + work).toFixed(3)} USD): nothing could be sold. Raise it`
        : null;
    },
  ),
  rule(
    [
      'DEMO_DAILY_BUDGET_USD',
      'DEMO_OUTPUT_TOKENS',
      'HAIKU_INPUT_COST_PER_1K_TOKENS',
      'HAIKU_OUTPUT_COST_PER_1K_TOKENS',
      'SONNET_INPUT_COST_PER_1K_TOKENS',
      'SONNET_OUTPUT_COST_PER_1K_TOKENS',
    ],
    (s) => {
      // As above; the answer is as long as a free one may be.
      const look = Number(s.HAIKU_INPUT_COST_PER_1K_TOKENS) + 0.5 * Number(s.HAIKU_OUTPUT_COST_PER_1K_TOKENS);
      const outputThousands = s.DEMO_OUTPUT_TOKENS / 1000;
      const work =
        Number(s.SONNET_INPUT_COST_PER_1K_TOKENS) + outputThousands * Number(s.SONNET_OUTPUT_COST_PER_1K_TOKENS);
      const budget = Number(s.DEMO_DAILY_BUDGET_USD);
      return budget > 0 && budget < look + work
        ? `DEMO_DAILY_BUDGET_USD does not pay for one free answer (about ${(look + work).toFixed(3)} USD). Raise it, or set it to 0 to offer none`
        : null;
    },
  ),
];

/** What is said at start and changes nothing. */
export const advice: readonly Rule[] = [
  rule(['TIMMY_NIP90'], (s) =>
    s.TIMMY_NIP90 ? 'TIMMY_NIP90 is set, but NIP-90 is not offered by this version' : null,
  ),
  rule(['TIMMY_METRICS_ADDR'], (s) =>
    s.TIMMY_METRICS_ADDR === undefined ? null : 'TIMMY_METRICS_ADDR is set, but this version has no metrics endpoint',
  ),
  rule(['EVAL_MODEL', 'HAIKU_INPUT_COST_PER_1K_TOKENS', 'HAIKU_OUTPUT_COST_PER_1K_TOKENS'], (s) =>
    s.EVAL_MODEL !== DEFAULT_EVAL_MODEL &&
    s.HAIKU_INPUT_COST_PER_1K_TOKENS === DEFAULT_RATES.HAIKU_INPUT_COST_PER_1K_TOKENS &&
    s.HAIKU_OUTPUT_COST_PER_1K_TOKENS === DEFAULT_RATES.HAIKU_OUTPUT_COST_PER_1K_TOKENS
      ? `EVAL_MODEL is not ${DEFAULT_EVAL_MODEL}, but HAIKU_* still has its rates: set the rates of your model`
      : null,
  ),
  rule(['WORK_MODEL', 'SONNET_INPUT_COST_PER_1K_TOKENS', 'SONNET_OUTPUT_COST_PER_1K_TOKENS'], (s) =>
    s.WORK_MODEL !== DEFAULT_WORK_MODEL &&
    s.SONNET_INPUT_COST_PER_1K_TOKENS === DEFAULT_RATES.SONNET_INPUT_COST_PER_1K_TOKENS &&
    s.SONNET_OUTPUT_COST_PER_1K_TOKENS === DEFAULT_RATES.SONNET_OUTPUT_COST_PER_1K_TOKENS
      ? `WORK_MODEL is not ${DEFAULT_WORK_MODEL}, but SONNET_* still has its rates: set the rates of your model`
      : null,
  ),
];
