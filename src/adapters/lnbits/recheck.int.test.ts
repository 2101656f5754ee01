import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { machineClock, machineRng } from '../../../test/contracts/wallet.ts';
import { startFakeLnbits, type FakeLnbits } from '../../../test/fakes/lnbits/index.ts';
import { silentLog } from '../../lib/log.ts';
import { Secret } from '../../lib/secret.ts';
import { sats } from '../../lib/units.ts';
import type { IssuedInvoice, Recheck, Wallet } from '../../ports/wallet.ts';
import { createLnbitsWallet } from './index.ts';

const signal = new AbortController().signal;

let fake: FakeLnbits;
let wallet: Wallet;
let issued: IssuedInvoice;

async function open(fundSats: number, withAdminKey = true): Promise<void> {
  fake = await startFakeLnbits({ payWaitMs: 100, fundSats });
  const { url, wallet: keys } = fake;
  wallet = createLnbitsWallet({
    url,
    invoiceKey: new Secret(keys.inkey),
    adminKey: withAdminKey ? new Secret(keys.adminkey) : null,
    network: 'bitcoin',
    clock: machineClock,
    rng: machineRng,
    log: silentLog,
    callsPerSecond: 1000,
  });
  await wallet.contact(signal);
  const order = { amountSats: sats(10), description: 'Timmy J-4KQ7M look', expirySeconds: 600, intentId: 'J-4KQ7M.1' };
  issued = await wallet.createInvoice(order, signal);
}

const recheck = (): Promise<Recheck> | undefined => wallet.recheckInvoice?.(issued.bolt11, issued.paymentHash, signal);
const balance = async (): Promise<bigint> => (await wallet.contact(signal)).balanceMsats;
const posts = (): number =>
  fake.requests.filter(({ method, body }) => method === 'POST' && body.includes('"out":true')).length;

beforeEach(() => open(1000));
afterEach(async () => {
  await fake.stop();
  fake.assertInvariants();
});

describe('the operator’s re-check of an invoice', () => {
  test('finds the payment that LNbits slept through, and costs nothing', async () => {
    fake.payInvoice(issued.bolt11, false);
    fake.advance(700);
    expect(await wallet.lookupInvoice(issued.paymentHash, signal)).toEqual({ state: 'lapsed' });
    const before = await balance();
    expect(await recheck()).toMatchObject({ status: { state: 'paid', amountMsats: 10_000n }, node: 'paid' });
    expect(await balance()).toBe(before + 10_000n);
  });

  test('never posts one that is still open: that would pay it out of our own pocket', async () => {
    const before = await balance();
    expect(await recheck()).toEqual({ status: { state: 'open' }, node: 'not_asked' });
    expect([await balance(), posts()]).toEqual([before, 0]);
  });

  test('says when the node itself denies it, and when it does not say', async () => {
    fake.advance(700);
    expect(await recheck()).toEqual({ status: { state: 'lapsed' }, node: 'silent' });
    fake.node.down = true;
    expect(await recheck()).toEqual({ status: { state: 'lapsed' }, node: 'silent' });
    const body = '{"detail":"Payment is failed node, retrying is not possible.","status":"failed"}';
    fake.faults.add({ method: 'POST', path: /payments$/, fault: { kind: 'instead', status: 520, body } });
    expect(await recheck()).toEqual({ status: { state: 'lapsed' }, node: 'unpaid' });
    fake.faults.add({ method: 'POST', path: /payments$/, fault: { kind: 'reset_after' } });
    expect(await recheck()).toEqual({ status: { state: 'lapsed' }, node: 'silent' });
  });

  test('never posts one that this LNbits does not know: that would pay it for real', async () => {
    const { bolt11, paymentHash } = issued;
    await fake.stop();
    await open(1000);
    expect(await wallet.recheckInvoice?.(bolt11, paymentHash, signal)).toEqual({
      status: { state: 'absent' },
      node: 'not_asked',
    });
    expect(posts()).toBe(0);
  });

  test('needs an admin key, and the amount and its reserve in the wallet', async () => {
    await fake.stop();
    await open(5);
    fake.advance(700);
    expect(await recheck()).toEqual({ status: { state: 'lapsed' }, node: 'insufficient' });
    await fake.stop();
    await open(1000, false);
    fake.advance(700);
    expect(await recheck()).toEqual({ status: { state: 'lapsed' }, node: 'not_asked' });
  });
});
