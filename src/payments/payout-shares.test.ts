import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OWNER, openTill, type Till } from '../../test/builders/till.ts';
import { waitOf } from './index.ts';

let till: Till;
let database: Till['database'];
let wallet: Till['wallet'];
let caps: Till['caps'];
let wait: Till['wait'];
let waitLong: Till['waitLong'];
let check: Till['check'];
let payOut: Till['payOut'];
let owes: Till['owes'];
let stateOf: Till['stateOf'];

beforeEach(() => {
  till = openTill();
  ({ database, wallet, caps, wait, waitLong, check, payOut, owes, stateOf } = till);
});
afterEach(() => till.close());

describe('payouts side by side', () => {
  it('a small wallet pays its small refunds: the floor stands above the fifth', async () => {
    till.indebt();
    caps.inFlightFloorSats = 20_000;
    wallet.route = 'holds';
    payOut('a', 86_400);
    await wait(3);
    const next = owes('J-BBBBB', 'ee'.repeat(32), 250);
    await wait(3);
    expect(stateOf(next)).toBe('sent');
  });

  it('of one customer two are in flight; others are paid meanwhile, and the third when one of the two ends', async () => {
    wallet.route = 'holds';
    const own = [1, 2, 3].map((n) => owes(`J-AAAA${n}`, OWNER, 10));
    await wait(3);
    expect(own.map(stateOf)).toEqual(['sent', 'sent', 'committed']);
    wallet.route = 'settles';
    const other = owes('J-BBBBB', 'ee'.repeat(32), 20);
    await wait(3);
    expect([stateOf(other), waitOf(database.read, own[2] ?? '')]).toEqual(['paid', 'own_in_flight']);
    wallet.end(own[0] ?? '', 'settled');
    await wait(4);
    expect(own.map(stateOf)).toEqual(['paid', 'sent', 'paid']);
    check();
  });

  it('with less in the wallet than the books say, the oldest debts are paid as far as it covers them', async () => {
    till.mayLeave = 'nothing';
    const [first, second, third] = [200, 500, 20].map((amount, n) => owes(`J-AAAA${n}`, `e${n}`.repeat(32), amount));
    await wait(1);
    till.mayLeave = 'covered';
    const stolen = wallet.holds.msats - 300_000n;
    wallet.holds.msats -= stolen;
    await waitLong(600);
    expect([first, second, third].map((hash) => stateOf(hash ?? ''))).toEqual(['paid', 'committed', 'committed']);
    expect(waitOf(database.read, second ?? '')).toBe('not_covered');
    wallet.holds.msats += stolen;
    await waitLong(600);
    expect([second, third].map((hash) => stateOf(hash ?? ''))).toEqual(['paid', 'paid']);
    check();
  });

  it('one customer’s fees stop at a fifth of the day’s, and go on with the next day; others are paid meanwhile', async () => {
    caps.feeDailySats = 6;
    const asked = { replyTo: 7 };
    const paid = owes('J-AAAA1', OWNER, 10, asked);
    await wait(4);
    const held = owes('J-AAAA2', OWNER, 11, asked);
    const other = owes('J-BBBBB', 'ee'.repeat(32), 12, asked);
    await wait(4);
    expect([paid, held, other].map(stateOf)).toEqual(['paid', 'committed', 'paid']);
    expect(waitOf(database.read, held)).toBe('fees');
    await waitLong(86_400);
    expect(stateOf(held)).toBe('paid');
    check();
  });
});
