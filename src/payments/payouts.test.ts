import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CAPS, OPENING, ORDER, OWNER, openTill, type Till } from '../../test/builders/till.ts';
import { FEE, customerInvoice } from '../../test/fakes/scripted-wallet.ts';
import { WALLET, balance, heldFor, owedFor, post } from '../ledger/index.ts';
import { OutsideError } from '../lib/errors.ts';
import { msats, sats, toMsats } from '../lib/units.ts';
import {
  claimableDebts,
  claimableInAll,
  commitPayout,
  debtsOf,
  describeWait,
  findPayout,
  owe,
  owedByOrder,
  owedInAll,
  waitOf,
  waitingPayouts,
  type PayoutTaskOptions,
  type PayoutWait,
} from './index.ts';
import { isNotedKeyless } from './payout-waits.ts';

const unavailable = (): OutsideError => new OutsideError('unavailable', 'wallet.down');
const unknown = (): OutsideError => new OutsideError('unknown', 'wallet.timed_out');

let till: Till;
let database: Till['database'];
let clock: Till['clock'];
let wallet: Till['wallet'];
let news: Till['news'];
let alerts: Till['alerts'];
let caps: Till['caps'];
let wait: Till['wait'];
let waitLong: Till['waitLong'];
let check: Till['check'];
let countOf: Till['countOf'];
let types: Till['types'];
let payOut: Till['payOut'];
let stateOf: Till['stateOf'];
let postedBolt11s: Till['postedBolt11s'];
let indebt: Till['indebt'];

beforeEach(() => {
  till = openTill();
  ({
    database,
    clock,
    wallet,
    news,
    alerts,
    caps,
    wait,
    waitLong,
    check,
    countOf,
    types,
    payOut,
    stateOf,
    postedBolt11s,
    indebt,
  } = till);
});
afterEach(() => till.close());

it('of more debts than one receipt states takes the oldest, and the rest is next', async () => {
  database.write((tx) => {
    for (let n = 0; n < 300; n++) {
      const order = { kind: 'job', id: `J-${String(n).padStart(5, '0')}` };
      const credit = heldFor(order.kind, order.id);
      const amountMsats = toMsats(sats(1));
      post(tx, { debit: WALLET, credit, amountMsats, kind: 'receipt', cause: order.id, at: clock.now() });
      owe(tx, { order, owner: OWNER, amountMsats, because: 'change', cause: order.id }, clock.now());
    }
  });
  wallet.holds.msats += 300_000n;
  expect(claimableDebts(database.read, OWNER)).toHaveLength(250);
  expect([claimableInAll(database.read, OWNER), owedInAll(database.read, OWNER)]).toEqual([250_000n, 300_000n]);
  const hash = payOut('a', 3600, 250);
  await wait(2);
  expect(stateOf(hash)).toBe('paid');
  const [event] = database.read.$client.prepare('SELECT event FROM receipts').pluck().all() as string[];
  // In a rumor, which escapes it once more.
  expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThan(36_000);
  expect(owedByOrder(database.read, OWNER)).toHaveLength(50);
  expect(countOf('pay')).toBe(1);
});

describe('a payout', () => {
  beforeEach(() => indebt());

  it('is paid: books, debts, receipt, news', async () => {
    const hash = payOut();
    await wait(2);
    expect(stateOf(hash)).toBe('paid');
    expect(news).toEqual(['paid']);
    expect(debtsOf(database.read, ORDER.id).map((debt) => debt.state)).toEqual(['paid', 'paid']);
    expect(balance(database.read, WALLET)).toBe(OPENING + 129_000n - 103_000n - FEE);
    expect(database.read.$client.prepare('SELECT kind FROM receipts').pluck().all()).toEqual(['refund']);
    check();
  });

  it('is committed once: neither the debts nor the hash can be taken again', () => {
    const debts = claimableDebts(database.read, OWNER);
    payOut();
    const { bolt11, paymentHash, expiresAt } = customerInvoice(clock, 103, 'b');
    const again = { bolt11, owner: OWNER, amountMsats: msats(103_000n), debts, destination: null, replyTo: null };
    const commit = (hash: string) => (): void =>
      database.write((tx) =>
        commitPayout(tx, { ...again, paymentHash: hash, invoiceExpiresAt: expiresAt }, clock.now()),
      );
    expect(commit(paymentHash)).toThrow('payout.debt_not_free');
    expect(commit(customerInvoice(clock, 103, 'a').paymentHash)).toThrow(/UNIQUE|PRIMARY/);
    expect(() =>
      database.write((tx) =>
        commitPayout(
          tx,
          { ...again, paymentHash, amountMsats: msats(102_000n), invoiceExpiresAt: expiresAt },
          clock.now(),
        ),
      ),
    ).toThrow('payout.wrong_sum');
    check();
  });

  it('unknown for days is never sent again; the customer and a person hear of it; then the truth', async () => {
    wallet.route = 'holds';
    const hash = payOut();
    await waitLong(120);
    expect(news).toEqual(['on_its_way']);
    for (let hours = 0; hours < 26; hours++) {
      clock.advance(3_590_000);
      await wait(10);
    }
    expect(news).toEqual(['on_its_way', 'a_person_looks']);
    expect(alerts).toHaveLength(1);
    expect(stateOf(hash)).toBe('sent');
    check();
    wallet.end(hash, 'settled');
    await waitLong(600);
    expect([stateOf(hash), news.at(-1)]).toEqual(['paid', 'paid']);
    expect(postedBolt11s()).toHaveLength(1);
    check();
  });

  it('called failed is not believed: two proofs by the node, a minute apart, free the debt', async () => {
    wallet.route = 'holds';
    const hash = payOut();
    await wait(2);
    wallet.end(hash, 'failed');
    await wait(30);
    expect(countOf('probeFailure')).toBe(0);
    wallet.proof = 'unproven';
    await waitLong(180);
    expect(countOf('probeFailure')).toBeGreaterThan(0);
    expect(stateOf(hash)).toBe('sent');
    wallet.proof = 'dead';
    const before = countOf('probeFailure');
    await wait(45);
    expect(stateOf(hash)).toBe('sent');
    await waitLong(180);
    expect(countOf('probeFailure')).toBe(before + 2);
    expect([stateOf(hash), news.at(-1)]).toEqual(['dead', 'dead']);
    expect(balance(database.read, owedFor(ORDER.id))).toBe(103_000n);
    check();
    wallet.route = 'settles';
    const next = payOut('b');
    await wait(2);
    expect(stateOf(next)).toBe('paid');
    check();
  });

  it('called failed, and found paid by the probe, is paid', async () => {
    wallet.route = 'holds';
    const hash = payOut();
    await wait(2);
    wallet.end(hash, 'failed');
    wallet.proof = 'paid';
    await waitLong(180);
    expect([stateOf(hash), news.at(-1)]).toEqual(['paid', 'paid']);
    check();
  });

  it('whose post got no answer, and is not there later, is posted again: the very same invoice', async () => {
    wallet.next('pay', unknown());
    const hash = payOut();
    await wait(90);
    expect(postedBolt11s()).toHaveLength(1);
    await wait(60);
    expect(new Set(postedBolt11s()).size).toBe(1);
    expect(postedBolt11s()).toHaveLength(2);
    expect(stateOf(hash)).toBe('paid');
    check();
  });

  it('whose post got no answer but arrived is found, and not posted again', async () => {
    wallet.next('pay', () => {
      throw unknown();
    });
    const hash = payOut();
    await wait(5);
    expect(stateOf(hash)).toBe('paid');
    expect(wallet.posted(hash)).toBe(1);
    check();
  });

  it('refused before it was taken in is tried again', async () => {
    wallet.next('pay', unavailable());
    wallet.next('probeNode', () => false);
    const hash = payOut();
    await wait(60);
    expect(stateOf(hash)).toBe('paid');
    check();
  });

  it('waits, loudly, while the wallet holds too little', async () => {
    wallet.route = 'insufficient';
    const hash = payOut();
    await wait(2);
    expect([stateOf(hash), alerts.length]).toEqual(['committed', 1]);
    check();
    wallet.route = 'settles';
    await waitLong(420);
    expect(stateOf(hash)).toBe('paid');
    check();
  });

  it('that the wallet’s own server paid or cannot pay is given back: another invoice, please', async () => {
    wallet.route = 'internal';
    const hash = payOut();
    await wait(2);
    expect([stateOf(hash), news]).toEqual(['dead', ['dead']]);
    expect(findPayout(database.read, hash)?.error).toBe('internal');
    check();
  });

  it('to an invoice that ran out is never posted', async () => {
    for (let n = 0; n < 40; n++) wallet.next('probeNode', () => false);
    const hash = payOut('a', 120);
    await waitLong(300);
    expect([stateOf(hash), news]).toEqual(['dead', ['dead']]);
    expect(postedBolt11s()).toEqual([]);
    check();
  });

  it('waits while there is no key that pays, says so once, and dies with its invoice', async () => {
    Object.assign(wallet, { canPay: false });
    const hash = payOut('a', 7200);
    await waitLong(3600);
    expect([stateOf(hash), postedBolt11s(), waitOf(database.read, hash)]).toEqual(['committed', [], 'no_admin_key']);
    expect(alerts).toEqual([expect.stringMatching(/no key of the wallet can pay\. Set LNBITS_ADMIN_KEY/)]);
    expect(news).toEqual(['on_its_way']);
    expect(findPayout(database.read, hash)?.sentAt).toBeNull();
    await waitLong(3900);
    expect([stateOf(hash), findPayout(database.read, hash)?.error, news.at(-1)]).toEqual(['dead', 'expired', 'dead']);
    expect(claimableDebts(database.read, OWNER)).toHaveLength(2);
    check();
  });

  it('goes out when the key that pays is there', async () => {
    Object.assign(wallet, { canPay: false });
    const hash = payOut();
    await waitLong(180);
    Object.assign(wallet, { canPay: true });
    await waitLong(120);
    expect([stateOf(hash), isNotedKeyless(database.read)]).toEqual(['paid', false]);
    check();
  });

  it('waits while sales and payments are stopped, and dies with its invoice all the same', async () => {
    till.mayLeave = 'nothing';
    const hash = payOut('a', 600);
    await waitLong(300);
    expect([stateOf(hash), waitOf(database.read, hash), alerts]).toEqual(['committed', 'stopped', []]);
    await waitLong(600);
    expect([stateOf(hash), postedBolt11s()]).toEqual(['dead', []]);
    check();
  });

  it.each<[PayoutWait, Partial<PayoutTaskOptions['caps']>]>([
    ['above_max', { paymentSats: 102 }],
    ['daily_max', { dailySats: 102 }],
    ['in_flight', { inFlight: 0 }],
  ])('waits %s, and the operator hears of it once a day', async (wait, cap) => {
    Object.assign(caps, cap);
    const hash = payOut('a', 86_400);
    await waitLong(3600);
    expect([stateOf(hash), waitOf(database.read, hash), postedBolt11s()]).toEqual(['committed', wait, []]);
    expect(alerts).toEqual([expect.stringContaining(describeWait(wait))]);
    expect(waitingPayouts(database.read)).toEqual([{ wait, count: 1, amountMsats: 103_000 }]);
    Object.assign(caps, CAPS);
    await waitLong(360);
    expect(stateOf(hash)).toBe('paid');
    check();
  });

  it('beside one in flight waits where both would hold more than a fifth of the wallet', async () => {
    wallet.route = 'holds';
    const held = payOut('a', 86_400);
    await wait(3);
    expect(stateOf(held)).toBe('sent');
    database.write((tx) => {
      const at = clock.now();
      wallet.holds.msats += 200_000n;
      post(tx, {
        debit: WALLET,
        credit: heldFor('job', ORDER.id),
        amountMsats: msats(200_000n),
        kind: 'more',
        cause: 'y',
        at,
      });
      owe(tx, { order: ORDER, owner: OWNER, amountMsats: toMsats(sats(200)), because: 'change', cause: 'y' }, at);
    });
    const next = payOut('b', 86_400, 200);
    await waitLong(180);
    expect([stateOf(next), waitOf(database.read, next)]).toEqual(['committed', 'in_flight']);
    wallet.end(held, 'settled');
    wallet.route = 'settles';
    await waitLong(180);
    expect([stateOf(held), stateOf(next)]).toEqual(['paid', 'paid']);
    check();
  });

  it('tells its orders when it is committed, once when it stays under way, and when it ends', async () => {
    wallet.route = 'holds';
    const hash = payOut();
    expect(types()).toEqual([]);
    await wait(40);
    expect(types()).toEqual(['refund_changed', 'refund_changed']);
    wallet.end(hash, 'settled');
    await waitLong(60);
    expect(types()).toEqual(['refund_changed', 'refund_changed', 'refund_changed']);
  });

  it('keeps its proven outcome: the database says so', async () => {
    const hash = payOut();
    await wait(2);
    expect(() => database.write((tx) => tx.$client.exec(`UPDATE payouts SET state = 'dead'`))).toThrow(/final/);
    expect(stateOf(hash)).toBe('paid');
  });
});
