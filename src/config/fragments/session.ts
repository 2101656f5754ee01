import { decimal, int } from '../kinds.ts';

/** The product "session". */
export const session = {
  SESSION_MIN_DEPOSIT_SATS: int({
    about: 'Smallest deposit or top-up of a session.',
    unit: 'sats',
    default: 100,
    min: 1,
    max: 10_000_000,
  }),
  SESSION_MAX_DEPOSIT_SATS: int({
    about: 'Largest deposit or top-up of a session.',
    unit: 'sats',
    default: 10_000,
    min: 1,
    max: 10_000_000,
  }),
  SESSION_MIN_BALANCE_SATS: int({
    about: 'With less than this a session pauses and asks for a top-up.',
    unit: 'sats',
    default: 50,
    min: 0,
    max: 1_000_000,
  }),
  SESSION_EXPIRY_HOURS: decimal({
    about: 'So long after activation, top-up or the last answer a session ends and its rest is owed back.',
    unit: 'hours',
    default: '24',
    positive: true,
  }),
  SESSION_MEMORY_TOKENS: int({
    about: 'So much of a session’s conversation is given to the model again, at most; 0: it remembers nothing.',
    unit: 'tokens',
    default: 4000,
    min: 0,
    max: 100_000,
  }),
};
