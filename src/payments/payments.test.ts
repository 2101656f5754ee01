import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase, settled } from '../../test/builders/fresh-database.ts';
import { createHandClock, type HandClock } from '../../test/fakes/hand-clock.ts';
import { createScriptedWallet, customerInvoice, FEE, type ScriptedWallet } from '../../test/fakes/scripted-wallet.ts';
import { meet } from '../customers/index.ts';
import type { Database } from '../db/index.ts';
import { balance, heldFor, OPERATOR, owedFor, post, revenue, verifyBooks, WALLET } from '../ledger/index.ts';
import { noCrashPoints } from '../lib/crash-points.ts';
import { OutsideError } from '../lib/errors.ts';
import { silentLog } from '../lib/log.ts';
import { msats, sats, toMsats } from '../lib/units.ts';
import { createWorker, type Worker } from '../tasks/index.ts';
import {
  claimableDebts,
  closures,
  commitPayout,
  createInvoiceTask,
  createReceiptBook,
  debtsOf,
  describeWait,
  findInvoice,
  findPayout,
  lookSoon,
  openInvoiceOf,
  owe,
  reopenAfterWrongInvoice,
  replaceInvoices,
  sendPayoutTask,
  settle,
  verifyPayments,
  waitingPayouts,
  waitOf,
  wantInvoice,
  watchInvoiceTask,
  watchPayoutTask,
  wrongInvoice,
  type PayoutNews,
  type PayoutTaskOptions,
  type PayoutWait,
  type PlatformEvent,
} from './index.ts';
import { nextLookIn } from './invoice-tasks.ts';
import { isNotedKeyless } from './payout-waits.ts';

const OWNER = 'ab'.repeat(32);
const ORDER = { kind: 'job', id: 'J-4KQ7M' };
const OPENING = 1_000_000n;
const unavailable = (): OutsideError => new OutsideError('unavailable', 'wallet.down');
const unknown = (): OutsideError => new OutsideError('unknown', 'wallet.timed_out');

let database: Database;
let clock: HandClock;
let wallet: ScriptedWallet;
let worker: Worker;
let events: PlatformEvent[];
let news: PayoutNews[];
let alerts: string[];
let payee: string | null;
let isOpen: boolean;
const CAPS = { paymentSats: 50_000, dailySats: 200_000, inFlight: 5 };
const caps = { ...CAPS };

function open(): void {
  database = freshDatabase();
  clock = createHandClock();
  wallet = createScriptedWallet(clock, OPENING);
  events = [];
  news = [];
  alerts = [];
  payee = null;
  isOpen = true;
  Object.assign(caps, CAPS);
  const options = {
    database,
    clock,
    log: silentLog,
    wallet,
    payee: { get: () => payee, pin: (key: string) => void (payee ??= key) },
    alert: (_tx: unknown, what: string) => void alerts.push(what),
    probeSeconds: 60,
    caps,
    mayPay: () => isOpen,
    receipts: createReceiptBook('cd'.repeat(32)),
    tell: (_tx: unknown, _payout: unknown, what: PayoutNews) => void news.push(what),
  };
  worker = createWorker({
    database,
    clock,
    rng: { bytes: (length) => new Uint8Array(length) },
    log: silentLog,
    reach: noCrashPoints,
    width: { orders: 4, deliveries: 4, invoices: 4, wallet: 4, payouts: 1, model: 1 },
    onParked: (kind, error) => void alerts.push(`parked ${kind}: ${error}`),
  });
  for (const make of [createInvoiceTask, watchInvoiceTask]) worker.register(make(options));
  for (const make of [sendPayoutTask, watchPayoutTask]) worker.register(make(options));
  worker.register<{ event: PlatformEvent }>({
    kind: 'order.event',
    pool: 'orders',
    leaseSeconds: 30,
    maxAttempts: 1,
    run: async (task) => () => void events.push(task.payload.event),
  });
  database.write((tx) => {
    meet(tx, OWNER, 'nip17', null, clock.now());
    post(tx, {
      debit: WALLET,
      credit: OPERATOR,
      amountMsats: msats(OPENING),
      kind: 'found',
      cause: 'w',
      at: clock.now(),
    });
  });
  worker.start();
}
async function close(): Promise<void> {
  await worker.stop(0);
  database.close();
}
beforeEach(open);
afterEach(close);

async function wait(seconds: number): Promise<void> {
  await settled();
  for (let second = 0; second < seconds; second++) {
    clock.advance(1000);
    await settled();
  }
}
/** Many seconds in steps of a minute, for what is not about seconds. */
async function waitLong(seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 60) {
    clock.advance(59_000);
    await wait(1);
  }
}

/** The books agree with themselves, with the rows, and with what really moved. */
function check(): void {
  expect([...verifyBooks(database.read), ...verifyPayments(database.read)]).toEqual([]);
  expect(balance(database.read, WALLET)).toBe(wallet.holds.msats);
}
const countOf = (method: string): number => wallet.calls.filter((call) => call.method === method).length;
const types = (): string[] => events.map((event) => event.type);

function want(changes: { mayFail?: boolean; expirySeconds?: number } = {}): number {
  const { mayFail = true, expirySeconds = 3600 } = changes;
  const wanted = { order: ORDER, owner: OWNER, purpose: 'eval', amountSats: sats(10), description: 'x', expirySeconds };
  const id = database.write((tx) => wantInvoice(tx, { ...wanted, mayFail, replyTo: null }, clock.now()));
  worker.poke();
  return id;
}
const hashOf = (id: number): string => findInvoice(database.read, id)?.paymentHash ?? '';

describe('an invoice', () => {
  it('is made, shown and watched', async () => {
    const id = want();
    await settled();
    expect(types()).toEqual(['invoice_ready']);
    expect(openInvoiceOf(database.read, ORDER.id)).toMatchObject({ id, state: 'open', amountSats: 10 });
    await wait(3);
    expect(countOf('lookupInvoice')).toBeGreaterThan(0);
    check();
  });

  it.each([
    ['another amount', { amountSats: 11 }],
    ['another expiry', { expirySeconds: 60 }],
  ])('with %s once is shown to nobody; the next right one is taken', async (_what, change) => {
    const other = { amountSats: 10, expirySeconds: 3600, ...change };
    wallet.next('createInvoice', (real) => ({
      ...(real as object),
      bolt11: customerInvoice(clock, other.amountSats, 'other', other.expirySeconds).bolt11,
    }));
    const id = want();
    await settled();
    expect(events).toEqual([]);
    expect(findInvoice(database.read, id)?.state).toBe('wanted');
    await wait(2);
    expect(types()).toEqual(['invoice_ready']);
    expect([alerts, closures(database.read)]).toEqual([[], []]);
  });

  it('of another node than before stops everything until the operator has looked; nothing is asked meanwhile', async () => {
    payee = '02'.repeat(33);
    const [mayFail, mustCome] = [want(), want({ mayFail: false })];
    await wait(60);
    expect(types().sort()).toEqual(['invoice_delayed', 'invoice_failed']);
    expect(alerts).toEqual([expect.stringMatching(/pays the node 0[23].*ours was 0202.*reopen --new-node/)]);
    expect(closures(database.read)).toEqual([expect.objectContaining({ why: 'wrong_invoice' })]);
    expect(countOf('createInvoice')).toBe(4);
    const { node } = wrongInvoice(database.read) ?? {};
    payee = node ?? null;
    database.write((tx) => reopenAfterWrongInvoice(tx, node ?? null, clock.now()));
    await wait(2);
    expect(closures(database.read)).toEqual([]);
    expect(types()).toContain('invoice_ready');
    expect([mayFail, mustCome].map((id) => findInvoice(database.read, id)?.state)).toEqual(['failed', 'open']);
  });

  it('is given up after 30 s; one that comes later is never shown', async () => {
    wallet.down = true;
    const id = want();
    await wait(29);
    expect(events).toEqual([]);
    await wait(20);
    expect(types()).toEqual(['invoice_failed']);
    wallet.down = false;
    await waitLong(300);
    expect(findInvoice(database.read, id)).toMatchObject({ state: 'failed', bolt11: null });
    expect(types()).toEqual(['invoice_failed']);
  });

  it('that comes after 30 s, the call having hung, is not shown either', async () => {
    wallet.next('createInvoice', (real) => {
      clock.advance(31_000);
      return real;
    });
    want();
    await wait(2);
    expect(types()).toEqual(['invoice_failed']);
  });

  it('of an order already paid for is tried until it exists, and its lateness told once', async () => {
    wallet.down = true;
    want({ mayFail: false });
    await wait(90);
    expect(types()).toEqual(['invoice_delayed']);
    wallet.down = false;
    await wait(31);
    expect(types()).toEqual(['invoice_delayed', 'invoice_ready']);
  });
});

describe('a payment in', () => {
  it('is booked once, whatever is asked again', async () => {
    const id = want();
    await wait(1);
    wallet.receive(hashOf(id), 10_000n);
    for (let hint = 0; hint < 3; hint++) database.write((tx) => lookSoon(tx, hashOf(id), clock.now()));
    await wait(5);
    database.write((tx) => lookSoon(tx, null, clock.now()));
    await wait(5);
    expect(types()).toEqual(['invoice_ready', 'invoice_paid']);
    expect(balance(database.read, heldFor('job', ORDER.id))).toBe(10_000n);
    check();
  });

  it('over the amount: what was asked is the order’s, the rest is owed back, fractions stay in the books', async () => {
    const id = want();
    await wait(1);
    wallet.receive(hashOf(id), 15_700n);
    await wait(3);
    expect(balance(database.read, heldFor('job', ORDER.id))).toBe(10_000n);
    expect(debtsOf(database.read, ORDER.id)).toMatchObject([{ amountMsats: 5000, because: 'overpaid', state: 'owed' }]);
    check();
  });

  it('over by less than a sat: nothing is owed, nothing is lost', async () => {
    const id = want();
    await wait(1);
    wallet.receive(hashOf(id), 10_400n);
    await wait(3);
    expect(debtsOf(database.read, ORDER.id)).toEqual([]);
    check();
  });

  it('under the amount is not taken for payment; a person is told', async () => {
    const id = want();
    await wait(1);
    wallet.receive(hashOf(id), 9000n);
    await wait(5);
    expect(types()).toEqual(['invoice_ready']);
    expect(alerts[0]).toMatch(/less than it asks/);
    database.write((tx) => settle(tx, id, msats(9999n), clock.now()));
    expect(findInvoice(database.read, id)?.state).toBe('open');
    expect([...verifyBooks(database.read), ...verifyPayments(database.read)]).toEqual([]);
  });

  it('counts however late it is seen; the invoice lapses only when a look-up begun after its end finds it unpaid', async () => {
    const id = want({ expirySeconds: 60 });
    await wait(1);
    wallet.down = true;
    await waitLong(3600);
    expect(findInvoice(database.read, id)?.state).toBe('open');
    wallet.receive(hashOf(id), 10_000n);
    wallet.down = false;
    await waitLong(60);
    expect(types()).toEqual(['invoice_ready', 'invoice_paid']);
    check();
  });

  it('a look-up begun before the end never makes it lapse', async () => {
    wallet.next('lookupInvoice', (real) => {
      clock.advance(100_000);
      return real;
    });
    const id = want({ expirySeconds: 60 });
    await wait(1);
    expect(countOf('lookupInvoice')).toBe(1);
    expect(findInvoice(database.read, id)?.state).toBe('open');
    await wait(12);
    expect(findInvoice(database.read, id)?.state).toBe('lapsed');
    expect(types()).toEqual(['invoice_ready', 'invoice_lapsed']);
  });

  it('on a lapsed or a replaced invoice is still seen', async () => {
    const [lapsing, replaced] = [want({ expirySeconds: 60 }), want({ expirySeconds: 3600 })];
    await wait(1);
    await waitLong(180);
    database.write((tx) => replaceInvoices(tx, ORDER, clock.now()));
    wallet.receive(hashOf(lapsing), 10_000n);
    wallet.receive(hashOf(replaced), 10_000n);
    await waitLong(300);
    expect(types().filter((type) => type === 'invoice_paid')).toHaveLength(2);
    check();
  });
});

describe('nextLookIn', () => {
  it('looks close together at first and before the end, never later than the last minute, rarer after it', () => {
    const [born, end] = [1000, 4600];
    const at = (now: number): number => nextLookIn(born, end, now);
    expect([born, born + 400, born + 2000, end - 89, end - 1].map(at)).toEqual([2, 5, 15, 2, 1]);
    expect([end, end + 599, end + 600, end + 86_399, end + 86_400].map(at)).toEqual([10, 10, 120, 120, 3600]);
    for (let now = born; now < end; now++) {
      expect(at(now)).toBeGreaterThanOrEqual(1);
      if (now < end - 90) expect(now + at(now)).toBeLessThanOrEqual(end - 60);
    }
  });
});

/** An order that owes 103 sats back. */
function indebted(): void {
  database.write((tx) => {
    const now = clock.now();
    const at = now;
    wallet.holds.msats += 129_000n;
    post(tx, {
      debit: WALLET,
      credit: heldFor('job', ORDER.id),
      amountMsats: msats(129_000n),
      kind: 'paid_in',
      cause: 'x',
      at,
    });
    post(tx, {
      debit: heldFor('job', ORDER.id),
      credit: revenue('work'),
      amountMsats: msats(26_000n),
      kind: 'e',
      cause: 'x',
      at,
    });
    owe(tx, { order: ORDER, owner: OWNER, amountMsats: toMsats(sats(100)), because: 'change', cause: 'x' }, now);
    owe(tx, { order: ORDER, owner: OWNER, amountMsats: toMsats(sats(3)), because: 'late', cause: 'x' }, now);
  });
}

/** Commits a payout of everything that is owed; the worker goes at once. */
function payOut(name = 'a', expirySeconds = 3600, amountSats = 103): string {
  const { bolt11, paymentHash, expiresAt } = customerInvoice(clock, amountSats, name, expirySeconds);
  database.write((tx) => {
    const debts = claimableDebts(tx, OWNER);
    const payout = {
      paymentHash,
      bolt11,
      owner: OWNER,
      amountMsats: toMsats(sats(amountSats)),
      debts,
      destination: null,
      replyTo: null,
    };
    commitPayout(tx, { ...payout, invoiceExpiresAt: expiresAt }, clock.now());
  });
  worker.poke();
  return paymentHash;
}
const stateOf = (hash: string): string | undefined => findPayout(database.read, hash)?.state;
const postedBolt11s = (): string[] => wallet.calls.filter((call) => call.method === 'pay').map((call) => call.argument);

describe('a payout', () => {
  beforeEach(indebted);

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
    isOpen = false;
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

describe('whatever the wallet answers, and whenever', () => {
  const methods = fc.constantFrom(
    'createInvoice',
    'lookupInvoice',
    'probeNode',
    'pay',
    'lookupPayment',
    'probeFailure',
  );
  const trouble = fc.array(fc.tuple(methods, fc.constantFrom('unavailable', 'unknown', 'lost')), { maxLength: 25 });
  const moves = fc.array(fc.constantFrom('route', 'settle', 'fail', 'receive', 'prove', 'time'), { maxLength: 12 });

  it('no sat is lost or paid twice, and all ends well when the trouble ends', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(trouble, moves, async (troubles, things) => {
        open();
        indebted();
        for (const [method, how] of troubles) {
          const thrown = how === 'unavailable' ? unavailable() : unknown();
          // `lost`: it was done, and the answer never came.
          const lost = (): never => {
            throw thrown;
          };
          wallet.next(method, how === 'lost' ? lost : thrown);
        }
        const invoice = want({ mayFail: false });
        wallet.route = 'holds';
        const hash = payOut();
        const attempt = (work: () => void): void => {
          try {
            work();
          } catch {
            // There was nothing to do it to.
          }
        };
        for (const thing of things) {
          if (thing === 'route') wallet.route = wallet.route === 'holds' ? 'settles' : 'holds';
          if (thing === 'settle') attempt(() => wallet.end(hash, 'settled'));
          if (thing === 'fail') attempt(() => wallet.end(hash, 'failed'));
          if (thing === 'receive') attempt(() => wallet.receive(hashOf(invoice), 10_000n));
          if (thing === 'prove') wallet.proof = wallet.proof === 'dead' ? 'unproven' : 'dead';
          clock.advance(thing === 'time' ? 150_000 : 3000);
          await wait(1);
          const { length } = [...verifyBooks(database.read), ...verifyPayments(database.read)];
          expect(length).toBe(0);
        }
        wallet.route = 'settles';
        wallet.proof = 'dead';
        for (let minute = 0; minute < 60; minute++) {
          clock.advance(60_000);
          await settled();
          attempt(() => wallet.receive(hashOf(invoice), 10_000n));
          if (stateOf(hash) === 'sent') attempt(() => wallet.end(hash, 'settled'));
        }
        expect(['paid', 'dead']).toContain(stateOf(hash));
        expect(findInvoice(database.read, invoice)?.state).toBe('paid');
        check();
        await close();
      }),
      { numRuns: 40 },
    );
    open();
  });
});
