import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { msats } from '../lib/units.ts';
import { unexplained, type PayoutPosition } from './reconcile-balance.ts';

const row = (state: 'open' | 'paid' | 'failed', amount: bigint, fee: bigint) => ({
  state,
  amountMsats: msats(amount),
  feeMsats: msats(fee),
});
const payout = (change: Partial<PayoutPosition>): PayoutPosition => ({
  amountMsats: 50_000n,
  state: 'sent',
  bookedMsats: 0n,
  row: undefined,
  ...change,
});

describe('the gap between books and wallet', () => {
  it('with nothing under way is the difference itself, whatever it is', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 15n), fc.bigInt(0n, 10n ** 15n), (books, wallet) => {
        expect(unexplained(books, wallet, [])).toBe(books - wallet);
      }),
    );
  });

  it.each<[string, PayoutPosition, bigint, bigint]>([
    ['held with its reserve', payout({ row: row('open', 50_000n, 2000n) }), 52_000n, 0n],
    ['held with its reserve, and more is gone', payout({ row: row('open', 50_000n, 2000n) }), 53_000n, 1000n],
    ['paid, not yet booked', payout({ row: row('paid', 50_000n, 300n) }), 50_300n, 0n],
    ['not sent yet', payout({ state: 'committed' }), 0n, 0n],
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
    expect(unexplained(1_000_000n, 1_000_000n - gap, [position])).toBe(left);
  });

  it('never explains more than payouts and their reserves', () => {
    const amounts = fc.array(fc.bigInt(1000n, 10n ** 9n), { maxLength: 5 });
    fc.assert(
      fc.property(amounts, fc.bigInt(-(10n ** 10n), 10n ** 10n), (list, gap) => {
        const most = list.reduce((sum, amount) => sum + amount + (amount / 100n > 2000n ? amount / 100n : 2000n), 0n);
        const left = unexplained(
          10n ** 12n,
          10n ** 12n - gap,
          list.map((amountMsats) => payout({ amountMsats })),
        );
        expect(left === 0n).toBe(gap >= 0n && gap <= most);
      }),
    );
  });
});
