import { decimal, int } from '../kinds.ts';

/** The product "demo": free answers. */
export const demo = {
  DEMO_REQUESTS_PER_HOUR: int({
    about: 'Free questions of one npub; 0 offers none.',
    unit: 'per hour',
    default: 5,
    min: 0,
    max: 1000,
  }),
  DEMO_ALL_REQUESTS_PER_HOUR: int({
    about: 'Free questions of everybody; npubs that never paid have two thirds of it together.',
    unit: 'per hour',
    default: 30,
    min: 1,
    max: 100_000,
  }),
  DEMO_DAILY_BUDGET_USD: decimal({
    about:
      'Spent on free questions in a day at most, out of MODEL_DAILY_BUDGET_USD, two thirds of it for npubs that never paid; 0 offers none.',
    unit: 'USD',
    default: '1',
  }),
  DEMO_MAX_CHARS: int({
    about: 'Longest free question.',
    unit: 'characters',
    default: 1000,
    min: 20,
    max: 65_535,
  }),
  DEMO_OUTPUT_TOKENS: int({
    about: 'Most that a free answer may be; the model is told half of it in words.',
    unit: 'tokens',
    default: 160,
    min: 16,
    max: 8192,
  }),
};
