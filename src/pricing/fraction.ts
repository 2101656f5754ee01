/**
 * Exact fractions of BigInts: every amount of money is computed with these and rounded once, at the end
 * A value is immutable, in lowest terms, with a denominator > 0.
 */
export interface Fraction {
  readonly n: bigint;
  readonly d: bigint;
}

export const ZERO: Fraction = { n: 0n, d: 1n };

/** `n / d` in lowest terms. @throws RangeError when `d` is zero. */
export function fraction(n: bigint, d = 1n): Fraction {
  if (d === 0n) throw new RangeError('fraction: division by zero');
  const sign = d < 0n ? -1n : 1n;
  const divisor = gcd(n < 0n ? -n : n, d * sign);
  return { n: (n * sign) / divisor, d: (d * sign) / divisor };
}

/** A whole number. @throws RangeError when `value` is not a safe integer. */
export function whole(value: number): Fraction {
  if (!Number.isSafeInteger(value)) throw new RangeError('fraction: not a whole number');
  return { n: BigInt(value), d: 1n };
}

/**
 * A decimal as it was written (`0.0008`, `12`, `1e-7`), exactly. A number stands for its shortest decimal text,
 * which is what the operator typed, not for the binary value behind it.
 * @throws RangeError for anything else, for more than 60 characters and for exponents beyond ±60.
 */
export function decimal(value: string | number): Fraction {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d{1,2}))?$/i.exec(String(value).slice(0, 61));
  if (match === null || String(value).length > 60) throw new RangeError('fraction: not a decimal number');
  const [, sign = '', digits = '', places = '', exponent = '0'] = match;
  const shift = Number(exponent) - places.length;
  if (Math.abs(Number(exponent)) > 60) throw new RangeError('fraction: exponent out of range');
  const n = BigInt(`${sign}${digits}${places}`);
  return shift >= 0 ? fraction(n * 10n ** BigInt(shift)) : fraction(n, 10n ** BigInt(-shift));
}

export function add(a: Fraction, b: Fraction): Fraction {
  return fraction(a.n * b.d + b.n * a.d, a.d * b.d);
}

export function subtract(a: Fraction, b: Fraction): Fraction {
  return fraction(a.n * b.d - b.n * a.d, a.d * b.d);
}

export function multiply(a: Fraction, b: Fraction): Fraction {
  return fraction(a.n * b.n, a.d * b.d);
}

/** @throws RangeError when `b` is zero. */
export function divide(a: Fraction, b: Fraction): Fraction {
  return fraction(a.n * b.d, a.d * b.n);
}

export function sum(values: readonly Fraction[]): Fraction {
  return values.reduce(add, ZERO);
}

/** Negative, zero or positive as `a` is below, equal to or above `b`. */
export function compare(a: Fraction, b: Fraction): number {
  const difference = a.n * b.d - b.n * a.d;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The largest whole number ≤ `value`. */
export function floor(value: Fraction): bigint {
  const quotient = value.n / value.d; // BigInt division truncates towards zero
  return value.n < 0n && quotient * value.d !== value.n ? quotient - 1n : quotient;
}

/** The smallest whole number ≥ `value`. */
export function ceil(value: Fraction): bigint {
  return -floor({ n: -value.n, d: value.d });
}

/**
 * For showing only: at most `places` decimals, the last one rounded half away from zero, no trailing zeros, never an
 * exponent. Exact when the value has that many decimals or fewer.
 */
export function toDecimalString(value: Fraction, places: number): string {
  const negative = value.n < 0n;
  const scaled = floor(add(multiply({ n: negative ? -value.n : value.n, d: value.d }, scale(places)), HALF));
  const digits = scaled.toString().padStart(places + 1, '0');
  const point = digits.length - places;
  const tail = digits.slice(point).replace(/0+$/, '');
  const text = tail === '' ? digits.slice(0, point) : `${digits.slice(0, point)}.${tail}`;
  return negative && scaled !== 0n ? `-${text}` : text;
}

const HALF: Fraction = { n: 1n, d: 2n };

function scale(places: number): Fraction {
  return { n: 10n ** BigInt(places), d: 1n };
}

function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}
