import { describe, expect, it } from 'vitest';
import { ConfigError } from '../lib/errors.ts';
import { loadSettings } from './load.ts';
import type { Environment } from './sources.ts';

const DIGEST = `@sha256:${'ab'.repeat(32)}`;
const REAL = {
  DO_API_TOKEN: 'dop_v1_x',
  BOOTSTRAP_NODE_IMAGE: `bitcoin/bitcoin${DIGEST}`,
  BOOTSTRAP_LND_IMAGE: `lightninglabs/lnd${DIGEST}`,
  BOOTSTRAP_LNBITS_IMAGE: `lnbits/lnbits${DIGEST}`,
  BOOTSTRAP_FEE_SATS: '70000',
  BOOTSTRAP_CHECKPOINT: `961640:${'0'.repeat(64)}`,
  REFUND_MAX_SATS: '100000',
};

function load(env: Environment): { problems: readonly string[]; warnings: string[] } {
  const warnings: string[] = [];
  try {
    loadSettings({ env, cwd: '/srv', readFile: () => null, warn: (warning) => warnings.push(warning) });
  } catch (error) {
    if (error instanceof ConfigError) return { problems: error.problems, warnings };
    throw error;
  }
  return { problems: [], warnings: warnings.filter((warning) => !warning.startsWith('HAIKU_*')) };
}

describe('what stops the start', () => {
  it.each([
    [{}, []],
    [REAL, []],
    [
      { DO_API_TOKEN: 'x' },
      [
        'NODE_IMAGE is missing',
        'LND_IMAGE is',
        'LNBITS_IMAGE is',
        'FEE_SATS buys about 112 hours of s-4vcpu-8gb, not 720. Raise it to 64286, or lower BOOTSTRAP_MIN_TERM_HOURS',
      ],
    ],
    [{ DO_API_TOKEN: 'x', BOOTSTRAP_MAX_ACTIVE: '0' }, []],
    [{ ...REAL, BOOTSTRAP_LND_IMAGE: 'lightninglabs/lnd:v0.21.0' }, ['BOOTSTRAP_LND_IMAGE has no digest']],
    [{ ...REAL, BOOTSTRAP_FEE_SATS: '10000', BOOTSTRAP_ALLOW_LOSS: '1' }, []],
    [{ ...REAL, BOOTSTRAP_FEE_SATS: '10000', BOOTSTRAP_TERM_HOURS: '112' }, []],
    [{ ...REAL, BOOTSTRAP_FEE_SATS: '10000', BOOTSTRAP_TERM_HOURS: '113' }, ['or lower BOOTSTRAP_TERM_HOURS']],
    [{ ...REAL, DO_VOLUME_SIZE_GB: '1000' }, ['BOOTSTRAP_FEE_SATS buys about 254 hours']],
    [{ ...REAL, DO_SIZE: 'of-a-size-unknown' }, []],
    [{ ...REAL, BOOTSTRAP_NODE_IMPL: 'knots' }, ['BOOTSTRAP_NODE_IMAGE does not say 20260507']],
    [{ ...REAL, BOOTSTRAP_NODE_IMPL: 'knots', BOOTSTRAP_NODE_IMAGE: `x/knots:29.3.knots20260507${DIGEST}` }, []],
    [{ BOOTSTRAP_MAX_MONTHLY_USD: '47' }, ['BOOTSTRAP_MAX_MONTHLY_USD does not pay for one node (about 48 USD)']],
    [{ TAILSCALE_OAUTH_CLIENT_ID: 'k' }, ['TAILSCALE_OAUTH_CLIENT_SECRET is missing']],
    [{ TAILSCALE_OAUTH_CLIENT_SECRET: 'k' }, ['TAILSCALE_OAUTH_CLIENT_ID is missing']],
    [
      { DO_API_BASE_URL: 'http://127.0.0.1:99', TAILSCALE_API_BASE_URL: 'http://10.0.0.1' },
      ['TAILSCALE_API_BASE_URL is http'],
    ],
  ])('%j: %j', (env: Environment, parts) => {
    expect(load(env).problems).toEqual(parts.map((text) => expect.stringContaining(text) as unknown));
  });

  it.each([
    ['DO_REGION', 'New York'],
    ['DO_SIZE', 's_4'],
    ['DO_IMAGE', 'debian 13'],
    ['DO_API_BASE_URL', 'https://api.digitalocean.com/v2'],
    ['TAILSCALE_API_BASE_URL', 'https://api.tailscale.com/api/v2'],
    ['TAILSCALE_TAG', 'timmy-node'],
    ['BOOTSTRAP_SIZES', 's-1,--'],
    ['BOOTSTRAP_WARN_HOURS', '168,soon'],
    ['BOOTSTRAP_TERM_HOURS', '0'],
    ['BOOTSTRAP_SECRET', 'short'],
    ['BOOTSTRAP_CHECKPOINT', `961639:${'0'.repeat(64)}`],
    ['BOOTSTRAP_NODE_IMAGE', 'bitcoin@sha256:12'],
    ['BOOTSTRAP_NODE_IMPL', 'bch'],
  ])('%s=%s is refused, by name', (name, value) => {
    expect(load({ [name]: value }).problems).toEqual([expect.stringMatching(new RegExp(`^${name} must be `))]);
  });
});

it.each([
  [REAL, []],
  [{ ...REAL, BOOTSTRAP_CHECKPOINT: '' }, ['BOOTSTRAP_CHECKPOINT is not set']],
  [{ ...REAL, REFUND_MAX_SATS: '50000' }, ['BOOTSTRAP_FEE_SATS is above REFUND_MAX_SATS']],
  [{ TAILSCALE_API_KEY: 'k' }, ['a Tailscale key is set, but not TAILSCALE_TAILNET']],
  [{ TAILSCALE_TAILNET: '-' }, ['TAILSCALE_TAILNET is set, but no key']],
  [{ TAILSCALE_TAILNET: '-', TAILSCALE_API_KEY: 'k' }, []],
])('is said at start of %j: %j', (env: Environment, beginnings) => {
  expect(load(env).warnings).toEqual(beginnings.map((text) => expect.stringContaining(text) as unknown));
});
