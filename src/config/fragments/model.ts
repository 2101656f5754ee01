import { DEFAULT_MODELS } from '../../pricing/index.ts';
import { decimal, httpUrl, int, secret, text } from '../kinds.ts';

/** Who does the work; without a key a stub agent stands in. */
export const model = {
  ANTHROPIC_API_KEY: secret({
    about: 'Key of the Anthropic API. Unset: stub agent.',
    expected: 'an API key without spaces',
    credential: 'anthropic-api-key',
    aliases: ['AI_INTEGRATIONS_ANTHROPIC_API_KEY'],
  }),
  ANTHROPIC_BASE_URL: httpUrl({
    about: 'Any Anthropic-compatible endpoint.',
    default: 'https://api.anthropic.com',
    aliases: ['AI_INTEGRATIONS_ANTHROPIC_BASE_URL'],
  }),
  EVAL_MODEL: text({
    about: 'Accepts or rejects requests; its rates are HAIKU_*.',
    default: DEFAULT_MODELS.EVAL_MODEL,
    max: 100,
  }),
  WORK_MODEL: text({ about: 'Does the work; its rates are SONNET_*.', default: DEFAULT_MODELS.WORK_MODEL, max: 100 }),
  WORK_MAX_OUTPUT_TOKENS: int({
    about: 'Most that one answer may be, whatever was paid.',
    unit: 'tokens',
    default: 8192,
    min: 1,
    max: 200_000,
  }),
  MODEL_RETRY_SECONDS: int({
    about: 'How long a model that refuses work (overloaded, down) is asked again before the job fails.',
    unit: 'seconds',
    default: 120,
    min: 0,
    max: 86_400,
  }),
  MODEL_DAILY_BUDGET_USD: decimal({
    about: 'Spent on the model in a day at most; then nothing more is sold.',
    unit: 'USD',
    default: '50',
  }),
};
