import { bech32 } from '@scure/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../lib/errors.ts';
import { Secret } from '../lib/secret.ts';
import { listed } from './fragments.ts';
import { loadSettings, scrubSecrets } from './load.ts';
import type { Environment } from './sources.ts';

const NSEC = 'nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5';
const HEX = '67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa';
const NPUB = 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg';
const NPUB_HEX = '7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e';

type Files = Record<string, string | { text: string; open: boolean }>;

function load(env: Environment, files: Files = {}, warnings: string[] = []) {
  return loadSettings({
    env,
    cwd: '/srv',
    readFile: (path) => {
      const file = files[path];
      return typeof file === 'string' ? { text: file, open: false } : (file ?? null);
    },
    warn: (warning) => warnings.push(warning),
  });
}

function problems(env: Environment, files: Files = {}): readonly string[] {
  try {
    load(env, files);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('order of sources', () => {
  const files = { '/srv/t.toml': '[job]\neval_fee_sats = 21\n[pricing]\nbtc_price_usd_fallback = "64000.5"\n' };

  it('environment, then file, then default', () => {
    expect(load({}).EVAL_FEE_SATS).toBe(10);
    expect(load({ TIMMY_CONFIG: 't.toml' }, files).EVAL_FEE_SATS).toBe(21);
    expect(load({ TIMMY_CONFIG: 't.toml' }, files).BTC_PRICE_USD_FALLBACK).toBe('64000.5');
    expect(load({ TIMMY_CONFIG: '/srv/t.toml', EVAL_FEE_SATS: '42' }, files).EVAL_FEE_SATS).toBe(42);
  });

  it('an empty variable counts as unset', () => {
    expect(load({ TIMMY_CONFIG: 't.toml', EVAL_FEE_SATS: '', TIMMY_RELAYS: ' ' }, files)).toMatchObject({
      EVAL_FEE_SATS: 21,
      TIMMY_RELAYS: load({}).TIMMY_RELAYS,
    });
  });

  it('reads a secret from the environment, the file it names, an alias, a systemd credential, the settings file', () => {
    const everywhere = {
      '/run/c/timmy-nsec': `${HEX}\n`,
      '/srv/key': `${NSEC}\n`,
      '/run/c/anthropic-api-key': 'from-credential\n',
      '/srv/t.toml': '[model]\nanthropic_api_key = "from-file"',
    };
    const key = (env: Environment) => load(env, everywhere).TIMMY_NOSTR_NSEC?.expose();
    expect(key({ TIMMY_NOSTR_NSEC: HEX, TIMMY_NOSTR_NSEC_FILE: 'key' })).toBe(HEX);
    expect(key({ TIMMY_NOSTR_NSEC_FILE: 'key', CREDENTIALS_DIRECTORY: '/run/c' })).toBe(NSEC);
    expect(key({ CREDENTIALS_DIRECTORY: '/run/c' })).toBe(HEX);
    const model = (env: Environment) => load(env, everywhere).ANTHROPIC_API_KEY?.expose();
    expect(model({ AI_INTEGRATIONS_ANTHROPIC_API_KEY: 'alias', CREDENTIALS_DIRECTORY: '/run/c' })).toBe('alias');
    expect(model({ TIMMY_CONFIG: 't.toml', CREDENTIALS_DIRECTORY: '/run/c' })).toBe('from-credential');
    expect(model({ TIMMY_CONFIG: 't.toml' })).toBe('from-file');
  });
});

describe('values', () => {
  it('come typed: secrets wrapped, paths absolute, relays normalised, operators as hex, decimals as text', () => {
    const s = load({
      LNBITS_URL: 'https://ln.example/',
      LNBITS_API_KEY: 'k',
      TIMMY_RELAYS: 'WSS://Relay.Example/, wss://relay.example , ws://127.0.0.1:7000/x/',
      TIMMY_OPERATOR_NPUBS: `${NPUB},${NPUB_HEX.toUpperCase()}`,
      TIMMY_NIP90: '1',
      HAIKU_INPUT_COST_PER_1K_TOKENS: '0.000123456789',
    });
    expect(s.LNBITS_URL).toBe('https://ln.example');
    expect(s.LNBITS_API_KEY).toBeInstanceOf(Secret);
    expect(s.TIMMY_RELAYS).toEqual(['wss://relay.example', 'ws://127.0.0.1:7000/x']);
    expect(s.TIMMY_OPERATOR_NPUBS).toEqual([NPUB_HEX]);
    expect(s.TIMMY_NIP90).toBe(true);
    expect(s.TIMMY_DATA_DIR).toBe('/srv/data');
    expect(s.HAIKU_INPUT_COST_PER_1K_TOKENS).toBe('0.000123456789');
    expect(Object.keys(s)).toHaveLength(listed.length);
  });

  it('the network follows the wallet unless it is set', () => {
    const lnbits = { LNBITS_URL: 'http://127.0.0.1:5000', LNBITS_API_KEY: 'k' };
    expect(load({}).LIGHTNING_NETWORK).toBe('regtest');
    expect(load(lnbits).LIGHTNING_NETWORK).toBe('bitcoin');
    expect(load({ ...lnbits, LIGHTNING_NETWORK: 'signet' }).LIGHTNING_NETWORK).toBe('signet');
  });

  it.each([
    ['EVAL_FEE_SATS', '0'],
    ['EVAL_FEE_SATS', '1e3'],
    ['EVAL_FEE_SATS', '10 sats'],
    ['INVOICE_EXPIRY_SECONDS', '4'],
    ['BTC_PRICE_USD_FALLBACK', '0'],
    ['ORIGINATOR_MARGIN_PCT', '-1'],
    ['ORIGINATOR_MARGIN_PCT', '25,5'],
    ['DO_MONTHLY_REQUEST_VOLUME', '0'],
    ['LIGHTNING_NETWORK', 'mainnet'],
    ['TIMMY_NIP90', 'yes'],
    ['TIMMY_RELAYS', 'https://relay.example'],
    ['TIMMY_OPERATOR_NPUBS', NPUB.replace('q', 'p')],
    ['TIMMY_NAME', 'a\nb'],
    ['ANTHROPIC_BASE_URL', 'https://user:pass@example.com'],
    ['NODE_ENV', 'prod'],
    ['TIMMY_NOSTR_NSEC', NSEC.replace('9', '8')],
  ])('%s=%s is refused, by name', (name, value) => {
    expect(problems({ [name]: value })).toEqual([expect.stringMatching(new RegExp(`^${name} must be `))]);
  });

  it('LNBITS_URL must not end with /api', () => {
    expect(problems({ LNBITS_URL: 'https://ln.example/api', LNBITS_API_KEY: 'k' })).toEqual([
      'LNBITS_URL must be an http:// or https:// URL, without /api at the end',
    ]);
  });
});

describe('problems', () => {
  it('come all at once, with the way to mend them', () => {
    const file =
      '[jobs]\nx = 1\n[job]\neval_fee = 10\ntimmy_name = "T"\n[pricing]\nbtc_price_usd_fallback = 1.5\n[mode]\nnode_env = "test"';
    expect(
      problems(
        { TIMMY_CONFIG: 't.toml', TIMMY_RELAY: 'x', LIMIT_RUNNING: '-1', LNBITS_API_KEY: 'k' },
        { '/srv/t.toml': file },
      ),
    ).toEqual([
      'TIMMY_RELAY is no setting of Timmy: unset it; did you mean TIMMY_RELAYS?',
      '/srv/t.toml: unknown section [jobs]; did you mean job?',
      '/srv/t.toml: unknown key eval_fee in [job]',
      '/srv/t.toml: timmy_name stands in [job], but belongs in [identity]',
      '/srv/t.toml: btc_price_usd_fallback in [pricing] must be written as text in quotes: "…" (decimals too, so that they stay exact)',
      '/srv/t.toml: node_env in [mode] can only be set in the environment, as NODE_ENV',
      'LIMIT_RUNNING must be a whole number from 1 to 1000000 (requests), not "-1"',
      'LNBITS_URL is missing: an LNbits key is set. Set both, or neither for the stub wallet',
    ]);
  });

  it('a variable of another program, or an empty one, is none', () => {
    expect(problems({ PATH: '/bin', DEMO_OF_SOMETHING: '1', TIMMY_OLD: '' })).toEqual([]);
  });

  it('names missing and unreadable files', () => {
    expect(problems({ TIMMY_CONFIG: 'none.toml', TIMMY_NOSTR_NSEC_FILE: 'none' })).toEqual([
      'TIMMY_CONFIG: there is no file /srv/none.toml',
      'TIMMY_NOSTR_NSEC_FILE: there is no file /srv/none',
    ]);
  });

  it.each([
    [{ NODE_ENV: 'production' }, ['LNBITS_URL and', 'ANTHROPIC_API_KEY is']],
    [{ SESSION_MIN_DEPOSIT_SATS: '600', SESSION_MAX_DEPOSIT_SATS: '500' }, ['SESSION_MIN_DEPOSIT_SATS is above']],
    [{ SESSION_MIN_BALANCE_SATS: '101' }, ['SESSION_MIN_BALANCE_SATS is above SESSION_MIN_DEPOSIT_SATS']],
    [{ SESSION_MIN_BALANCE_SATS: '100', SESSION_MAX_DEPOSIT_SATS: '100' }, []],
    [{ NODE_ENV: 'production', TIMMY_ALLOW_STUBS: '1' }, []],
    [{ NODE_ENV: 'production', TIMMY_ALLOW_STUBS: '1', WORK_MODEL: 'anthropic/claude-opus-5.5' }, []],
    [
      { NODE_ENV: 'production', TIMMY_ALLOW_STUBS: '1', WORK_MODEL: 'gpt', EVAL_MODEL: 'other' },
      ['EVAL_MODEL is other, whose price', 'WORK_MODEL is gpt, whose price'],
    ],
    [
      {
        NODE_ENV: 'production',
        TIMMY_ALLOW_STUBS: '1',
        WORK_MODEL: 'gpt',
        SONNET_INPUT_COST_PER_1K_TOKENS: '0.001',
      },
      [],
    ],
    [
      { NODE_ENV: 'production', TIMMY_ALLOW_STUBS: '1', TIMMY_ALLOW_PRIVATE_NETWORK: '1' },
      ['TIMMY_ALLOW_PRIVATE_NETWORK is'],
    ],
    [{ NODE_ENV: 'production', TIMMY_ALLOW_STUBS: '1', TIMMY_CRASH_AT: 'x' }, ['TIMMY_CRASH_AT is']],
    [{ LNBITS_URL: 'https://ln.example' }, ['LNBITS_API_KEY is missing']],
    [{ LNBITS_ADMIN_KEY: 'k' }, ['LNBITS_URL is missing']],
    [{ LIMIT_ALL_OPEN_INVOICES: '180' }, ['LIMIT_ALL_OPEN_INVOICES must be above 180']],
    [{ LIMIT_MESSAGE_CHARS: '99' }, ['LIMIT_MESSAGE_CHARS must be a whole number from 100']],
    [{ MODEL_DAILY_BUDGET_USD: '0.017' }, ['MODEL_DAILY_BUDGET_USD does not pay for one job (about 0.018 USD)']],
    [{ MODEL_DAILY_BUDGET_USD: '0.018' }, []],
    [
      { DEMO_DAILY_BUDGET_USD: '0.008' },
      ['DEMO_DAILY_BUDGET_USD does not pay for one free answer of a newcomer (about 0.008 USD'],
    ],
    [{ DEMO_DAILY_BUDGET_USD: '0' }, []],
    [{ SHORT_MAX_CHARS: '301' }, ['SHORT_MAX_CHARS must not']],
    [
      { TIMMY_NOSTR_NSEC: bech32.encode('ncryptsec', bech32.toWords(new Uint8Array(91)), 500) },
      ['TIMMY_NOSTR_PASSPHRASE is missing'],
    ],
  ])('%j: %j', (env: Environment, beginnings) => {
    expect(problems(env)).toEqual(beginnings.map((text) => expect.stringContaining(text) as unknown));
  });

  it('never contain a secret, wherever it was put and however it is broken', () => {
    const places = listed.map(({ name }) => name);
    fc.assert(
      fc.property(
        fc.constantFrom(...places),
        fc.constantFrom(NSEC, HEX, 'sk-ant-api03-canary-canary'),
        (name, secret) => {
          const broken = `${secret.slice(0, 20)} ${secret.slice(20)}"`;
          const line = `[job]\neval_fee_sats = ${broken}\n`;
          for (const said of [problems({ [name]: broken }), problems({ TIMMY_CONFIG: 't' }, { '/srv/t': line })]) {
            expect(said.join('\n')).not.toContain(secret.slice(0, 20));
            expect(said.join('\n')).not.toContain(secret.slice(20));
          }
        },
      ),
    );
  });
});

it('warns of what is suspicious but allowed', () => {
  const warnings: string[] = [];
  const files = {
    '/srv/key': { text: HEX, open: true },
    '/srv/t.toml': { text: '[lightning]\nlnbits_url = "http://a"\nlnbits_api_key = "k"', open: true },
  };
  const env = { TIMMY_NOSTR_NSEC_FILE: 'key', TIMMY_CONFIG: 't.toml', WORK_MODEL: 'other' };
  load({ ...env, ANTHROPIC_API_KEY: 'k' }, files, warnings);
  expect(warnings).toEqual([
    '/srv/t.toml holds a secret and others may read it: chmod 600 it',
    '/srv/key holds a secret and others may read it: chmod 600 it',
    expect.stringContaining('WORK_MODEL is other, whose price I do not know, and SONNET_* still has that of'),
    expect.stringContaining(
      'HAIKU_* (0.0008 in, 0.004 out) is below the list price of claude-haiku-4-5 (0.001 in, 0.005 out',
    ),
  ]);
});

it('says nothing of what models cost where none is paid', () => {
  const warnings: string[] = [];
  load({ WORK_MODEL: 'other' }, {}, warnings);
  expect(warnings).toEqual([]);
});

it('scrubs secrets from an environment, aliases included', () => {
  const env = { TIMMY_NOSTR_NSEC: HEX, AI_INTEGRATIONS_ANTHROPIC_API_KEY: 'k', EVAL_FEE_SATS: '10' };
  scrubSecrets(env);
  expect(env).toEqual({ EVAL_FEE_SATS: '10' });
});
