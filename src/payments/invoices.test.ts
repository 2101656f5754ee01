import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { settled } from '../../test/builders/fresh-database.ts';
import { ORDER, openTill, type Till } from '../../test/builders/till.ts';
import { customerInvoice } from '../../test/fakes/scripted-wallet.ts';
import { balance, heldFor, verifyBooks } from '../ledger/index.ts';
import { msats } from '../lib/units.ts';
import {
  closures,
  debtsOf,
  findInvoice,
  lookSoon,
  openInvoiceOf,
  reopenAfterWrongInvoice,
  replaceInvoices,
  settle,
  verifyPayments,
  wrongInvoice,
} from './index.ts';
import { nextLookIn } from './invoice-looks.ts';

let till: Till;
let database: Till['database'];
let clock: Till['clock'];
let wallet: Till['wallet'];
let events: Till['events'];
let alerts: Till['alerts'];
let wait: Till['wait'];
let waitLong: Till['waitLong'];
let check: Till['check'];
let countOf: Till['countOf'];
let types: Till['types'];
let want: Till['want'];
let hashOf: Till['hashOf'];

beforeEach(() => {
  till = openTill();
  ({ database, clock, wallet, events, alerts, wait, waitLong, check, countOf, types, want, hashOf } = till);
});
afterEach(() => till.close());

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
    till.payee = '02'.repeat(33);
    const [mayFail, mustCome] = [want(), want({ mayFail: false })];
    await wait(60);
    expect(types().sort()).toEqual(['invoice_delayed', 'invoice_failed']);
    expect(alerts).toEqual([expect.stringMatching(/pays the node 0[23].*ours was 0202.*reopen --new-node/)]);
    expect(closures(database.read)).toEqual([expect.objectContaining({ why: 'wrong_invoice' })]);
    expect(countOf('createInvoice')).toBe(4);
    const { node } = wrongInvoice(database.read) ?? {};
    till.payee = node ?? null;
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
