import { choice, int } from '../kinds.ts';

/** The product "job". */
export const job = {
  EVAL_FEE_SATS: int({
    about: 'Price of the look at a request, kept if it is declined.',
    unit: 'sats',
    default: 10,
    min: 1,
    max: 1_000_000,
  }),
  JOB_ONE_INVOICE: choice({
    about: 'One invoice for look and work together: offer it, never, or always.',
    words: ['offer', 'off', 'always'],
    default: 'offer',
  }),
  TEXT_JOIN_SECONDS: int({
    about: 'Lines that follow each other within this are one request; 0 is off.',
    unit: 'seconds',
    default: 15,
    min: 0,
    max: 600,
  }),
};
