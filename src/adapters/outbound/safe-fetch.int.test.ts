import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createHandClock } from '../../../test/fakes/hand-clock.ts';
import { startFakeLnurl, TEST_CERTIFICATE, type FakeLnurl, type LnurlScript } from '../../../test/fakes/lnurl.ts';
import { OutsideError } from '../../lib/errors.ts';
import type { Resolve } from './door.ts';
import { createSafeFetch, MAX_ANSWER_BYTES, type SafeFetch } from './safe-fetch.ts';

const clock = createHandClock();
const never = new AbortController().signal;
const PUBLIC = '93.184.215.14';

async function faultOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => 'fine',
    (e: unknown) => e,
  );
  return error instanceof OutsideError ? `${error.fault} ${error.message}` : String(error);
}

/** A door as strangers meet it, whose names resolve as the test says. */
function strict(addresses: Readonly<Record<string, readonly string[]>>, deniedHosts: string[] = []): SafeFetch {
  const resolve: Resolve = (host) =>
    addresses[host] === undefined
      ? Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }))
      : Promise.resolve(addresses[host]);
  return createSafeFetch({ clock, allowPrivateNetwork: false, resolve, deniedHosts });
}

describe('what is never asked', () => {
  it.each([
    'http://pay.example/',
    'ftp://pay.example/',
    'file:///etc/passwd',
    'gopher://pay.example/',
    'data:application/json,{}',
    'https://user@pay.example/',
    'https://user:pass@pay.example/',
    'https://:pass@pay.example/',
    'https://pay.example:8443/',
    'https://pay.example:80/',
    'https://',
    '//pay.example/',
    'pay.example',
    '',
    'https://[::1',
    'https://exa mple/',
    'https://wallet.example/',
    'https://WALLET.example/',
    'https://wallet.example./',
    `https://pay.example/${'x'.repeat(3000)}`,
  ])('%j is no URL for us', async (url) => {
    const get = strict({ 'pay.example': [PUBLIC], 'wallet.example': [PUBLIC] }, ['wallet.example']);
    expect(await faultOf(get(url, never))).toBe('rejected outbound.bad_url');
  });

  it.each([
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://0/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:a00:1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[2002:7f00:1::]/',
    'https://[fe80::1]/',
    'https://[fd00::1]/',
    'https://10.0.0.1/',
    'https://100.64.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://172.16.0.1/',
    'https://192.0.2.1/',
    'https://192.168.1.1/',
    'https://198.18.0.1/',
    'https://224.0.0.1/',
    'https://255.255.255.255/',
    'https://１２７.０.０.１/',
  ])('%s is an address of ours', async (url) => {
    expect(await faultOf(strict({})(url, never))).toBe('rejected outbound.forbidden_address');
  });

  it.each<[string, string[]]>([
    ['loopback', ['127.0.0.1']],
    ['loopback 6', ['::1']],
    ['private', ['192.168.0.10']],
    ['metadata', ['169.254.169.254']],
    ['mapped', ['::ffff:127.0.0.1']],
    ['unique local', ['fd00:ec2::254']],
    ['one of two', [PUBLIC, '10.0.0.1']],
    ['the last of many', [PUBLIC, '1.1.1.1', '2606:4700::1', '0.0.0.0']],
    ['no address', ['evil']],
  ])('a name that leads home: %s', async (_, addresses) => {
    const get = strict({ 'pay.example': addresses });
    expect(await faultOf(get('https://pay.example/', never))).toBe('rejected outbound.forbidden_address');
  });

  it('a name that is none', async () => {
    expect(await faultOf(strict({})('https://pay.example/', never))).toBe('rejected outbound.no_such_host');
    expect(await faultOf(strict({ 'pay.example': [] })('https://pay.example/', never))).toBe(
      'rejected outbound.no_such_host',
    );
  });

  it('a name server that fails is asked another time', async () => {
    const resolve: Resolve = () => Promise.reject(Object.assign(new Error('x'), { code: 'EAI_AGAIN' }));
    const get = createSafeFetch({ clock, allowPrivateNetwork: false, resolve });
    expect(await faultOf(get('https://pay.example/', never))).toBe('unavailable outbound.dns');
  });

  it('a name server that never answers costs two seconds', async () => {
    const get = createSafeFetch({ clock, allowPrivateNetwork: false, resolve: () => new Promise(() => {}) });
    const fault = faultOf(get('https://pay.example/', never));
    await clock.timerSet(2000);
    clock.advance(2000);
    expect(await fault).toBe('unavailable outbound.dns');
  });
});

describe('what is asked', () => {
  let fake: FakeLnurl;
  beforeAll(async () => void (fake = await startFakeLnurl()));
  afterAll(() => fake.close());
  afterEach(() => fake.set({ do: 'honest' }));
  const open = createSafeFetch({ clock, allowPrivateNetwork: true });

  it('an answer, whatever its status', async () => {
    expect((await open(fake.url, never)).status).toBe(200);
    fake.set({ do: 'body', status: 404, body: '{"status":"ERROR"}' });
    expect(await open(fake.url, never)).toEqual({ status: 404, body: '{"status":"ERROR"}' });
  });

  it('a body of exactly the bound', async () => {
    fake.set({ do: 'body', body: 'x'.repeat(MAX_ANSWER_BYTES) });
    expect((await open(fake.url, never)).body).toHaveLength(MAX_ANSWER_BYTES);
  });

  it.each<[string, LnurlScript, string]>([
    ['a byte too many', { do: 'body', body: 'x'.repeat(MAX_ANSWER_BYTES + 1) }, 'rejected outbound.too_large'],
    ['a flood', { do: 'flood' }, 'rejected outbound.too_large'],
    ['a redirect', { do: 'redirect', to: 'https://elsewhere.example/' }, 'rejected outbound.redirected'],
    ['a redirect home', { do: 'redirect', to: 'http://169.254.169.254/' }, 'rejected outbound.redirected'],
    ['a reset', { do: 'reset' }, 'unavailable outbound.unreachable'],
    ['a reset midway', { do: 'reset-midway' }, 'unavailable outbound.unreachable'],
  ])('%s', async (_, script, fault) => {
    fake.set(script);
    expect(await faultOf(open(fake.url, never))).toBe(fault);
  });

  it.each<LnurlScript['do']>(['hang', 'drip'])('four seconds in all: %s', async (script) => {
    fake.set({ do: script } as LnurlScript);
    const before = fake.requests.length;
    const fault = faultOf(open(fake.url, never));
    while (fake.requests.length === before) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(4000);
    expect(await fault).toBe('unavailable outbound.timeout');
  });

  it('nobody there', async () => {
    const gone = await startFakeLnurl();
    await gone.close();
    expect(await faultOf(open(gone.url, never))).toBe('unavailable outbound.unreachable');
  });
});

describe('the connection', () => {
  let fake: FakeLnurl;
  beforeAll(async () => void (fake = await startFakeLnurl({ tls: true })));
  afterAll(() => fake.close());

  it('goes to the address that was checked, under the name that was asked', async () => {
    let asked = 0;
    // A name that rebinds: the second answer would be another address.
    const resolve: Resolve = () => Promise.resolve(asked++ === 0 ? ['127.0.0.1'] : ['192.0.2.1']);
    const get = createSafeFetch({ clock, allowPrivateNetwork: true, resolve, ca: TEST_CERTIFICATE });
    expect((await get(fake.url, never)).status).toBe(200);
    expect(asked).toBe(1);
    expect(fake.requests.at(-1)).toMatchObject({ host: `pay.example:${fake.port}`, serverName: 'pay.example' });
  });

  it('is not made to a host that cannot prove its name', async () => {
    const resolve: Resolve = () => Promise.resolve(['127.0.0.1']);
    const untrusted = createSafeFetch({ clock, allowPrivateNetwork: true, resolve });
    expect(await faultOf(untrusted(fake.url, never))).toBe('unavailable outbound.unreachable');
    const trusting = createSafeFetch({ clock, allowPrivateNetwork: true, resolve, ca: TEST_CERTIFICATE });
    const other = fake.url.replace('pay.example', 'other.example');
    expect(await faultOf(trusting(other, never))).toBe('unavailable outbound.unreachable');
  });
});
