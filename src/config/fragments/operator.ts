import { z } from 'zod';
import { parseNpub } from '../../nostr/keys.ts';
import { choice, list, text } from '../kinds.ts';

/** An npub (NIP-19) or 64 hex characters, read as hex. */
const publicKey = z.string().transform((written, context): string => {
  const hex = parseNpub(written);
  if (hex !== null) return hex;
  context.addIssue({ code: 'custom' });
  return z.NEVER;
});

/** Who is told when something needs a person, and what is written down meanwhile. */
export const operator = {
  /** Hex public keys. */
  TIMMY_OPERATOR_NPUBS: list({
    about: 'Who gets alerts by DM.',
    default: [],
    item: publicKey,
    items: 'npubs',
    max: 20,
  }),
  TIMMY_LOG_LEVEL: choice({
    about: 'Least level that is logged.',
    words: ['debug', 'info', 'warn', 'error'],
    default: 'info',
  }),
  TIMMY_METRICS_ADDR: text({ about: 'host:port of the metrics endpoint; off unless set (127.0.0.1:9464).', max: 100 }),
};
