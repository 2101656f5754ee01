import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHandClock } from '../../../test/fakes/hand-clock.ts';
import { startFakePrice, type FakePrice, type PriceScript } from '../../../test/fakes/price.ts';
import { silentLog, type Log } from '../../lib/log.ts';
import type { BtcPriceSources } from '../../ports/btc-price.ts';
import { usdMicrosOf } from '../../pricing/index.ts';
import { createBtcPriceSources, dateOf, PRICE_TIMEOUT_MS } from './index.ts';
import { parseSimplePrice, PUBLIC_SOURCES } from './sources.ts';

const clock = createHandClock();
const never = new AbortController().signal;

describe('BTC_PRICE_URL', () => {
  let fake: FakePrice;
  let source: BtcPriceSources;
  beforeAll(async () => {
    fake = await startFakePrice();
    source = createBtcPriceSources({ url: fake.url, clock, log: silentLog });
  });
  afterAll(() => fake.close());

  it.each<[PriceScript, bigint | null]>([
    [{ do: 'price', usd: 97_234.12 }, 97_234_120_000n],
    [{ do: 'price', usd: 0.1 }, 100_000n],
    [{ do: 'body', body: '{"bitcoin":{"usd":100000.123456}}' }, 100_000_123_456n],
    [{ do: 'body', body: '{"bitcoin":{"usd":1e5,"eur":90000}}' }, 100_000_000_000n],
    [{ do: 'price', usd: 0 }, null],
    [{ do: 'price', usd: -5 }, null],
    [{ do: 'price', usd: NaN }, null], // null in JSON
    [{ do: 'body', body: '{"bitcoin":{"usd":NaN}}' }, null],
    [{ do: 'body', body: '{"bitcoin":{"usd":1e999}}' }, null],
    [{ do: 'body', body: '{"bitcoin":{"usd":1e-9}}' }, null],
    [{ do: 'body', body: '{"bitcoin":{"usd":"100000"}}' }, null],
    [{ do: 'body', body: '{"bitcoin":{"eur":90000}}' }, null],
    [{ do: 'body', body: '{"ethereum":{"usd":4000}}' }, null],
    [{ do: 'body', body: '[100000]' }, null],
    [{ do: 'body', body: '100000' }, null],
    [{ do: 'body', body: '' }, null],
    [{ do: 'body', body: '{"bitcoin":{"usd":100' }, null],
    [{ do: 'body', body: '<html>' }, null],
    [{ do: 'status', status: 500 }, null],
    [{ do: 'status', status: 429 }, null],
    [{ do: 'huge' }, null],
    [{ do: 'redirect' }, null],
    [{ do: 'reset' }, null],
  ])('case %#: %o', async (script, usdMicros) => {
    fake.set(script);
    const expected = usdMicros === null ? [] : [{ source: '127.0.0.1', usdMicros }];
    expect(await source.read(never)).toEqual(expected);
  });

  it('says why there is no answer, by a code and never in the words of others', async () => {
    const said: unknown[] = [];
    const log: Log = { ...silentLog, warn: (event, fields) => void said.push(event, fields) };
    fake.set({ do: 'reset' });
    const gone = createBtcPriceSources({ url: `${fake.url}?key=secret`, clock, log });
    expect(await gone.read(never)).toEqual([]);
    expect(said).toEqual([
      'price.no_answer',
      { source: '127.0.0.1', why: expect.stringMatching(/^[A-Z_]+$/) as string },
    ]);
  });

  it('waits three seconds, and no longer', async () => {
    fake.set({ do: 'hang' });
    const readings = source.read(never);
    await clock.timerSet(PRICE_TIMEOUT_MS);
    clock.advance(PRICE_TIMEOUT_MS);
    expect(await readings).toEqual([]);
  });

  it('is one source', () => expect(source.count).toBe(1));
});

it.each<[string, string, number | null]>([
  ['https://price.example/btc', 'Fri, 15 Jan 2027 08:00:00 GMT', 1_800_000_000],
  ['https://price.example/btc', 'soon', null],
  ['https://price.example/btc', '', null],
  ['http://127.0.0.1:8080/btc', 'Fri, 15 Jan 2027 08:00:00 GMT', null],
])('%s, dated %s, witnesses %s', (url, date, expected) => {
  expect(dateOf(url, new Headers({ date }))).toBe(expected);
});

describe('several sources', () => {
  it('are asked at once, and one that fails takes nothing from the others', async () => {
    const fakes = await Promise.all([1, 2, 3].map((n) => startFakePrice(n * 10_000)));
    fakes[1]?.set({ do: 'status', status: 503 });
    const sources = fakes.map((fake, i) => ({ name: `s${i}`, url: fake.url, parse: parseSimplePrice }));
    const readings = await createBtcPriceSources({ url: null, clock, log: silentLog, sources }).read(never);
    expect(readings.map((r) => r.source)).toEqual(['s0', 's2']);
    expect(fakes.map((fake) => fake.requests())).toEqual([1, 1, 1]);
    await Promise.all(fakes.map((fake) => fake.close()));
  });
});

describe('public sources', () => {
  // Answers as these services gave them, shortened.
  it.each<[string, unknown, string]>([
    ['coingecko', { bitcoin: { usd: 97_234 } }, '97234'],
    ['coinbase', { data: { amount: '97234.125', base: 'BTC', currency: 'USD' } }, '97234.125'],
    ['kraken', { error: [], result: { XXBTZUSD: { a: ['1'], c: ['97234.10000', '0.00012'] } } }, '97234.1'],
    ['bitstamp', { last: '97234.12', high: '1', timestamp: '1' }, '97234.12'],
  ])('%s is read exactly', (name, body, usd) => {
    const source = PUBLIC_SOURCES.find((s) => s.name === name);
    expect(usdMicrosOf(source?.parse(body) ?? '0')).toBe(usdMicrosOf(usd));
  });

  it.each<[string, unknown]>([
    ['coinbase', { data: { amount: '90000', base: 'BTC', currency: 'EUR' } }],
    ['coinbase', { data: { amount: 90_000, base: 'BTC', currency: 'USD' } }],
    ['kraken', { error: ['EService:Unavailable'], result: {} }],
    ['kraken', { error: [], result: { XXBTZEUR: { c: ['1', '1'] } } }],
    ['bitstamp', { last: '-1' }],
    ['bitstamp', { last: '1e5' }],
  ])('%s: %j is no answer', (name, body) => {
    expect(() => PUBLIC_SOURCES.find((s) => s.name === name)?.parse(body)).toThrow();
  });

  it('are at least three, all over TLS', () => {
    expect(PUBLIC_SOURCES.length).toBeGreaterThanOrEqual(3);
    expect(PUBLIC_SOURCES.every((s) => s.url.startsWith('https://'))).toBe(true);
  });
});
