import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { machineClock, machineRng } from '../../../test/contracts/wallet.ts';
import {
  scripts,
  startFakeLnbits,
  unexpectedError,
  type FakeLnbits,
  type FakeLnbitsOptions,
  type Fault,
  type PayScript,
} from '../../../test/fakes/lnbits/index.ts';
import { checkIssued, decodeInvoice } from '../../bolt11/index.ts';
import type { OutsideError } from '../../lib/errors.ts';
import { silentLog } from '../../lib/log.ts';
import { Secret } from '../../lib/secret.ts';
import { sats } from '../../lib/units.ts';
import type { Wallet } from '../../ports/wallet.ts';
import { createLnbitsWallet } from './index.ts';

const signal = new AbortController().signal;
const POST = { method: 'POST', path: /\/payments$/ } as const;
const GET = { method: 'GET', path: /\/payments\/[0-9a-f]{64}$/ } as const;
const request = { amountSats: sats(10), description: 'Timmy J-4KQ7M look', expirySeconds: 600, intentId: 'i-1' };

let running: FakeLnbits[] = [];
afterEach(async () => {
  for (const fake of running) {
    await fake.stop();
    fake.assertInvariants();
  }
  running = [];
});

async function world(options: FakeLnbitsOptions = {}): Promise<{ fake: FakeLnbits; wallet: Wallet }> {
  const fake = await startFakeLnbits({ payWaitMs: 100, ...options });
  fake.oracle.strictKeys = true;
  running.push(fake);
  const wallet = open(fake);
  await wallet.contact(signal);
  return { fake, wallet };
}

function open(
  fake: FakeLnbits,
  options: { invoiceKey?: string; adminKey?: string | null; callsPerSecond?: number } = {},
): Wallet {
  const { invoiceKey = fake.wallet.inkey, adminKey = fake.wallet.adminkey, callsPerSecond = 1000 } = options;
  return createLnbitsWallet({
    url: `${fake.url}/`,
    invoiceKey: new Secret(invoiceKey),
    adminKey: adminKey === null ? null : new Secret(adminKey),
    network: 'bitcoin',
    clock: machineClock,
    rng: machineRng,
    log: silentLog,
    callsPerSecond,
  });
}

const hashOf = (bolt11: string): string => {
  const invoice = decodeInvoice(bolt11);
  return 'invalid' in invoice ? '' : invoice.paymentHash;
};
const fault = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'none',
    (error: OutsideError) => `${error.fault} ${error.message}`,
  );

test('many invoices being watched do not keep a new one from being made', async () => {
  const { fake } = await world();
  const wallet = open(fake, { callsPerSecond: 2 });
  const { paymentHash } = await wallet.createInvoice(request, signal);
  let looked = 0;
  const stop = new AbortController();
  const looks = Array.from({ length: 200 }, () => wallet.lookupInvoice(paymentHash, stop.signal).then(() => looked++));
  await wallet.createInvoice(request, signal);
  expect(looked).toBeLessThan(looks.length);
  stop.abort();
  await Promise.allSettled(looks);
});

describe('first contact', () => {
  test('an invoice key alone receives but does not pay', async () => {
    const { fake } = await world();
    const wallet = open(fake, { adminKey: null });
    const { walletId, version } = await wallet.contact(signal);
    expect({ walletId, version, canPay: wallet.canPay }).toEqual({
      walletId: fake.wallet.id,
      version: '1.6.2',
      canPay: false,
    });
    expect(await fault(wallet.pay(fake.receiveInvoice(1000), 'R', signal))).toBe('rejected wallet.no_admin_key');
  });

  test('an admin key alone pays, once it has been recognised', async () => {
    const { fake } = await world();
    fake.oracle.strictKeys = false;
    const wallet = open(fake, { invoiceKey: fake.wallet.adminkey, adminKey: null });
    expect(wallet.canPay).toBe(false);
    expect(await wallet.contact(signal)).toMatchObject({ walletId: fake.wallet.id, balanceMsats: 100_000_000n });
    expect(wallet.canPay).toBe(true);
  });

  test('refuses wrong keys, swapped keys, keys of two wallets, shared wallets', async () => {
    const { fake } = await world();
    fake.oracle.strictKeys = false;
    const other = fake.addWallet('other', 5);
    const mirror = fake.addWallet('mirror', 0, fake.wallet);
    const { inkey, adminkey } = fake.wallet;
    const refused = (invoiceKey: string, adminKey: string | null): Promise<string> =>
      fault(open(fake, { invoiceKey, adminKey }).contact(signal));
    expect(await refused('0'.repeat(32), null)).toBe('rejected wallet.bad_key');
    expect(await refused(inkey, inkey)).toBe('rejected wallet.not_an_admin_key');
    expect(await refused(inkey, other.adminkey)).toBe('rejected wallet.keys_of_two_wallets');
    expect(await refused(adminkey, other.adminkey)).toBe('rejected wallet.keys_of_two_wallets');
    expect(await refused(mirror.inkey, null)).toBe('rejected wallet.shared');
    expect(await refused(mirror.adminkey, null)).toBe('rejected wallet.shared');
  });

  test('refuses an LNbits that is too old, waits for one that is not yet installed', async () => {
    const { fake } = await world();
    const version = (text: string): Fault => ({
      kind: 'instead',
      status: 200,
      body: JSON.stringify({ info: { version: text } }),
    });
    fake.faults.add({ path: /openapi/, fault: version('1.3.1') });
    expect(await fault(open(fake).contact(signal))).toBe('rejected wallet.too_old');
    fake.faults.add({ path: /openapi/, fault: version('0.12.12') });
    expect(await fault(open(fake).contact(signal))).toBe('rejected wallet.too_old');
    fake.faults.add({ path: /openapi/, fault: { kind: 'instead', status: 404, body: '' } });
    expect(await open(fake).contact(signal)).toMatchObject({ version: null });
    fake.firstInstall = true;
    expect(await fault(open(fake).contact(signal))).toBe('unavailable wallet.redirected');
  });
});

describe('receiving', () => {
  test('a self-paid invoice, a late event and an expired one are told apart', async () => {
    const { fake, wallet } = await world();
    const { bolt11, paymentHash } = await wallet.createInvoice(request, signal);
    fake.advance(601);
    // 1.6 calls it failed without asking its node; only a late event of the node's mends that.
    expect(await wallet.lookupInvoice(paymentHash, signal)).toEqual({ state: 'lapsed' });
    expect(fake.payInvoice(bolt11)).toBe(false);
    const second = await wallet.createInvoice(request, signal);
    expect(fake.payInvoice(second.bolt11, 'later')).toBe(true);
    fake.advance(601);
    expect(await wallet.lookupInvoice(second.paymentHash, signal)).toEqual({ state: 'lapsed' });
    fake.tellLate(second.paymentHash);
    expect(await wallet.lookupInvoice(second.paymentHash, signal)).toMatchObject({
      state: 'paid',
      amountMsats: 10_000n,
    });
  });

  test('money is found by asking where no push ever comes', async () => {
    const { fake, wallet } = await world();
    fake.push.silent = true;
    const { bolt11, paymentHash } = await wallet.createInvoice(request, signal);
    fake.payInvoice(bolt11, false);
    expect(await wallet.lookupInvoice(paymentHash, signal)).toMatchObject({ state: 'paid' });
  });

  test('a forged push wakes a look-up, which believes nothing of it', async () => {
    const { fake, wallet } = await world();
    const { paymentHash } = await wallet.createInvoice(request, signal);
    const hinted = new Promise((resolve) => wallet.watch(resolve));
    await fake.push.listened(fake.wallet.inkey);
    const forged = { wallet_balance: 1, payment: { payment_hash: paymentHash, amount: 10_000, status: 'success' } };
    await fetch(`${fake.url}/api/v1/ws/${fake.wallet.inkey}?data=${encodeURIComponent(JSON.stringify(forged))}`, {
      method: 'POST',
    });
    expect(await hinted).toBe(paymentHash);
    expect(await wallet.lookupInvoice(paymentHash, signal)).toEqual({ state: 'open' });
  });

  test('listens again after a restart, and says that something may have been missed', async () => {
    const { fake, wallet } = await world();
    const hinted = new Promise((resolve) => wallet.watch(resolve));
    await fake.push.listened(fake.wallet.inkey);
    fake.push.drop();
    expect(await hinted).toBeNull();
  });

  test.each([
    ['another amount', { amountMsats: 11_000 }, 'amount'],
    ['no amount', { amountMsats: null }, 'amount'],
    ['another network', { network: 'testnet' }, 'network'],
    ['another hash', { otherHash: true }, 'payment_hash'],
    ['a short life', { expirySeconds: 30 }, 'expiry'],
    ['another payee', { foreignKey: true }, 'payee'],
  ] as const)('a hostile LNbits that issues %s is caught by the check', async (_, hostile, mismatch) => {
    const { fake, wallet } = await world();
    fake.node.hostile = hostile;
    const { bolt11, paymentHash } = await wallet.createInvoice(request, signal);
    const asked = {
      amountMsats: 10_000n,
      network: 'bitcoin',
      paymentHash,
      expirySeconds: 600,
      now: machineClock.now(),
      payee: fake.node.payee,
    } as const;
    expect(checkIssued(bolt11, asked)).toEqual({ mismatch });
  });

  test('a node that is away: no invoice, and said so', async () => {
    const { fake, wallet } = await world();
    expect(await wallet.probeNode(signal)).toBe(true);
    fake.node.down = true;
    expect(await wallet.probeNode(signal)).toBe(false);
    expect(await fault(wallet.createInvoice(request, signal))).toBe('unavailable wallet.node_down');
    const huge = { ...request, amountSats: sats(10_000_001) };
    expect(await fault(wallet.createInvoice(huge, signal))).toBe('rejected wallet.invoice_refused');
  });
});

describe.each(['1.5', '1.6'] as const)('paying, LNbits %s', (profile) => {
  const after = async (
    script: PayScript,
  ): Promise<{ fake: FakeLnbits; wallet: Wallet; bolt11: string; hash: string; first: string }> => {
    const { fake, wallet } = await world({ profile });
    const bolt11 = fake.receiveInvoice(50_000, script);
    const first = await wallet.pay(bolt11, 'R-1', signal).then(
      ({ answer }) => answer,
      (error: OutsideError) => error.fault,
    );
    return { fake, wallet, bolt11, hash: hashOf(bolt11), first };
  };

  test('the real fee is told, more than the reserve or not', async () => {
    const { wallet, hash } = await after({ ...scripts.ok, feeMsats: 9_999 });
    expect(await wallet.lookupPayment(hash, signal)).toMatchObject({ state: 'paid', feeMsats: 9_999n });
  });

  test.each(['null', 'zeros', 'wrong'] as const)(
    'a preimage that is %s is none, and paid all the same',
    async (preimage) => {
      const { wallet, hash } = await after({ ...scripts.ok, preimage });
      expect(await wallet.lookupPayment(hash, signal)).toMatchObject({ state: 'paid', preimage: null });
    },
  );

  test('no route: failed, and the node confirms it', async () => {
    const { wallet, bolt11, hash } = await after(scripts.fail);
    expect(await wallet.lookupPayment(hash, signal)).toEqual({ state: 'failed' });
    expect(await wallet.probeFailure(bolt11, hash, signal)).toBe('dead');
    expect(await wallet.lookupPayment(hash, signal)).toEqual({ state: 'failed' });
  });

  test('unknown at the node, paid later: never dead in between, and never sent twice', async () => {
    const { fake, wallet, bolt11, hash } = await after(scripts.unknownThenPaid);
    const before = await wallet.lookupPayment(hash, signal);
    expect(before.state).toBe(profile === '1.5' ? 'failed' : 'unknown');
    expect(await wallet.probeFailure(bolt11, hash, signal)).toBe('unproven');
    fake.node.resolve(hash, 'paid');
    expect(await wallet.probeFailure(bolt11, hash, signal)).toBe('paid');
    expect(await wallet.lookupPayment(hash, signal)).toMatchObject({ state: 'paid' });
    expect(fake.node.payCalls(hash)).toBe(1);
  });

  test('unknown at the node, failed later', async () => {
    const { fake, wallet, bolt11, hash } = await after(scripts.unknownThenFailed);
    fake.node.resolve(hash, 'failed');
    await wallet.lookupPayment(hash, signal);
    expect(await wallet.probeFailure(bolt11, hash, signal)).toBe('dead');
  });

  test('in flight for days: unknown until the node says', async () => {
    const { fake, wallet, bolt11, hash } = await after(scripts.inFlight(3 * 86_400));
    fake.advance(86_400);
    expect(await wallet.lookupPayment(hash, signal)).toEqual({ state: 'unknown' });
    fake.node.statusRaises = true;
    expect(await wallet.lookupPayment(hash, signal)).toEqual({ state: 'unknown' });
    fake.node.statusRaises = false;
    expect(await wallet.pay(bolt11, 'R-1', signal)).toEqual({ answer: 'accepted' });
    fake.advance(2 * 86_400);
    expect(await wallet.lookupPayment(hash, signal)).toMatchObject({ state: 'paid' });
  });

  test('slower than LNbits waits, and an adapter that crashes: unknown, then the truth', async () => {
    const slow = await after(scripts.slow(300));
    expect(slow.first).toBe('accepted');
    expect(await slow.wallet.lookupPayment(slow.hash, signal)).toMatchObject({ state: 'paid' });
    const crash = await after(scripts.crash('failed'));
    expect(crash.first).toBe('unknown');
    expect(await crash.wallet.lookupPayment(crash.hash, signal)).toEqual({ state: 'unknown' });
    crash.fake.node.resolve(crash.hash, 'failed');
    expect(await crash.wallet.lookupPayment(crash.hash, signal)).toEqual({ state: 'failed' });
  });

  test.each<[string, Fault, 'unavailable' | 'unknown', boolean]>([
    ['cut before it was read', { kind: 'reset_before' }, 'unknown', false],
    ['cut after it ran', { kind: 'reset_after' }, 'unknown', true],
    ['a proxy gave up', { kind: 'garble', as: 'html_502' }, 'unknown', true],
    ['HTML with a success code', { kind: 'garble', as: 'html_200' }, 'unknown', true],
    ['a torn body', { kind: 'garble', as: 'truncated' }, 'unknown', true],
    ['an empty body', { kind: 'garble', as: 'empty' }, 'unknown', true],
    ['JSON of another shape', { kind: 'garble', as: 'wrong_shape' }, 'unknown', true],
    ['an unhandled error', unexpectedError, 'unknown', false],
    [
      'too many requests',
      { kind: 'instead', status: 429, body: '{"error":"Rate limit exceeded: 200 per 1 minute"}' },
      'unavailable',
      false,
    ],
    [
      'redirected',
      { kind: 'instead', status: 307, body: '', headers: { location: 'https://elsewhere.example/' } },
      'unavailable',
      false,
    ],
  ])('lost: %s', async (_, kind, expected, ran) => {
    const { fake, wallet } = await world({ profile });
    const bolt11 = fake.receiveInvoice(50_000);
    fake.faults.add({ ...POST, fault: kind });
    await expect(wallet.pay(bolt11, 'R-1', signal)).rejects.toMatchObject({ name: 'OutsideError', fault: expected });
    expect((await wallet.lookupPayment(hashOf(bolt11), signal)).state).toBe(ran ? 'paid' : 'absent');
    await wallet.pay(bolt11, 'R-1', signal);
    expect(await wallet.lookupPayment(hashOf(bolt11), signal)).toMatchObject({ state: 'paid' });
    expect(fake.node.payCalls(hashOf(bolt11))).toBe(1);
  });

  test('given up while LNbits is silent: unknown; and it may yet run', async () => {
    const { fake, wallet } = await world({ profile });
    const bolt11 = fake.receiveInvoice(50_000);
    fake.faults.add({ ...POST, fault: { kind: 'silence', runAfterMs: 60 } });
    await expect(wallet.pay(bolt11, 'R-1', AbortSignal.timeout(40))).rejects.toMatchObject({ fault: 'unknown' });
    await expect.poll(async () => (await wallet.lookupPayment(hashOf(bolt11), signal)).state).toBe('paid');
  });

  test('somebody else in this LNbits paid it: refused, and no payment of ours', async () => {
    const { fake, wallet } = await world({ profile });
    fake.oracle.strictKeys = false;
    const other = fake.addWallet('other', 1000);
    const theirs = open(fake, { invoiceKey: other.inkey, adminKey: other.adminkey });
    const bolt11 = fake.receiveInvoice(50_000);
    await theirs.pay(bolt11, '', signal);
    expect(await wallet.pay(bolt11, 'R-1', signal)).toEqual({ answer: 'refused', why: 'internal' });
    expect(await wallet.lookupPayment(hashOf(bolt11), signal)).toEqual({ state: 'absent' });
  });

  test('limits, service fees and an empty wallet never hide that it was paid', async () => {
    const { fake, wallet, bolt11, hash } = await after(scripts.ok);
    const again = async (): Promise<unknown> => await wallet.pay(bolt11, 'R-1', signal);
    fake.instance.secondsBetween = 60;
    expect(await again()).toEqual({ answer: 'refused', why: 'limit' });
    fake.instance.secondsBetween = 0;
    fake.instance.dailyLimitSats = 60;
    expect(await again()).toEqual({ answer: 'refused', why: 'limit' });
    fake.instance.dailyLimitSats = null;
    fake.instance.onlyIncoming = true;
    expect(await again()).toEqual({ answer: 'refused', why: 'forbidden' });
    fake.instance.onlyIncoming = false;
    fake.instance.serviceFee = true;
    expect(await again()).toEqual({ answer: 'refused', why: 'internal' });
    expect(await wallet.lookupPayment(hash, signal)).toMatchObject({ state: 'paid' });
  });
});

test('1.6: an expired invoice of a neighbour is answered with their row, and nothing is paid', async () => {
  const { fake, wallet } = await world();
  fake.oracle.strictKeys = false;
  const other = fake.addWallet('other');
  const theirs = open(fake, { invoiceKey: other.inkey, adminKey: other.adminkey });
  const { bolt11, paymentHash } = await theirs.createInvoice(request, signal);
  fake.advance(601);
  await theirs.lookupInvoice(paymentHash, signal);
  expect(await wallet.pay(bolt11, 'R-1', signal)).toEqual({ answer: 'refused', why: 'internal' });
  expect(await wallet.lookupPayment(paymentHash, signal)).toEqual({ state: 'absent' });
});

describe('looking', () => {
  test.each<[string, Fault]>([
    ['refused', { kind: 'reset_before' }],
    ['cut off', { kind: 'reset_after' }],
    ['a proxy', { kind: 'garble', as: 'html_502' }],
    ["a proxy's 404", { kind: 'instead', status: 404, body: '<html>not found</html>' }],
    ['another 404', { kind: 'instead', status: 404, body: '{"detail":"Not Found"}' }],
    ['torn', { kind: 'garble', as: 'truncated' }],
    ['another shape', { kind: 'garble', as: 'wrong_shape' }],
    ['an unhandled error', unexpectedError],
  ])('%s is neither absent nor paid: unavailable', async (_, kind) => {
    const { fake, wallet } = await world();
    const { bolt11, paymentHash } = await wallet.createInvoice(request, signal);
    fake.payInvoice(bolt11);
    fake.faults.add({ ...GET, fault: kind, times: 2 });
    await expect(wallet.lookupInvoice(paymentHash, signal)).rejects.toMatchObject({ fault: 'unavailable' });
    await expect(wallet.lookupPayment(paymentHash, signal)).rejects.toMatchObject({ fault: 'unavailable' });
    expect(await wallet.lookupInvoice(paymentHash, signal)).toMatchObject({ state: 'paid' });
  });

  test('a key that opens nothing any more is not "absent"', async () => {
    const { fake, wallet } = await world();
    const gone: Fault = { kind: 'instead', status: 404, body: '{"detail":"Wallet not found."}' };
    fake.faults.add({ path: /\/wallet$/, fault: gone });
    expect(await fault(wallet.lookupPayment(randomBytes(32).toString('hex'), signal))).toBe('rejected wallet.bad_key');
    const { paymentHash } = await wallet.createInvoice(request, signal);
    const stranger: Fault = { kind: 'instead', status: 200, body: '{"paid":true,"preimage":null}' };
    fake.faults.add({ ...GET, fault: stranger });
    expect(await fault(wallet.lookupInvoice(paymentHash, signal))).toBe('rejected wallet.bad_key');
  });

  test('nobody listens: unavailable, whatever was asked', async () => {
    const { fake, wallet } = await world();
    const bolt11 = fake.receiveInvoice(1000);
    await fake.stop();
    expect(await fault(wallet.contact(signal))).toBe('unavailable wallet.unreachable');
    expect(await fault(wallet.pay(bolt11, 'R', signal))).toBe('unavailable wallet.unreachable');
    await fake.start();
    expect(await wallet.pay(bolt11, 'R', signal)).toEqual({ answer: 'accepted' });
  });
});

test('a hash and an invoice that do not belong together are never posted', async () => {
  const { fake, wallet } = await world();
  await expect(wallet.probeFailure(fake.receiveInvoice(1000), '00'.repeat(32), signal)).rejects.toThrow(RangeError);
});
