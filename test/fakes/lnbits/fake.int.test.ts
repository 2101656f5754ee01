import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { decodeInvoice } from '../../../src/bolt11/index.ts';
import { FakeLnbits, requests, scripts, type FakeLnbitsOptions } from './index.ts';

let cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.reverse()) await step();
  cleanUp = [];
});

async function start(options: FakeLnbitsOptions = {}): Promise<FakeLnbits> {
  const fake = new FakeLnbits({ payWaitMs: 150, ...options });
  await fake.start();
  cleanUp.push(() => fake.stop());
  return fake;
}

async function call(
  fake: FakeLnbits,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(`${fake.url}/api/v1${path}`, {
    method,
    redirect: 'manual',
    headers: { 'x-api-key': fake.wallet.adminkey, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json().catch(() => ({}))) as Record<string, unknown> };
}
const pay = (fake: FakeLnbits, bolt11: string, debts = 'R-1'): ReturnType<typeof call> =>
  call(fake, 'POST', '/payments', { out: true, bolt11, extra: { timmy_debts: debts } });
const hashOf = (bolt11: string): string => {
  const invoice = decodeInvoice(bolt11);
  return 'invalid' in invoice ? '' : invoice.paymentHash;
};

describe.each(['1.5', '1.6'] as const)('external payments, %s', (profile) => {
  test('the five outcomes', async () => {
    const fake = await start({ profile });
    const outcome = async (script: Parameters<FakeLnbits['receiveInvoice']>[1]): Promise<unknown[]> => {
      const before = fake.books().balanceMsats;
      const { status, body } = await pay(fake, fake.receiveInvoice(100_000, script), Math.random().toString());
      return [status, body['status'] ?? null, fake.books().balanceMsats - before];
    };
    expect(await outcome({ ...scripts.ok, feeMsats: 1500 })).toEqual([201, 'success', -101_500]);
    expect(await outcome(scripts.fail)).toEqual([520, 'failed', 0]);
    expect(await outcome(scripts.unknownThenPaid)).toEqual(
      profile === '1.5' ? [520, 'failed', 0] : [201, 'pending', -102_000],
    );
    expect(await outcome(scripts.inFlight(60))).toEqual([201, 'pending', -102_000]);
    expect(await outcome(scripts.slow(1000))).toEqual([201, 'pending', -102_000]);
    expect(await outcome(scripts.crash())).toEqual([500, null, -102_000]);
  });

  test('settled in flight: the fee is corrected; failed: the money is back', async () => {
    const fake = await start({ profile });
    const [good, bad] = [
      fake.receiveInvoice(100_000, { ...scripts.inFlight(60), feeMsats: 300 }),
      fake.receiveInvoice(100_000, scripts.inFlight(60, 'failed')),
    ];
    await pay(fake, good, 'R-1');
    await pay(fake, bad, 'R-2');
    fake.advance(60);
    for (const bolt11 of [good, bad]) await call(fake, 'GET', `/payments/${hashOf(bolt11)}`);
    expect(fake.books().balanceMsats).toBe(100_000_000 - 100_300);
  });

  test('five at once: one payment, and everybody waits for it', async () => {
    const fake = await start({ profile });
    const bolt11 = fake.receiveInvoice(10_000, scripts.slow(50));
    const posts = Array.from({ length: 5 }, () => pay(fake, bolt11));
    const answers = await Promise.all([...posts, call(fake, 'GET', '/wallet')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 201, 520, 520, 520, 520]);
    expect(fake.node.payCalls(hashOf(bolt11))).toBe(1);
    fake.assertInvariants();
  });
});

test('a re-post asks the node, a look does not', async () => {
  const fake = await start({ profile: '1.5' });
  const bolt11 = fake.receiveInvoice(10_000, scripts.unknownThenPaid);
  await pay(fake, bolt11);
  fake.node.resolve(hashOf(bolt11), 'paid');
  expect((await call(fake, 'GET', `/payments/${hashOf(bolt11)}`)).body['status']).toBe('failed');
  expect((await pay(fake, bolt11)).body).toEqual({
    detail: 'Failed payment was already paid on the fundingsource.',
    status: 'success',
  });
  expect((await call(fake, 'GET', `/payments/${hashOf(bolt11)}`)).body['paid']).toBe(true);
  expect((await pay(fake, bolt11)).body).toEqual({ detail: 'Payment already paid.', status: 'success' });
  const dead = fake.receiveInvoice(10_000, scripts.fail);
  await pay(fake, dead, 'R-2');
  expect((await pay(fake, dead, 'R-2')).body['detail']).toBe('Payment is failed node, retrying is not possible.');
});

test('a node that was away at the start: nothing is issued, and a payment burns its hash', async () => {
  const fake = await start();
  fake.node.isVoid = true;
  expect((await call(fake, 'POST', '/payments', { out: false, amount: 1 })).body).toMatchObject({ status: 'pending' });
  const bolt11 = fake.receiveInvoice(10_000);
  expect((await pay(fake, bolt11)).body).toEqual({
    detail: 'Payment failed: VoidWallet cannot pay invoices.',
    status: 'failed',
  });
  fake.node.isVoid = false;
  expect((await pay(fake, bolt11)).body).toMatchObject({ status: 'failed', amount: -10_000 });
});

test('too many requests, and before the first install', async () => {
  const fake = await start({ rateLimit: 3 });
  for (let i = 0; i < 3; i++) expect((await call(fake, 'GET', '/wallet')).status).toBe(200);
  expect(await call(fake, 'GET', '/wallet')).toEqual({
    status: 429,
    body: { error: 'Rate limit exceeded: 3 per 1 minute' },
  });
  expect((await call(fake, 'GET', '/payments')).status).toBe(200);
  fake.firstInstall = true;
  expect((await call(fake, 'GET', '/health')).status).toBe(307);
});

test('the books outlive the process; the sweep at the start settles what was missed, silently', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'timmy-fake-'));
  cleanUp.push(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'books.json');
  const first = await start({ file });
  const { body } = await call(first, 'POST', '/payments', { out: false, amount: 7, memo: 'x' });
  const out = first.receiveInvoice(10_000, scripts.inFlight(0));
  await pay(first, out);
  first.payInvoice(String(body['bolt11']), false);
  await first.stop();
  const second = await start({ file });
  expect(second.wallet).toEqual(first.wallet);
  expect(second.node.payee).toBe(first.node.payee);
  expect(second.books()).toMatchObject({
    balanceMsats: 100_000_000 + 7000 - 10_000,
    outgoing: [{ truth: 'paid', debts: ['R-1'] }],
  });
});

test('what is asked of a payment beyond its invoice is ignored; parts of a sat are kept', async () => {
  const fake = await start();
  const bolt11 = fake.receiveInvoice(10_500, { ...scripts.ok, feeMsats: 5000 });
  const more = { memo: 'mine', amount: 7, webhook: 'https://example.com/', extra: { tag: 'timmy' }, labels: ['a'] };
  const { body } = await call(fake, 'POST', '/payments', { out: true, bolt11, ...more });
  const kept = { memo: 'from outside', amount: -10_500, fee: -5000, webhook: null, tag: 'timmy', labels: ['a'] };
  expect(body).toMatchObject(kept);
  expect(fake.books().balanceMsats).toBe(100_000_000 - 15_500);
});

test('in 1.6 a payment may be called by an id of its node', async () => {
  const called = async (profile: '1.5' | '1.6'): Promise<unknown[]> => {
    const fake = await start({ profile });
    const bolt11 = fake.receiveInvoice(10_000, { ...scripts.ok, ownId: 'node-7' });
    const { body } = await pay(fake, bolt11);
    const looked = await call(fake, 'GET', `/payments/${hashOf(bolt11)}`);
    return [body['checking_id'] === hashOf(bolt11), looked.body['paid']];
  };
  expect([await called('1.5'), await called('1.6')]).toEqual([
    [true, true],
    [false, true],
  ]);
});

test('a node that forgets its invoices turns them to failed at the next sweep', async () => {
  const fake = await start();
  const made = await Promise.all([1, 2].map((amount) => call(fake, 'POST', '/payments', { out: false, amount })));
  const [paid = '', lost = ''] = made.map(({ body }) => String(body['bolt11']));
  fake.payInvoice(paid, false);
  fake.node.forget();
  await fake.sweep();
  expect(fake.payInvoice(lost)).toBe(false);
  expect((await call(fake, 'GET', `/payments/${hashOf(lost)}`)).body).toMatchObject({ status: 'failed' });
  expect((await call(fake, 'GET', `/payments/${hashOf(paid)}`)).body).toMatchObject({ paid: true });
});

describe('faults', () => {
  const outcome = (request: Promise<{ status: number }>): Promise<number | 'cut off'> =>
    request.then(
      ({ status }) => status,
      () => 'cut off',
    );

  test('hit requests by what they are, from a given one on', async () => {
    const fake = await start();
    const create = { out: false, amount: 1 };
    fake.faults.add({ ...requests.post, since: requests.pay, times: 2, fault: { kind: 'reset_before' } });
    expect(await outcome(call(fake, 'POST', '/payments', create))).toBe(201);
    expect(await outcome(pay(fake, fake.receiveInvoice(1000), 'R-1'))).toBe('cut off');
    expect(await outcome(call(fake, 'POST', '/payments', create))).toBe('cut off');
    expect(await outcome(pay(fake, fake.receiveInvoice(1000), 'R-2'))).toBe(201);
  });

  test('a held request runs just before the next of its kind', async () => {
    const fake = await start();
    const [held, next] = [fake.receiveInvoice(1000), fake.receiveInvoice(1000)];
    fake.faults.add({ ...requests.pay, fault: { kind: 'silence', runAfterMs: 'before_next' } });
    const waiting = outcome(pay(fake, held, 'R-1'));
    await expect.poll(() => fake.requests.length).toBe(1);
    await call(fake, 'POST', '/payments', { out: false, amount: 1 });
    expect(fake.node.payCalls(hashOf(held))).toBe(0);
    await pay(fake, next, 'R-2');
    expect(fake.node.payCalls(hashOf(held))).toBe(1);
    await fake.stop();
    expect(await waiting).toBe('cut off');
  });
});

describe('the oracle sees', () => {
  test('a debt paid twice, or again while the first may still settle', async () => {
    const fake = await start();
    await pay(fake, fake.receiveInvoice(1000), 'R-1');
    await pay(fake, fake.receiveInvoice(1000), 'R-1,R-2');
    await pay(fake, fake.receiveInvoice(1000, scripts.unknownThenPaid), 'R-3');
    await pay(fake, fake.receiveInvoice(1000), 'R-3');
    expect(fake.oracle.violations()).toEqual([
      'H2 debt R-1,R-2 paid again',
      'H3 debt R-3 paid while an earlier payment may still settle',
    ]);
    expect(() => fake.assertInvariants()).toThrow(/H2/);
  });

  test('but not a new invoice after a proven failure', async () => {
    const fake = await start();
    await pay(fake, fake.receiveInvoice(1000, scripts.fail), 'R-1');
    await pay(fake, fake.receiveInvoice(1000), 'R-1');
    fake.assertInvariants();
  });

  test('carelessness with keys, amounts and defaults', async () => {
    const fake = await start();
    fake.oracle.strictKeys = true;
    await call(fake, 'GET', `/wallet?api-key=${fake.wallet.inkey}`);
    await call(fake, 'POST', '/payments', { amount: 1.5, out: false });
    await call(fake, 'POST', '/payments', { amount: 1 });
    await call(fake, 'POST', '/payments/lnurl', {});
    const sins = fake.oracle.violations().join('\n');
    for (const sin of ['key in the URL', 'whole number of sats', 'default', 'lnurl', 'admin key used'])
      expect(sins).toContain(sin);
  });
});
