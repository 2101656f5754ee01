import type { Sats } from '../lib/units.ts';
import { compare, decimal, multiply, toDecimalString, fraction, type Fraction } from './fraction.ts';
import { satsToUsd } from './price.ts';
import type { Tariff } from './tariff.ts';

/**
 * Decimals for eyes: nothing here goes back into a sum.
 */

/** Places of a USD decimal in receipts and cost ledgers: exact for every model's bill at rates of up to 9 places. */
const USD_PLACES = 12;

/** A USD amount as decimal text without trailing zeros (`0.003186`), for `CostLedger` and receipts. */
export function usdDecimal(usd: Fraction): string {
  return toDecimalString(usd, USD_PLACES);
}

/** The price of a bitcoin as decimal text: `97234.12`. */
export function usdMicrosDecimal(usdMicros: bigint): string {
  return toDecimalString(fraction(usdMicros, 1_000_000n), 6);
}

/** What sats are worth, for a person: `$0.13`; under one cent the first digit that says something: `$0.003`. */
export function showUsd(amount: Sats, price: Pick<Tariff, 'btcPriceUsd'>): string {
  const usd = satsToUsd(amount, price);
  if (compare(usd, fraction(0n)) === 0) return '$0';
  if (compare(usd, decimal('0.01')) < 0) return `$${toDecimalString(usd, leadingPlace(usd))}`;
  const [dollars, cents = ''] = toDecimalString(usd, 2).split('.');
  return cents === '' ? `$${dollars}` : `$${dollars}.${cents.padEnd(2, '0')}`;
}

/** The place of the first digit that is not zero, for a value between 0 and 1; at most 8. */
function leadingPlace(value: Fraction): number {
  let place = 1;
  while (place < 8 && compare(multiply(value, fraction(10n ** BigInt(place))), fraction(1n)) < 0) place++;
  return place;
}
