import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sats, unixSeconds, type UnixSeconds } from '../../../lib/units.ts';
import { billOf, type ChargeFacts } from '../../../receipts/bill.ts';
import type { Term } from '../states.ts';
import { rentalCost, showMicros, usdMicros } from '../rentals.ts';
import { termSeconds } from '../offers.ts';
import { endTerms, leaseStep, restOfTerm, restOfTerms } from './term.ts';

const term = fc
  .record({
    fee: fc.integer({ min: 1, max: 10_000_000 }),
    from: fc.integer({ min: 1, max: 2e9 }),
    long: fc.integer({ min: 1, max: 4e7 }),
  })
  .map(({ fee, from, long }): Term => {
    const [start, end] = [unixSeconds(from), unixSeconds(from + long)];
    return { invoiceId: 1, feeSats: sats(fee), from: start, until: end, endedAt: null };
  });

describe('what is left of a term', () => {
  it('is never more than the fee, never less than nothing, and never grows', () => {
    fc.assert(
      fc.property(term, fc.nat(5e7), fc.nat(5e7), (one, a, b) => {
        const [earlier, later] = [Math.min(a, b), Math.max(a, b)].map((at) => unixSeconds(one.from + at)) as [
          UnixSeconds,
          UnixSeconds,
        ];
        expect(restOfTerm(one, earlier)).toBeLessThanOrEqual(one.feeSats);
        expect(restOfTerm(one, later)).toBeLessThanOrEqual(restOfTerm(one, earlier));
        expect(restOfTerm(one, one.until)).toBe(0);
        expect(restOfTerm(one, one.from)).toBe(one.feeSats);
      }),
    );
  });
  it('is what the receipt says, whoever computes it', () => {
    fc.assert(
      fc.property(term, fc.nat(5e7), (one, past) => {
        const at = unixSeconds(one.from + past);
        for (const { term: ended, rest } of restOfTerms([one], at)) {
          const [after] = endTerms([one], [ended], at);
          const facts = {
            product: 'bootstrap',
            outcome: 'ended_early',
            fee_sats: one.feeSats,
            payments: [],
            items: [],
            tariff: null,
            term: { from: one.from, until: one.until, ended_at: after?.endedAt ?? 0 },
          } as unknown as ChargeFacts;
          expect(billOf(facts)).toMatchObject({ owed_sats: rest, charged_sats: 0 - rest });
        }
      }),
    );
  });
});

describe('a lease', () => {
  const day = 86_400;
  const until = unixSeconds(100 * day);
  const warnings = [7, 3, 1].map((days) => days * day);
  const at = (days: number): UnixSeconds => unixSeconds(days * day);
  const lease = { until, isOver: false, warnedAt: [], graceUntil: at(102) };
  it.each([
    ['is quiet for long', lease, 10, { step: 'wait', until: at(93) }],
    ['warns', lease, 93, { step: 'warn', seconds: 7 * day }],
    ['warns once', { ...lease, warnedAt: [at(93)] }, 94, { step: 'wait', until: at(97) }],
    ['warns late where it was missed, and once', lease, 98, { step: 'warn', seconds: 2 * day }],
    [
      'does not warn of what it warned of late',
      { ...lease, warnedAt: [at(98)] },
      98.5,
      { step: 'wait', until: at(99) },
    ],
    ['ends', { ...lease, warnedAt: [at(99)] }, 100, { step: 'over' }],
    ['waits', { ...lease, isOver: true }, 101, { step: 'wait', until: at(102) }],
    ['is over for good', { ...lease, isOver: true }, 102, { step: 'destroy' }],
  ] as const)('%s', (_name, state, days, step) => {
    expect(leaseStep(state, warnings, at(days))).toEqual(step);
  });
});

describe('what a machine costs', () => {
  it.each([
    ['0.07143', 71_430],
    ['48', 48_000_000],
    ['0.0000001', 1],
    ['24.00', 24_000_000],
  ])('%s USD', (text, micros) => {
    expect(usdMicros(text)).toBe(micros);
  });
  it('is hours begun, and a month’s price at most', () => {
    const rental = { fromAt: 0, goneAt: null, hourlyUsdMicros: 71_430, monthlyUsdMicros: 48_000_000 };
    const after = (hours: number): string => showMicros(rentalCost(rental, unixSeconds(hours * 3600)));
    expect([0, 0.1, 1, 1.5, 671, 672, 673, 1344].map(after)).toEqual([
      '0.00',
      '0.08',
      '0.08',
      '0.15',
      '47.93',
      '48.00',
      '48.08',
      '96.00',
    ]);
    expect(showMicros(rentalCost({ ...rental, goneAt: 7200 }, unixSeconds(1e9)))).toBe('0.15');
  });
  it('is paid by a fee for so long, after our margin', () => {
    const btc = 100_000n * 1_000_000n;
    expect(termSeconds(10_000, btc, 71_430, '0') / 3600).toBeCloseTo(139.99, 1);
    expect(termSeconds(10_000, btc, 71_430, '25') / 3600).toBeCloseTo(111.99, 1);
    expect(termSeconds(100_000_000, btc, 1, '0')).toBe(366 * 86_400);
  });
});
