import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { machineRng } from '../../../../test/contracts/wallet.ts';
import { decodeInvoice } from '../../../bolt11/index.ts';
import { migrate, openDatabase, type Database } from '../../../db/index.ts';
import type { Clock } from '../../../lib/clock.ts';
import { plusSeconds, sats, unixSeconds } from '../../../lib/units.ts';
import type { Wallet } from '../../../ports/wallet.ts';
import { createStubWallet, payStubInvoice } from './index.ts';

const signal = new AbortController().signal;
const request = { amountSats: sats(10), description: 'Timmy J-4KQ7M look', expirySeconds: 600, intentId: 'i-1' };

let folder: string;
let daemon: Database;
let shell: Database;
let now = unixSeconds(1_795_000_000);
let timers: (() => void)[] = [];
const clock: Clock = {
  now: () => now,
  monotonicMs: () => now * 1000,
  after: (_delay, callback) => {
    timers.push(callback);
    return () => (timers = timers.filter((timer) => timer !== callback));
  },
};
const tick = (): void => {
  const due = timers;
  timers = [];
  now = plusSeconds(now, 1);
  for (const callback of due) callback();
};
const wallet = (): Wallet => createStubWallet({ database: daemon, network: 'regtest', clock, rng: machineRng });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'timmy-stub-'));
  daemon = openDatabase(join(folder, 'timmy.db'));
  migrate(daemon, now, () => {});
  shell = openDatabase(join(folder, 'timmy.db'));
  timers = [];
});
afterEach(() => {
  daemon.close();
  shell.close();
  rmSync(folder, { recursive: true });
});

test('the wallet and its node belong to the database and outlive the daemon', async () => {
  const first = wallet();
  const { bolt11 } = await first.createInvoice(request, signal);
  const second = wallet();
  const again = await second.createInvoice(request, signal);
  expect((await second.contact(signal)).walletId).toBe((await first.contact(signal)).walletId);
  const [one, two] = [decodeInvoice(bolt11), decodeInvoice(again.bolt11)];
  expect(one).toMatchObject({ network: 'regtest', amountMsats: 10_000n, expirySeconds: 600 });
  expect('payee' in one && 'payee' in two && one.payee === two.payee).toBe(true);
});

test('`timmy pay` from another process pays by invoice or by hash, once, in time, and the daemon is woken', async () => {
  const stub = wallet();
  const hints: (string | null)[] = [];
  const stop = stub.watch((hash) => hints.push(hash));
  const byInvoice = await stub.createInvoice(request, signal);
  const byHash = await stub.createInvoice(request, signal);
  const late = await stub.createInvoice(request, signal);
  const pay = (text: string): unknown => shell.write((tx) => payStubInvoice(tx, text, now));

  expect(pay(`lightning:${byInvoice.bolt11.toUpperCase()}`)).toMatchObject({ result: 'paid', amountMsats: 10_000n });
  tick();
  expect(hints).toEqual([byInvoice.paymentHash]);
  expect(pay(byHash.paymentHash)).toMatchObject({ result: 'paid' });
  tick();
  tick();
  expect(hints).toEqual([byInvoice.paymentHash, byHash.paymentHash]);
  stop();
  tick();
  expect(timers).toHaveLength(0);

  expect(pay(byHash.bolt11)).toEqual({ result: 'already_paid', paymentHash: byHash.paymentHash });
  expect(pay('ab'.repeat(32))).toEqual({ result: 'unknown' });
  expect(pay('lnbcrt1nonsense')).toEqual({ result: 'invalid' });
  now = plusSeconds(now, 600);
  expect(await stub.lookupInvoice(late.paymentHash, signal)).toEqual({ state: 'lapsed' });
  expect(pay(late.bolt11)).toEqual({ result: 'expired', paymentHash: late.paymentHash });
});

test('its own invoices are no refund destination', async () => {
  const stub = wallet();
  const { bolt11 } = await stub.createInvoice(request, signal);
  expect(await stub.pay(bolt11, 'R-1', signal)).toEqual({ answer: 'refused', why: 'internal' });
});
