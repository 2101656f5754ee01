import type { Settings } from './fragments.ts';
import { rule, type Rule } from './rule.ts';

/** USD a month on Digital Ocean's list (2022 and later): for a first judgement alone, sales go by what the cloud asks. */
const LIST_PRICES_USD: Readonly<Record<string, number>> = {
  's-2vcpu-4gb': 24,
  's-4vcpu-8gb': 48,
  's-8vcpu-16gb': 96,
};
/** USD a month of one GB of volume, and the hours that Digital Ocean bills a month at most. */
const VOLUME_USD = 0.1;
const HOURS_OF_MONTH = 672;

const OFFERED = ['BOOTSTRAP_MAX_ACTIVE', 'DO_API_TOKEN'] as const;
const COST = ['DO_SIZE', 'DO_VOLUME_SIZE_GB'] as const;

/** Nodes are sold, and on servers that exist. */
const real = (s: Pick<Settings, (typeof OFFERED)[number]>): boolean =>
  s.BOOTSTRAP_MAX_ACTIVE > 0 && s.DO_API_TOKEN !== undefined;

/** What a node costs a month by the list; null: it does not say. */
function monthlyUsd(s: Pick<Settings, (typeof COST)[number]>): number | null {
  const server = LIST_PRICES_USD[s.DO_SIZE];
  return server === undefined ? null : server + s.DO_VOLUME_SIZE_GB * VOLUME_USD;
}

const IMAGES = ['BOOTSTRAP_NODE_IMAGE', 'BOOTSTRAP_LND_IMAGE', 'BOOTSTRAP_LNBITS_IMAGE'] as const;

/** What stops the start. */
export const nodeRules: readonly Rule[] = [
  ...IMAGES.map((name) =>
    rule([name, ...OFFERED], (s) =>
      real(s) && s[name]?.includes('@sha256:') !== true
        ? `${name} ${s[name] === undefined ? 'is missing' : 'has no digest'}: nodes run images that cannot change. Set it as "repository@sha256:…" (docker buildx imagetools inspect tells the digest)`
        : null,
    ),
  ),
  rule(['BOOTSTRAP_NODE_IMPL', 'BOOTSTRAP_NODE_IMAGE', ...OFFERED], (s) =>
    real(s) && s.BOOTSTRAP_NODE_IMPL === 'knots' && s.BOOTSTRAP_NODE_IMAGE?.includes('20260507') === false
      ? 'BOOTSTRAP_NODE_IMAGE does not say 20260507, and later releases of Knots follow another chain. Name it with its tag ("repository:29.3.knots20260507@sha256:…"), or set BOOTSTRAP_NODE_IMPL=core'
      : null,
  ),
  rule(
    [
      'BOOTSTRAP_FEE_SATS',
      'BOOTSTRAP_TERM_HOURS',
      'BOOTSTRAP_MIN_TERM_HOURS',
      'BOOTSTRAP_ALLOW_LOSS',
      'BTC_PRICE_USD_FALLBACK',
      'ORIGINATOR_MARGIN_PCT',
      ...OFFERED,
      ...COST,
    ],
    (s) => {
      const month = monthlyUsd(s);
      if (!real(s) || s.BOOTSTRAP_ALLOW_LOSS || month === null) return null;
      const wanted = Number(s.BOOTSTRAP_TERM_HOURS ?? s.BOOTSTRAP_MIN_TERM_HOURS);
      const usdOfSat = Number(s.BTC_PRICE_USD_FALLBACK) / 1e8;
      const withMargin = 1 + Number(s.ORIGINATOR_MARGIN_PCT) / 100;
      const satsOfHour = ((month / HOURS_OF_MONTH) * withMargin) / usdOfSat;
      const bought = s.BOOTSTRAP_FEE_SATS / satsOfHour;
      return bought < wanted
        ? `BOOTSTRAP_FEE_SATS buys about ${Math.floor(bought)} hours of ${s.DO_SIZE}, not ${wanted}. Raise it to ${Math.ceil(satsOfHour * wanted)}, or lower ${s.BOOTSTRAP_TERM_HOURS === undefined ? 'BOOTSTRAP_MIN_TERM_HOURS' : 'BOOTSTRAP_TERM_HOURS'}, or set BOOTSTRAP_ALLOW_LOSS=1`
        : null;
    },
  ),
  rule(['BOOTSTRAP_MAX_MONTHLY_USD', ...OFFERED, ...COST], (s) => {
    const month = monthlyUsd(s);
    return s.BOOTSTRAP_MAX_ACTIVE > 0 && month !== null && Number(s.BOOTSTRAP_MAX_MONTHLY_USD) < month
      ? `BOOTSTRAP_MAX_MONTHLY_USD does not pay for one node (about ${month.toFixed(0)} USD): none could be sold. Raise it, or set BOOTSTRAP_MAX_ACTIVE=0 to sell none`
      : null;
  }),
  rule(['TAILSCALE_OAUTH_CLIENT_ID', 'TAILSCALE_OAUTH_CLIENT_SECRET'], (s) => {
    const [id, secret] = [s.TAILSCALE_OAUTH_CLIENT_ID, s.TAILSCALE_OAUTH_CLIENT_SECRET];
    if ((id === undefined) === (secret === undefined)) return null;
    const missing = id === undefined ? 'TAILSCALE_OAUTH_CLIENT_ID' : 'TAILSCALE_OAUTH_CLIENT_SECRET';
    return `${missing} is missing: the other half of the OAuth client is set. Set both, or neither`;
  }),
  ...(['DO_API_BASE_URL', 'TAILSCALE_API_BASE_URL'] as const).map((name) =>
    rule([name], (s) =>
      isReadable(s[name])
        ? `${name} is http and not on this machine: the token would travel readable. Use https`
        : null,
    ),
  ),
];

/** What is said at start and in `status`, and changes nothing. */
export const nodeAdvice: readonly Rule[] = [
  rule(['TAILSCALE_TAILNET', 'TAILSCALE_API_KEY', 'TAILSCALE_OAUTH_CLIENT_ID'], (s) => {
    const hasKey = s.TAILSCALE_API_KEY !== undefined || s.TAILSCALE_OAUTH_CLIENT_ID !== undefined;
    if (hasKey && s.TAILSCALE_TAILNET === undefined)
      return 'a Tailscale key is set, but not TAILSCALE_TAILNET: nodes join no tailnet. Set it ("-": that of the key)';
    return !hasKey && s.TAILSCALE_TAILNET !== undefined
      ? 'TAILSCALE_TAILNET is set, but no key: nodes join no tailnet. Set TAILSCALE_OAUTH_CLIENT_ID and TAILSCALE_OAUTH_CLIENT_SECRET'
      : null;
  }),
  rule(['BOOTSTRAP_CHECKPOINT', ...OFFERED], (s) =>
    real(s) && s.BOOTSTRAP_CHECKPOINT === undefined
      ? 'BOOTSTRAP_CHECKPOINT is not set: a node cannot tell that it follows Bitcoin’s chain'
      : null,
  ),
  rule(['BOOTSTRAP_FEE_SATS', 'REFUND_MAX_SATS', 'BOOTSTRAP_MAX_ACTIVE'], (s) =>
    s.BOOTSTRAP_MAX_ACTIVE > 0 && s.BOOTSTRAP_FEE_SATS > s.REFUND_MAX_SATS
      ? 'BOOTSTRAP_FEE_SATS is above REFUND_MAX_SATS: the fee of a node that fails waits for a person before it is paid back'
      : null,
  ),
];

function isReadable(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}
