import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  add,
  ceil,
  compare,
  decimal,
  divide,
  floor,
  fraction,
  multiply,
  subtract,
  toDecimalString,
} from './fraction.ts';

describe('decimal', () => {
  it.each<[string | number, bigint, bigint]>([
    ['0', 0n, 1n],
    [0.0008, 8n, 10_000n],
    ['0.0008', 8n, 10_000n],
    [0.1, 1n, 10n],
    [33.3, 333n, 10n],
    [1e-7, 1n, 10_000_000n],
    ['1E3', 1000n, 1n],
    ['-2.50', -5n, 2n],
    [1e21, 10n ** 21n, 1n],
    ['97234.123456', 97234123456n, 1_000_000n],
  ])('reads %s exactly', (text, n, d) => {
    expect(decimal(text)).toEqual(fraction(n, d));
  });

  it.each(['', ' 1', '1 ', '.5', '5.', '1,5', '0x10', 'NaN', 'Infinity', '1e', '1e999', '--1', '+1', '1'.repeat(61)])(
    'refuses %j',
    (text) => expect(() => decimal(text)).toThrow(RangeError),
  );

  it.each([NaN, Infinity, -Infinity])('refuses the number %s', (value) => {
    expect(() => decimal(value)).toThrow(RangeError);
  });
});

describe('toDecimalString', () => {
  it.each<[bigint, bigint, number, string]>([
    [1n, 3n, 4, '0.3333'],
    [2n, 3n, 4, '0.6667'],
    [1n, 2n, 0, '1'],
    [-1n, 2n, 0, '-1'],
    [-1n, 400n, 2, '0'],
    [3186n, 1_000_000n, 12, '0.003186'],
    [100n, 1n, 12, '100'],
    [999_999n, 1_000_000n, 2, '1'],
    [5n, 1000n, 2, '0.01'],
    [4n, 1000n, 2, '0'],
  ])('%s/%s at %s places is %s', (n, d, places, text) => {
    expect(toDecimalString(fraction(n, d), places)).toBe(text);
  });
});

const anyFraction = fc
  .tuple(fc.bigInt(-(10n ** 24n), 10n ** 24n), fc.bigInt(1n, 10n ** 12n))
  .map(([n, d]) => fraction(n, d));

describe('arithmetic', () => {
  it('divides nothing by zero', () => {
    expect(() => fraction(1n, 0n)).toThrow(RangeError);
    expect(() => divide(fraction(1n), fraction(0n))).toThrow(RangeError);
  });

  it('obeys the laws of a field, whatever the numbers', () => {
    fc.assert(
      fc.property(anyFraction, anyFraction, anyFraction, (a, b, c) => {
        expect(add(a, b)).toEqual(add(b, a));
        expect(multiply(a, add(b, c))).toEqual(add(multiply(a, b), multiply(a, c)));
        expect(subtract(add(a, b), b)).toEqual(a);
        if (b.n !== 0n) expect(multiply(divide(a, b), b)).toEqual(a);
      }),
    );
  });

  it('rounds to the neighbouring whole number and never past it', () => {
    fc.assert(
      fc.property(anyFraction, (a) => {
        const up = fraction(ceil(a));
        const down = fraction(floor(a));
        expect(compare(up, a)).toBeGreaterThanOrEqual(0);
        expect(compare(subtract(up, fraction(1n)), a)).toBeLessThan(0);
        expect(compare(down, a)).toBeLessThanOrEqual(0);
        expect(compare(add(down, fraction(1n)), a)).toBeGreaterThan(0);
      }),
    );
  });

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 20n), 10n ** 20n), fc.integer({ min: 0, max: 12 }), (n, places) => {
        const value = fraction(n, 10n ** BigInt(places));
        expect(decimal(toDecimalString(value, 12))).toEqual(value);
      }),
    );
  });
});
