import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unixSeconds } from '../lib/units.ts';
import type { PriceReading } from '../ports/btc-price.ts';
import { combinePrice, PRICE_RULES, priceNow, type BelievedPrice } from './btc-price.ts';

const NOW = unixSeconds(1_800_000_000);
const NAMES = ['coingecko', 'coinbase', 'kraken', 'bitstamp', 'fifth'];

function said(...usd: number[]): PriceReading[] {
  return usd.map((price, i) => ({ source: NAMES[i] ?? 'more', usdMicros: BigInt(Math.round(price * 1e6)) }));
}

function before(usd: number, secondsAgo: number): BelievedPrice {
  return { usdMicros: BigInt(usd) * 1_000_000n, source: 'median(a,b,c)', at: unixSeconds(NOW - secondsAgo) };
}

const combine = (readings: PriceReading[], previous: BelievedPrice | null = null, alone = false) =>
  combinePrice(readings, previous, { ...PRICE_RULES, alone }, NOW);

describe('combinePrice', () => {
  it.each<[string, number[], number, string]>([
    ['three agree', [100_000, 100_100, 99_900], 100_000, 'median(coingecko,coinbase,kraken)'],
    [
      'four: the mean of the middle two',
      [100_000, 100_100, 99_900, 100_300],
      100_050,
      'median(coingecko,coinbase,kraken,bitstamp)',
    ],
    ['a spike is dropped', [100_000, 100_100, 99_900, 900_000], 100_000, 'median(coingecko,coinbase,kraken)'],
    ['a crash is dropped', [1, 100_100, 99_900, 100_000], 100_000, 'median(coinbase,kraken,bitstamp)'],
    ['of three one is out', [100_000, 100_200, 106_000], 100_100, 'median(coingecko,coinbase)'],
    ['five per cent is in', [100_000, 100_000, 105_000], 100_000, 'median(coingecko,coinbase,kraken)'],
    ['below the clamp is no answer', [100_000, 100_000, 100_000, 999], 100_000, 'median(coingecko,coinbase,kraken)'],
    [
      'above the clamp is no answer',
      [100_000, 100_000, 100_000, 10_000_001],
      100_000,
      'median(coingecko,coinbase,kraken)',
    ],
  ])('%s', (_, prices, usd, source) => {
    expect(combine(said(...prices))).toEqual({ usdMicros: BigInt(usd) * 1_000_000n, source, at: NOW });
  });

  it.each<[string, number[]]>([
    ['nobody answered', []],
    ['one alone, nothing known', [100_000]],
    ['two, nothing known', [100_000, 100_000]],
    ['all answers insane', [0, 1, 999.99, 10_000_000.01]],
    ['two against two', [100_000, 100_000, 200_000, 200_000]],
    ['three that contradict each other', [50_000, 100_000, 200_000]],
  ])('believes nothing: %s', (_, prices) => expect(combine(said(...prices))).toBeNull());

  it.each<[string, number[], BelievedPrice, bigint | null]>([
    ['a move of 15 %', [115_000, 115_000, 115_000], before(100_000, 60), 115_000n],
    ['a move of more', [115_001, 115_001, 115_001], before(100_000, 60), null],
    ['a fall of more', [84_999, 84_999, 84_999], before(100_000, 600), null],
    ['more, after ten minutes', [130_000, 130_000, 130_000], before(100_000, 601), 130_000n],
    ['one source near the last price keeps it, and does not move it', [103_000], before(100_000, 60), 100_000n],
    ['two sources the same', [98_000, 99_000], before(100_000, 60), 100_000n],
    ['one source further off', [103_001], before(100_000, 60), null],
    ['one source and an old price', [100_000], before(100_000, 601), null],
    ['two sources that differ', [100_000, 120_000], before(100_000, 60), null],
  ])('after a believed price: %s', (_, prices, previous, usd) => {
    expect(combine(said(...prices), previous)?.usdMicros ?? null).toBe(usd === null ? null : usd * 1_000_000n);
  });

  it.each<[number[], bigint | null]>([
    [[50_000], 50_000n],
    [[0], null],
    [[999.99], null],
    [[10_000_001], null],
    [[], null],
  ])('one source by choice is taken alone: %j', (prices, usd) => {
    const price = combine(said(...prices), before(100_000, 30), true);
    expect(price).toEqual(usd === null ? null : { usdMicros: usd * 1_000_000n, source: 'coingecko', at: NOW });
  });

  it('a lone liar cannot drag the price away, however often it is asked', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1000, max: 10_000_000 }), { maxLength: 50 }), (lies) => {
        let believed: BelievedPrice = before(100_000, 60);
        for (const lie of lies) believed = combine(said(lie), believed) ?? believed;
        expect(believed.usdMicros).toBe(100_000_000_000n);
      }),
    );
  });

  it('one liar among four moves the price by no more than the honest three differ', () => {
    const honest = fc.integer({ min: 99_000, max: 101_000 });
    fc.assert(
      fc.property(honest, honest, honest, fc.integer({ min: 1, max: 20_000_000 }), (a, b, c, lie) => {
        const price = combine(said(a, b, c, lie));
        expect(price !== null && price.usdMicros >= BigInt(Math.min(a, b, c)) * 1_000_000n).toBe(true);
        expect(price !== null && price.usdMicros <= BigInt(Math.max(a, b, c)) * 1_000_000n).toBe(true);
      }),
    );
  });
});

describe('priceNow', () => {
  it.each<[BelievedPrice | null, string]>([
    [before(90_000, 0), 'median(a,b,c)'],
    [before(90_000, 600), 'median(a,b,c)'],
    [before(90_000, 601), 'fallback'],
    [before(90_000, -601), 'fallback'],
    [null, 'fallback'],
  ])('case %#: %o', (believed, source) => {
    const price = priceNow(believed, 100_000_000_000n, PRICE_RULES, NOW);
    expect(price).toEqual({ usdMicros: source === 'fallback' ? 100_000_000_000n : 90_000_000_000n, source });
  });
});
