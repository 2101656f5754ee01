import { bech32 } from '@scure/base';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startFakeLnurl, type FakeLnurl, type LnurlScript } from '../../../test/fakes/lnurl.ts';
import { OutsideError } from '../../lib/errors.ts';
import { silentLog } from '../../lib/log.ts';
import { msats } from '../../lib/units.ts';
import { createHandClock } from '../../../test/fakes/hand-clock.ts';
import { createSafeFetch } from '../outbound/index.ts';
import { createLnurlPay } from './index.ts';

const clock = createHandClock();
const never = new AbortController().signal;
const open = createLnurlPay({
  get: createSafeFetch({ clock, allowPrivateNetwork: true }),
  allowPrivateNetwork: true,
  log: silentLog,
});
const pr = (text: string): string => `${text}1${'q'.repeat(60)}`;

let fake: FakeLnurl;
beforeAll(async () => void (fake = await startFakeLnurl()));
afterAll(() => fake.close());
afterEach(() => fake.set({ do: 'honest' }));

async function faultOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => 'fine',
    (e: unknown) => e,
  );
  return error instanceof OutsideError ? `${error.fault} ${error.message}` : String(error);
}

describe('an honest host', () => {
  it('gives an invoice for a Lightning address', async () => {
    const bolt11 = await open.invoice(fake.address.toUpperCase(), msats(2000n), never);
    expect(bolt11).toBe(fake.invoices.at(-1)?.bolt11);
    expect(fake.requests.at(-1)?.path).toBe('/callback?id=1&amount=2000');
  });

  it('gives one for an LNURL', async () => {
    const lnurl = bech32.encode('lnurl', bech32.toWords(Buffer.from(fake.url)), 2048);
    expect(await open.invoice(`lightning:${lnurl.toUpperCase()}`, msats(7000n), never)).toMatch(/^lnbcrt70000p1/);
  });

  it.each([
    [pr('lnbcrt20n'), 2000n],
    [pr('lnbc1u'), 100_000n],
    [pr('lntb1m'), 100_000_000n],
    [pr('lntbs20000p'), 2000n],
    [pr('LNBCRT20N').toUpperCase(), 2000n],
  ])('%s is for %s msats', async (bolt11, amount) => {
    fake.set({ do: 'callback', answer: { pr: bolt11 } });
    expect(await open.invoice(fake.address, msats(amount), never)).toBe(bolt11.toLowerCase());
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['amounts as text', { minSendable: '1', maxSendable: '2000' }],
    ['exactly the bounds', { minSendable: 2000, maxSendable: 2000 }],
    ['metadata of another host', { metadata: '[["text/plain","x"],["text/identifier","you@else.example"]]' }],
    ['metadata with a picture', { metadata: '[["text/plain","x"],["image/png;base64","AA=="]]' }],
    ['fields of later LUDs', { commentAllowed: 100, allowsNostr: true, payerData: {} }],
  ])('%s', async (_, changes) => {
    fake.set({ do: 'pay-request', changes });
    expect(await open.invoice(fake.address, msats(2000n), never)).toMatch(/^lnbcrt/);
  });
});

describe('a hostile host', () => {
  const payRequest = (changes: Readonly<Record<string, unknown>>): LnurlScript => ({ do: 'pay-request', changes });
  const callback = (answer: unknown): LnurlScript => ({ do: 'callback', answer });

  it.each<[string, LnurlScript, string]>([
    ['another tag', payRequest({ tag: 'withdrawRequest' }), 'rejected lnurl.bad_answer'],
    ['no callback', payRequest({ callback: undefined }), 'rejected lnurl.bad_answer'],
    ['a callback that is no URL', payRequest({ callback: '/callback' }), 'rejected lnurl.bad_answer'],
    ['a callback with a user', payRequest({ callback: 'https://a:b@pay.example/' }), 'rejected outbound.bad_url'],
    ['a callback to a file', payRequest({ callback: 'file:///etc/passwd' }), 'rejected outbound.bad_url'],
    ['fractions', payRequest({ minSendable: 0.5 }), 'rejected lnurl.bad_answer'],
    ['negative', payRequest({ minSendable: -1 }), 'rejected lnurl.bad_answer'],
    ['zero', payRequest({ minSendable: 0 }), 'rejected lnurl.bad_answer'],
    ['min over max', payRequest({ minSendable: 5000, maxSendable: 4000 }), 'rejected lnurl.bad_answer'],
    ['beyond 2^53', payRequest({ maxSendable: 2 ** 60 }), 'rejected lnurl.bad_answer'],
    ['too little for it', payRequest({ minSendable: 2001 }), 'rejected lnurl.amount_too_small'],
    ['too much for it', payRequest({ maxSendable: 1999 }), 'rejected lnurl.amount_too_large'],
    ['metadata that is no JSON', payRequest({ metadata: '[["text/plain"' }), 'rejected lnurl.bad_answer'],
    ['metadata as an array', payRequest({ metadata: [['text/plain', 'x']] }), 'rejected lnurl.bad_answer'],
    ['metadata without text', payRequest({ metadata: '[["text/identifier","a@b.c"]]' }), 'rejected lnurl.bad_answer'],
    [
      'metadata with two texts',
      payRequest({ metadata: '[["text/plain","a"],["text/plain","b"]]' }),
      'rejected lnurl.bad_answer',
    ],
    ['an error', { do: 'body', body: '{"status":"ERROR","reason":"<script>"}' }, 'rejected lnurl.refused'],
    ['an error in the callback', callback({ status: 'error' }), 'rejected lnurl.refused'],
    [
      'an error with its status',
      { do: 'body', status: 404, body: '{"status":"ERROR"}' },
      'rejected lnurl.no_such_address',
    ],
    ['not found', { do: 'body', status: 404, body: '<html>' }, 'rejected lnurl.no_such_address'],
    ['forbidden', { do: 'body', status: 403, body: '{}' }, 'rejected lnurl.bad_answer'],
    ['down', { do: 'body', status: 502, body: '<html>' }, 'unavailable lnurl.down'],
    ['busy', { do: 'body', status: 429, body: '{"status":"ERROR"}' }, 'unavailable lnurl.down'],
    ['no JSON', { do: 'body', body: '<html>' }, 'rejected lnurl.bad_answer'],
    ['JSON null', { do: 'body', body: 'null' }, 'rejected lnurl.bad_answer'],
    ['nothing', { do: 'body', body: '' }, 'rejected lnurl.bad_answer'],
    ['a flood', { do: 'flood' }, 'rejected outbound.too_large'],
    ['a redirect', { do: 'redirect', to: '/' }, 'rejected outbound.redirected'],
    ['a reset', { do: 'reset' }, 'unavailable outbound.unreachable'],
    ['no invoice', callback({}), 'rejected lnurl.bad_answer'],
    ['an invoice that is none', callback({ pr: 'x'.repeat(100) }), 'rejected lnurl.bad_answer'],
    ['an invoice for another chain', callback({ pr: pr('lnltc20n') }), 'rejected lnurl.bad_answer'],
    ['mixed case', callback({ pr: pr('lnbcRT20n') }), 'rejected lnurl.bad_answer'],
    ['40 KB', callback({ pr: `lnbcrt20n1${'q'.repeat(8000)}` }), 'rejected lnurl.bad_answer'],
    ['no amount', callback({ pr: pr('lnbcrt') }), 'rejected lnurl.wrong_amount'],
    ['a msat more', callback({ pr: pr('lnbcrt20010p') }), 'rejected lnurl.wrong_amount'],
    ['a tenth of a msat more', callback({ pr: pr('lnbcrt20001p') }), 'rejected lnurl.wrong_amount'],
    ['a thousand times as much', callback({ pr: pr('lnbcrt20u') }), 'rejected lnurl.wrong_amount'],
    ['bitcoins', callback({ pr: pr('lnbcrt20') }), 'rejected lnurl.wrong_amount'],
    ['nothing at all', callback({ pr: pr('lnbcrt0n') }), 'rejected lnurl.wrong_amount'],
  ])('%s', async (_, script, fault) => {
    fake.set(script);
    expect(await faultOf(open.invoice(fake.address, msats(2000n), never))).toBe(fault);
  });

  it('cannot smuggle an amount of its own into the callback', async () => {
    fake.set(payRequest({ callback: `${new URL(fake.url).origin}/callback?amount=1&amount=999999#amount=5` }));
    expect(await open.invoice(fake.address, msats(2000n), never)).toMatch(/^lnbcrt20000p1/);
    expect(fake.requests.at(-1)?.path).toBe('/callback?amount=2000');
  });

  it('a user that is not there', async () => {
    const other = fake.address.replace('me@', 'you@');
    expect(await faultOf(open.invoice(other, msats(2000n), never))).toBe('rejected lnurl.no_such_address');
  });
});

describe('as strangers meet it', () => {
  const resolve = (): Promise<string[]> => Promise.resolve(['10.0.0.1']);
  const strict = createLnurlPay({
    get: createSafeFetch({ clock, allowPrivateNetwork: false, resolve }),
    allowPrivateNetwork: false,
    log: silentLog,
  });

  it.each([
    ['me@127.0.0.1:80', 'lnurl.bad_destination'],
    ['me@localhost', 'lnurl.bad_destination'],
    ['', 'lnurl.bad_destination'],
    ['lnurl1qqqq', 'lnurl.bad_destination'],
    ['me@pay.example', 'outbound.forbidden_address'],
    [bech32.encode('lnurl', bech32.toWords(Buffer.from('http://pay.example/')), 2048), 'outbound.bad_url'],
    [bech32.encode('lnurl', bech32.toWords(Buffer.from('https://[::1]/')), 2048), 'outbound.forbidden_address'],
  ])('%j: %s', async (destination, code) => {
    expect(await faultOf(strict.invoice(destination, msats(1000n), never))).toBe(`rejected ${code}`);
  });

  it('a callback that leads home is refused as the address would be', async () => {
    const get = createSafeFetch({ clock, allowPrivateNetwork: false, resolve });
    const twoFaced = createLnurlPay({
      // The address itself is answered for; the callback goes through the real door.
      get: (url, signal) =>
        url.includes('/.well-known/')
          ? Promise.resolve({
              status: 200,
              body: JSON.stringify({
                tag: 'payRequest',
                callback: 'https://127.0.0.1/admin',
                minSendable: 1,
                maxSendable: 10_000,
                metadata: '[["text/plain","x"]]',
              }),
            })
          : get(url, signal),
      allowPrivateNetwork: false,
      log: silentLog,
    });
    const fault = await faultOf(twoFaced.invoice('me@pay.example', msats(1000n), never));
    expect(fault).toBe('rejected outbound.forbidden_address');
  });
});
