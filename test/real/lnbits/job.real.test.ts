import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npubEncode } from 'nostr-tools/nip19';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openCustomer, type Customer } from '../../builders/daemon-customer.ts';
import { openOutside, type Outside } from '../../builders/daemon-outside.ts';
import { buyByRpc, buyByWords, type Purchase, type Purse } from '../../builders/daemon-purchase.ts';
import { talkByRpc, talkByWords } from '../../builders/daemon-talk.ts';
import type { Daemon } from '../../builders/daemon.ts';
import { openPurse, type RealPurse } from './purse.ts';
import { startRealLnbits, type RealLnbits } from './server.ts';

const FUNDS_SATS = 100_000;
/** LNbits takes seconds to start, on a busy machine many. */
const PATIENCE_MS = 90_000;

let lnbits: RealLnbits;
beforeAll(async () => {
  lnbits = await startRealLnbits();
  // Only after this has FakeWallet anybody whom Timmy may pay: it never pays an invoice of its own node.
  await lnbits.away();
  await lnbits.back();
});
afterAll(() => lnbits.stop());

let outside: Outside;
let daemon: Daemon;
let customer: Customer;
/** Two wallets of the same LNbits: the daemon's, looked at from outside, and the customer's. */
let till: RealPurse;
let purse: RealPurse;
let secrets: string[];
beforeEach(async () => {
  outside = await openOutside();
  const [ours, theirs] = [await lnbits.addWallet('Timmy', FUNDS_SATS), await lnbits.addWallet('Customer', FUNDS_SATS)];
  till = openPurse(lnbits, ours);
  purse = openPurse(lnbits, theirs);
  const { inkey, adminkey } = ours;
  secrets = [inkey, adminkey, 'lnbc'];
  await lnbits.back(); // where a test left it away
  daemon = outside.daemon({ LNBITS_URL: lnbits.url, LNBITS_API_KEY: inkey, LNBITS_ADMIN_KEY: adminkey });
  customer = await openCustomer(outside.relays, daemon.publicKey, { patienceMs: PATIENCE_MS });
});
afterEach(async () => {
  await customer.close();
  await outside.close();
});

describe('a job of the running daemon, paid through a real LNbits from another wallet of it', () => {
  test.each([
    ['in words', buyByWords],
    ['in JSON-RPC', buyByRpc],
  ] as const)('%s', async (_dialect, buy) => {
    await daemon.start();
    await expectSold(await buy(customer, purse));
  });

  test('and the daemon is killed while each invoice is being paid, and when its payout is posted', async () => {
    await daemon.start();
    const risen: Promise<unknown>[] = [];
    const deadly: Purse = {
      payInvoice: async (bolt11) => {
        const paying = purse.payInvoice(bolt11);
        await daemon.kill9();
        const paid = await paying;
        await daemon.start({ TIMMY_CRASH_AT: 'payout.send:acted' });
        return paid;
      },
      receiveInvoice: (amountMsats) => {
        risen.push(daemon.ended().then(() => daemon.start()));
        return purse.receiveInvoice(amountMsats);
      },
    };
    const bought = await buyByWords(customer, deadly);
    await Promise.all(risen);
    await expectSold(bought);
  });

  test('and an invoice of the node that Timmy is on is refused for the change, whosever it is', async () => {
    await daemon.start();
    const careless: Purse = {
      payInvoice: (bolt11) => purse.payInvoice(bolt11),
      receiveInvoice: async (amountMsats) => {
        await customer.say(await purse.receiveInvoice(amountMsats, false));
        await customer.ear.takeText(/my own wallet is on, and I cannot pay it from there/);
        return purse.receiveInvoice(amountMsats);
      },
    };
    await expectSold(await buyByWords(customer, careless));
  });

  test('and LNbits restarts when the job is asked for, and when its change is: that forgets the invoice, and a fresh one is paid', async () => {
    await daemon.start();
    await lnbits.away();
    const unlucky: Purse = {
      payInvoice: (bolt11) => purse.payInvoice(bolt11),
      receiveInvoice: async (amountMsats) => {
        const forgotten = await purse.receiveInvoice(amountMsats);
        await lnbits.away();
        await customer.say(forgotten);
        await customer.ear.takeText(/^Paying out /);
        await lnbits.back();
        await customer.ear.takeText(/could not be sent/);
        return purse.receiveInvoice(amountMsats);
      },
    };
    const [bought] = await Promise.all([buyByWords(customer, unlucky), lnbits.back()]);
    await expectSold(bought);
  });
});

describe('a session of the running daemon, paid through a real LNbits from another wallet of it', () => {
  test.each([
    ['in words', talkByWords],
    ['in JSON-RPC', talkByRpc],
  ] as const)('%s', async (_dialect, talk) => {
    await daemon.start();
    const { depositSats, topupSats, spentSats, restSats } = await talk(customer, purse);
    expect(restSats).toBe(depositSats + topupSats - spentSats);
    expect(await purse.balanceMsats()).toBe((FUNDS_SATS - spentSats) * 1000);
    expect(await till.balanceMsats()).toBe((FUNDS_SATS + spentSats) * 1000);
    expect(await told('ledger', 'verify')).toMatchObject({ ok: true, broken: [] });
    await daemon.stop();
  });
});

/** One purchase, and nothing else: in the customer's wallet, in the till, in the books, in the receipts, to the msat. */
async function expectSold({ id, evalSats, workSats, changeSats, receipts }: Purchase): Promise<void> {
  const earnedMsats = (evalSats + workSats - changeSats) * 1000;
  expect(await purse.balanceMsats()).toBe(FUNDS_SATS * 1000 - earnedMsats);
  const holds = await till.balanceMsats();
  expect(holds).toBe(FUNDS_SATS * 1000 + earnedMsats);

  const [look, work] = purse.paid;
  const change = purse.made.at(-1);
  const row = { fee: 0, status: 'success', tag: 'timmy' };
  const moved = (await till.rows()).filter(({ status, tag }) => status === 'success' && tag === 'timmy');
  expect(moved).toMatchObject([
    { ...row, payment_hash: look, amount: evalSats * 1000 },
    { ...row, payment_hash: work, amount: workSats * 1000 },
    { ...row, payment_hash: change, amount: -changeSats * 1000 },
  ]);

  expect(await told('ledger', 'verify')).toMatchObject({ ok: true, broken: [] });
  const { accounts } = await told('ledger', 'balances');
  expect(accounts).toContainEqual({ account: 'wallet', kind: 'asset', balance_msats: holds });
  const { invoices, claims } = await told('invoices', 'list');
  expect(claims).toEqual([]);
  expect(invoices).toMatchObject([
    { order: id, purpose: 'work', state: 'paid', amount_sats: workSats, payment_hash: work },
    { order: id, purpose: 'eval', state: 'paid', amount_sats: evalSats, payment_hash: look },
  ]);
  const { refunds } = await told('refunds', 'list');
  expect(refunds).toMatchObject([
    { order: id, amount_msats: changeSats * 1000, state: 'paid', payment_hash: change, payout_state: 'paid' },
  ]);

  const file = join(daemon.dataDir, 'receipts.jsonl');
  writeFileSync(file, receipts);
  expect(await told('verify', '--chain', file, '--signer', npubEncode(daemon.publicKey))).toMatchObject({
    ok: true,
    receipts: 3,
  });

  await daemon.stop();
  const said = JSON.stringify(daemon.log) + daemon.stderr;
  for (const secret of secrets) expect(said).not.toContain(secret);
  expect(said).not.toContain('"level":"error"');
  // The daemon knew of no other LNbits.
  expect(outside.lnbits.requests).toEqual([]);
}

/** What a command says with `--json`. */
async function told(...words: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await daemon.cli(...words, '--json');
  if (code !== 0) throw new Error(`timmy ${words.join(' ')}: ${code} ${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}
