import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { msats } from '../lib/units.ts';
import { confirmed, nearest, unexplained, type PayoutPosition } from './reconcile-balance.ts';

const row = (state: 'open' | 'paid' | 'failed', amount: bigint, fee: bigint) => ({
  state,
  amountMsats: msats(amount),
  feeMsats: msats(fee),
});
const payout = (change: Partial<PayoutPosition>): PayoutPosition => ({
  amountMsats: 50_000n,
  state: 'sent',
  bookedMsats: 0n,
  wasPosted: true,
  isMoving: false,
  row: undefined,
  ...change,
});

const STILL = { inMsats: 0n, outMsats: 0n };
const gapBy = (gap: bigint, positions: PayoutPosition[]): bigint =>
  nearest(unexplained(10n ** 12n, 10n ** 12n - gap, positions, STILL));

describe('the gap between books and wallet', () => {
  it('with nothing under way is the difference itself, whatever it is', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 15n), fc.bigInt(0n, 10n ** 15n), (books, wallet) => {
        const gap = books - wallet;
        expect(unexplained(books, wallet, [], STILL)).toEqual({ least: gap, most: gap });
      }),
    );
  });

  it.each<[string, PayoutPosition, bigint, bigint]>([
    ['held with its reserve', payout({ row: row('open', 50_000n, 2000n) }), 52_000n, 0n],
    ['held with its reserve, and more is gone', payout({ row: row('open', 50_000n, 2000n) }), 53_000n, 1000n],
    ['paid, not yet booked', payout({ row: row('paid', 50_000n, 300n) }), 50_300n, 0n],
    ['paid, and its reserve not yet given back', payout({ row: row('paid', 50_000n, 300n) }), 52_000n, 0n],
    ['paid, and more is gone', payout({ row: row('paid', 50_000n, 300n) }), 52_001n, 1n],
    ['not sent yet', payout({ state: 'committed', wasPosted: false }), 0n, 0n],
    ['not sent yet, which explains nothing', payout({ state: 'committed', wasPosted: false }), 1n, 1n],
    ['being posted', payout({ state: 'committed', row: row('open', 50_000n, 2000n) }), 0n, 0n],
    ['booked while the wallet was read', payout({ state: 'paid', bookedMsats: 50_300n, isMoving: true }), 1700n, 0n],
    [
      'booked while it was read, from before',
      payout({ state: 'paid', bookedMsats: 50_300n, isMoving: true }),
      -50_300n,
      0n,
    ],
    ['given up while it was read', payout({ state: 'dead', isMoving: true }), 52_000n, 0n],
    ['posted, and the list is older than that', payout({}), 52_000n, 0n],
    ['more is gone than it could take', payout({}), 52_001n, 1n],
    ['more is there than before', payout({}), -1n, -1n],
    ['failed: its money is back', payout({ row: row('failed', 50_000n, 2000n) }), 0n, 0n],
    [
      'paid by hand, the wallet still holds it with its reserve',
      payout({ state: 'paid', bookedMsats: 50_000n, row: row('open', 50_000n, 2000n) }),
      2000n,
      0n,
    ],
    [
      'paid by hand, the wallet thinks it failed',
      payout({ state: 'paid', bookedMsats: 50_000n, row: row('failed', 50_000n, 2000n) }),
      -50_000n,
      0n,
    ],
    [
      'dead by hand, the wallet still holds it',
      payout({ state: 'dead', row: row('open', 50_000n, 2000n) }),
      52_000n,
      0n,
    ],
    [
      'dead by hand, and it was paid: a loss',
      payout({ state: 'dead', row: row('paid', 50_000n, 0n) }),
      50_000n,
      50_000n,
    ],
  ])('one payout %s', (_, position, gap, left) => {
    expect(gapBy(gap, [position])).toBe(left);
  });

  it('never explains more than payouts and their reserves', () => {
    const amounts = fc.array(fc.bigInt(1000n, 10n ** 9n), { maxLength: 5 });
    fc.assert(
      fc.property(amounts, fc.bigInt(-(10n ** 10n), 10n ** 10n), (list, gap) => {
        const most = list.reduce((sum, amount) => sum + amount + (amount / 100n > 2000n ? amount / 100n : 2000n), 0n);
        const left = gapBy(
          gap,
          list.map((amountMsats) => payout({ amountMsats })),
        );
        expect(left === 0n).toBe(gap >= 0n && gap <= most);
      }),
    );
  });

  it('may lack what was booked while the wallet was read, and nothing else', () => {
    const amount = fc.bigInt(0n, 10n ** 9n);
    fc.assert(
      fc.property(amount, amount, fc.bigInt(-(10n ** 10n), 10n ** 10n), (inMsats, outMsats, gap) => {
        const missing = unexplained(10n ** 12n, 10n ** 12n - gap, [], { inMsats, outMsats });
        expect(missing).toEqual({ least: gap - inMsats, most: gap + outMsats });
        expect(nearest(missing) === 0n).toBe(gap >= -outMsats && gap <= inMsats);
      }),
    );
  });
});

describe('two gaps', () => {
  it('agree on the smaller of one sign, and on nothing else', () => {
    const gap = fc.bigInt(-(10n ** 12n), 10n ** 12n);
    fc.assert(
      fc.property(gap, gap, (before, now) => {
        const both = confirmed(before, now);
        const isOneSign = before * now > 0n;
        expect(both !== 0n).toBe(isOneSign);
        if (isOneSign) expect([before, now]).toContain(both);
        for (const each of isOneSign ? [before, now] : []) expect(both * both <= each * each).toBe(true);
        expect(confirmed(-before, -now)).toBe(-both);
      }),
    );
  });
});
