import { z } from 'zod';
import { normalizeRelayUrl } from '../../nostr/relay-url.ts';
import { choice, decimal, flag, int, list, secret, text } from '../kinds.ts';
import { SLUG } from './cloud.ts';

const image = {
  good: (written: string) => /^[a-z0-9][a-z0-9._/:-]*(@sha256:[0-9a-f]{64})?$/.test(written),
  words: 'an image as "repository@sha256:…", with all 64 characters of its digest',
};
const hours = {
  good: (written: string) => /^\d{1,6}(\.\d{1,6})?$/.test(written) && /[1-9]/.test(written),
  words: 'a positive decimal number like "720" (hours)',
};
const relayUrl = z.string().transform((written, context): string => {
  const url = normalizeRelayUrl(written);
  if (url !== null) return url;
  context.addIssue({ code: 'custom' });
  return z.NEVER;
});

/** Blocks from here on tell Bitcoin's chain from the one that current Knots releases follow (they part at 961,632). */
const FIRST_CHECKPOINT = 961_640;

/** The product "bootstrap": nodes, and the lease under which they stand. */
export const bootstrap = {
  BOOTSTRAP_FEE_SATS: int({
    about: 'Price of a node, and of each renewal; it buys a term.',
    unit: 'sats',
    default: 10_000,
    min: 1,
    max: 100_000_000,
  }),
  BOOTSTRAP_TERM_HOURS: text({
    about: 'The term. Unset: what the fee pays of the cloud’s price after our margin. In hours.',
    max: 13,
    form: hours,
  }),
  BOOTSTRAP_MIN_TERM_HOURS: decimal({
    about: 'A fee that buys less than this, or does not pay for BOOTSTRAP_TERM_HOURS, is a mistake.',
    unit: 'hours',
    default: '720',
  }),
  BOOTSTRAP_ALLOW_LOSS: flag({ about: 'It is none: nodes may cost more than they bring, or last less.' }),
  BOOTSTRAP_MAX_ACTIVE: int({
    about: 'Nodes that exist at once; 0 sells none.',
    unit: 'nodes',
    default: 3,
    min: 0,
    max: 1000,
  }),
  BOOTSTRAP_MAX_MONTHLY_USD: decimal({
    about: 'What all nodes together may cost a month; one more that would cost above it is not sold.',
    unit: 'USD',
    default: '500',
  }),
  BOOTSTRAP_REGIONS: list({
    about: 'Regions that a customer may choose beside DO_REGION.',
    default: ['nyc3', 'fra1', 'sgp1'],
    item: z.string().regex(SLUG),
    items: 'regions',
    max: 30,
  }),
  BOOTSTRAP_SIZES: list({
    about: 'Sizes that a customer may choose beside DO_SIZE: the same fee buys a term of its own of each.',
    default: ['s-2vcpu-4gb', 's-4vcpu-8gb'],
    item: z.string().regex(SLUG),
    items: 'sizes',
    max: 30,
  }),
  BOOTSTRAP_WARN_HOURS: list({
    about: 'So many hours before the end of its term a node’s owner is warned, with an invoice for the next.',
    default: ['168', '72', '24', '2'],
    item: z.string().regex(/^\d{1,4}(\.\d{1,6})?$/),
    items: 'numbers of hours',
    max: 10,
  }),
  BOOTSTRAP_GRACE_HOURS: decimal({
    about: 'So long after its term a node still runs, and can be renewed; then it is destroyed.',
    unit: 'hours',
    default: '48',
  }),
  BOOTSTRAP_BOOT_TIMEOUT_S: int({
    about: 'So long the cloud has to bring a server up; then it is destroyed and tried again or paid back.',
    unit: 'seconds',
    default: 600,
    min: 5,
    max: 86_400,
  }),
  BOOTSTRAP_ANNOUNCE_TIMEOUT_S: int({
    about: 'So long a node has to say its first word; then it is handed over without it, and that is said.',
    unit: 'seconds',
    default: 2700,
    min: 5,
    max: 86_400,
  }),
  BOOTSTRAP_RELAYS: list({
    about: 'Relays where nodes write to us and read. None: TIMMY_RELAYS.',
    default: [],
    item: relayUrl,
    items: 'ws:// or wss:// URLs',
    max: 10,
  }),
  BOOTSTRAP_SECRET: secret({
    about: 'What nodes’ claims are derived from. Unset: it derives from Timmy’s key.',
    expected: 'at least 32 characters without spaces',
    good: (written) => /^\S{32,}$/.test(written),
    credential: 'bootstrap-secret',
  }),
  BOOTSTRAP_NODE_IMPL: choice({
    about: 'Bitcoin Core; or Knots, of which only 29.3.knots20260507 follows Bitcoin’s chain, without updates.',
    words: ['core', 'knots'],
    default: 'core',
  }),
  BOOTSTRAP_NODE_IMAGE: text({
    about: 'Container image of it, by digest. Needed with DO_API_TOKEN; look the digest up yourself.',
    max: 300,
    form: image,
  }),
  BOOTSTRAP_LND_IMAGE: text({ about: 'Container image of LND, by digest.', max: 300, form: image }),
  BOOTSTRAP_LNBITS_IMAGE: text({ about: 'Container image of LNbits, by digest.', max: 300, form: image }),
  BOOTSTRAP_CHECKPOINT: text({
    about: 'A block of Bitcoin’s chain as "height:hash", from 961640 on: a node on another chain says so.',
    max: 80,
    form: {
      good: (written) => /^\d{6,8}:[0-9a-f]{64}$/.test(written) && parseInt(written, 10) >= FIRST_CHECKPOINT,
      words: `"height:hash" of a block from ${FIRST_CHECKPOINT} on`,
    },
  }),
};
