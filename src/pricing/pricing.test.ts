import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sats } from '../lib/units.ts';
import {
  affordableOutputTokens,
  maxOutputTokens,
  priceOf,
  quoteWork,
  settleWork,
  showUsd,
  tariffFrom,
  usdDecimal,
  type QuoteTiers,
  type Tariff,
  type TariffSettings,
  type UsageItem,
} from './index.ts';
import { decimal } from './fraction.ts';

const SETTINGS: TariffSettings = {
  EVAL_MODEL: 'claude-haiku-4-5',
  WORK_MODEL: 'claude-sonnet-4-6',
  HAIKU_INPUT_COST_PER_1K_TOKENS: 0.0008,
  HAIKU_OUTPUT_COST_PER_1K_TOKENS: 0.004,
  SONNET_INPUT_COST_PER_1K_TOKENS: 0.003,
  SONNET_OUTPUT_COST_PER_1K_TOKENS: 0.015,
  DO_MONTHLY_COST_USD: 100,
  DO_MONTHLY_REQUEST_VOLUME: 1000,
  ORIGINATOR_MARGIN_PCT: 25,
};

const TIERS: QuoteTiers = {
  SHORT_MAX_CHARS: 100,
  MEDIUM_MAX_CHARS: 300,
  OUTPUT_TOKENS_SHORT_EST: 200,
  OUTPUT_TOKENS_MEDIUM_EST: 400,
  OUTPUT_TOKENS_LONG_EST: 800,
  WORK_SYSTEM_PROMPT_TOKENS_EST: 50,
};

function tariff(changes: Partial<TariffSettings> = {}, btc = '100000'): Tariff {
  const price = decimal(btc);
  return tariffFrom({ ...SETTINGS, ...changes }, { usdMicros: (price.n * 1_000_000n) / price.d, source: 'test' });
}

/*
 * Expected numbers were worked out apart from this code. The canonical one, by hand: 46 characters are
 * ceil(46/4) + 50 = 62 tokens in, 200 out. 62/1000 × 0.003 + 200/1000 × 0.015 = 0.000186 + 0.003 = 0.003186 USD;
 * + 100/1000 = 0.103186; × 125/100 = 0.1289825; ÷ 100000 × 10^8 = 51593/400 = 128.9825 → 129 sats.
 */
describe('quoteWork by length, default settings, BTC at 100000', () => {
  it.each<[number, number, number, number]>([
    [0, 50, 200, 129], // 2063/16 = 128.9375
    [1, 51, 200, 129], // 103153/800 = 128.94125
    [3, 51, 200, 129],
    [4, 51, 200, 129],
    [5, 52, 200, 129], // 25789/200 = 128.945
    [46, 62, 200, 129], // 51593/400 = 128.9825
    [99, 75, 200, 130], // 4129/32 = 129.03125
    [100, 75, 200, 130],
    [101, 76, 400, 133], // 26557/200 = 132.785
    [104, 76, 400, 133],
    [105, 77, 400, 133], // 106231/800 = 132.78875
    [299, 125, 400, 133], // 4255/32 = 132.96875
    [300, 125, 400, 133],
    [301, 126, 800, 141], // 56189/400 = 140.4725
    [304, 126, 800, 141],
    [305, 127, 800, 141], // 112381/800 = 140.47625
    [1000, 300, 800, 142], // 1129/8 = 141.125
    [7999, 2050, 800, 148], // 2363/16 = 147.6875
    [8000, 2050, 800, 148],
  ])('%s characters: %s in, %s out, %s sats', (length, input, output, amount) => {
    expect(quoteWork('x'.repeat(length), tariff(), TIERS)).toMatchObject({
      estimatedInputTokens: input,
      estimatedOutputTokens: output,
      amountSats: amount,
    });
  });

  it.each<[number, number]>([
    [1, 141], // 140.19125
    [46, 141], // 140.2325
    [100, 141], // 140.28125
    [301, 141], // 140.4725
  ])('%s characters, long: %s sats for 600 words', (length, amount) => {
    expect(quoteWork('x'.repeat(length), tariff(), TIERS, 'long')).toMatchObject({
      estimatedOutputTokens: 800,
      amountSats: amount,
      words: 600,
    });
  });

  it.each<[string, string, number, number]>([
    ['emoji are one character each', '😀'.repeat(100), 75, 200],
    ['one emoji more is the next tier', '😀'.repeat(101), 76, 400],
    ['a family of five code points', '👨‍👩‍👧', 52, 200],
    ['a combining accent counts', 'e\u0301'.repeat(51), 76, 400],
    ['Chinese', '比特币是什么'.repeat(50), 125, 400],
  ])('%s', (_, request, input, output) => {
    expect(quoteWork(request, tariff(), TIERS)).toMatchObject({
      estimatedInputTokens: input,
      estimatedOutputTokens: output,
    });
  });

  it.each([
    [200, 150],
    [400, 300],
    [800, 600],
    [1, 0],
    [2, 1],
    [333, 249],
  ])('%s tokens are %s words', (tokens, words) => {
    expect(quoteWork('x', tariff(), { ...TIERS, OUTPUT_TOKENS_SHORT_EST: tokens }).words).toBe(words);
  });
});

describe('quoteWork of 46 characters under other settings', () => {
  it.each<[Partial<TariffSettings>, string, number]>([
    [{ ORIGINATOR_MARGIN_PCT: 0 }, '100000', 104], // 51593/500 = 103.186
    [{ ORIGINATOR_MARGIN_PCT: 33.3 }, '100000', 138], // 68773469/500000 = 137.546938
    [{ ORIGINATOR_MARGIN_PCT: 100 }, '100000', 207], // 51593/250 = 206.372
    [{ ORIGINATOR_MARGIN_PCT: '0.1' }, '100000', 104], // 51644593/500000 = 103.289186
    [{ ORIGINATOR_MARGIN_PCT: 250 }, '100000', 362], // 361151/1000 = 361.151
    [{ ORIGINATOR_MARGIN_PCT: 12.5 }, '100000', 117], // 464337/4000 = 116.08425
    [{}, '1000', 12899], // 51593/4 = 12898.25
    [{}, '1', 12_898_250], // exact: nothing to round
    [{}, '10000000', 2], // 51593/40000 = 1.289825
    [{}, '97234.123456', 133], // 201535156250/1519283179 = 132.651…
    [{}, '50000', 258], // 51593/200 = 257.965
    [{}, '123456.78', 105], // 644912500/6172839 = 104.475…
    [{}, '99999.999999', 129],
    [{}, '100000.000001', 129],
    [{}, '128982.5', 100], // exactly 100
    [{}, '128982.499999', 101], // 100.0000000007…
    [{}, '128982.500001', 100], // 99.9999999992…
    [{ SONNET_INPUT_COST_PER_1K_TOKENS: 0, SONNET_OUTPUT_COST_PER_1K_TOKENS: 0 }, '100000', 125], // exactly 125
    [{ SONNET_INPUT_COST_PER_1K_TOKENS: 0.005, SONNET_OUTPUT_COST_PER_1K_TOKENS: 0.025 }, '100000', 132], // 10531/80
    [{ SONNET_INPUT_COST_PER_1K_TOKENS: 1e-7, SONNET_OUTPUT_COST_PER_1K_TOKENS: 3e-7 }, '100000', 126], // 125.00008275
    [{ SONNET_INPUT_COST_PER_1K_TOKENS: 0.1, SONNET_OUTPUT_COST_PER_1K_TOKENS: 0.7 }, '100000', 308], // 1231/4 = 307.75
    [{ SONNET_INPUT_COST_PER_1K_TOKENS: 1000, SONNET_OUTPUT_COST_PER_1K_TOKENS: 5000 }, '100000', 1_327_625], // exact
    [
      { SONNET_INPUT_COST_PER_1K_TOKENS: '0.00333333333333', SONNET_OUTPUT_COST_PER_1K_TOKENS: '0.01666666666667' },
      '100000',
      130,
    ], // 5177000000000023/40000000000000 = 129.425…
    [{ DO_MONTHLY_COST_USD: 0 }, '100000', 4], // 1593/400 = 3.9825
    [{ DO_MONTHLY_REQUEST_VOLUME: 3000 }, '100000', 46], // 54779/1200 = 45.649…
    [{ DO_MONTHLY_COST_USD: 48, DO_MONTHLY_REQUEST_VOLUME: 7 }, '100000', 8576], // 24011151/2800 = 8575.411…
    [{ DO_MONTHLY_COST_USD: 99.99, DO_MONTHLY_REQUEST_VOLUME: 1001 }, '100000', 129], // 4689963/36400 = 128.845…
    [{ DO_MONTHLY_COST_USD: 1, DO_MONTHLY_REQUEST_VOLUME: 1_000_000 }, '100000', 4], // 3187/800 = 3.98375
    [{ DO_MONTHLY_REQUEST_VOLUME: 0.5 }, '100000', 250_004], // 100001593/400 = 250003.9825
    [{ DO_MONTHLY_COST_USD: 0, ORIGINATOR_MARGIN_PCT: 0 }, '100000', 4], // 1593/500 = 3.186
    // 0.2 × 0.015 is 0.003 exactly: 3 sats; in binary floating point it is a little more and would be 4.
    [{ DO_MONTHLY_COST_USD: 0, ORIGINATOR_MARGIN_PCT: 0, SONNET_INPUT_COST_PER_1K_TOKENS: 0 }, '100000', 3],
    [{ DO_MONTHLY_COST_USD: 0, ORIGINATOR_MARGIN_PCT: 33.3 }, '97234.12', 5], // 10617345/2430853 = 4.367…
    [{ DO_MONTHLY_REQUEST_VOLUME: 3, ORIGINATOR_MARGIN_PCT: 33.3 }, '88888.88', 49_993], // 49992.282…
  ])('%j, BTC at %s: %s sats', (changes, btc, amount) => {
    expect(quoteWork('x'.repeat(46), tariff(changes, btc), TIERS).amountSats).toBe(amount);
  });

  it('never quotes nothing, for no invoice can be for nothing', () => {
    const free = { DO_MONTHLY_COST_USD: 0, SONNET_INPUT_COST_PER_1K_TOKENS: 0, SONNET_OUTPUT_COST_PER_1K_TOKENS: 0 };
    expect(quoteWork('x', tariff(free), TIERS).amountSats).toBe(1);
  });
});

describe('priceOf', () => {
  const evaluation: UsageItem = {
    role: 'eval',
    inputTokens: 300,
    cacheWriteTokens: 0,
    cacheReadTokens: 0,
    outputTokens: 40,
  };
  const work = (inputTokens: number, outputTokens: number): UsageItem => ({
    role: 'work',
    inputTokens,
    cacheWriteTokens: 0,
    cacheReadTokens: 0,
    outputTokens,
  });

  it.each<[UsageItem[], 'with infra' | 'without infra', Partial<TariffSettings>, string, number]>([
    [[work(62, 196)], 'with infra', {}, '100000', 129], // 51563/400 = 128.9075
    [[work(0, 0)], 'with infra', {}, '100000', 125], // exactly 125
    [[work(1, 0)], 'with infra', {}, '100000', 126], // 100003/800 = 125.00375
    [[work(0, 1)], 'with infra', {}, '100000', 126], // 20003/160 = 125.01875
    [[work(62, 8192)], 'with infra', {}, '100000', 279], // 111533/400 = 278.8325
    [[work(50_000, 8192)], 'with infra', {}, '100000', 467], // 4661/10 = 466.1
    [[work(123, 456)], 'with infra', { ORIGINATOR_MARGIN_PCT: 0 }, '100000', 108], // 107209/1000
    [[work(1000, 1000)], 'with infra', { ORIGINATOR_MARGIN_PCT: 0, DO_MONTHLY_COST_USD: 0 }, '100000', 18], // exact
    [[work(1000, 1000)], 'without infra', {}, '100000', 23], // 45/2
    [[evaluation], 'without infra', {}, '100000', 1], // 300 × 0.0008 + 40 × 0.004 = 0.4 → 0.5 sats with margin
    [[evaluation], 'with infra', {}, '100000', 126], // 251/2
    [[evaluation, work(62, 200)], 'with infra', {}, '100000', 130], // 51793/400 = 129.4825: rounded once
    [[], 'without infra', {}, '100000', 0],
    [
      [{ role: 'eval', inputTokens: 1, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 0 }],
      'without infra',
      {},
      '100000',
      1,
    ], // 1/1000
    [
      [evaluation, work(62, 200)],
      'with infra',
      { ORIGINATOR_MARGIN_PCT: 33.3, DO_MONTHLY_REQUEST_VOLUME: 3000 },
      '97234.123456',
      51, // 230688146875/4557849537 = 50.613…
    ],
    [
      [
        { role: 'eval', inputTokens: 250, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 30 },
        { role: 'eval', inputTokens: 250, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 30 },
        work(100, 100),
      ],
      'with infra',
      {},
      '100000',
      129, // 2561/20 = 128.05: the infrastructure share once
    ],
  ])('%j %s %j at %s: %s sats', (items, infra, changes, btc, amount) => {
    expect(priceOf(items, tariff(changes, btc), infra).sats).toBe(amount);
  });

  it('shows its parts, which add up', () => {
    const price = priceOf([work(62, 200)], tariff(), 'with infra');
    expect([price.tokenUsd, price.infraUsd, price.marginUsd, price.usd].map(usdDecimal)).toEqual([
      '0.003186',
      '0.1',
      '0.0257965',
      '0.1289825',
    ]);
  });

  it.each([-1, 0.5, NaN, Infinity, 2 ** 53])('refuses %s tokens', (tokens) => {
    expect(() => priceOf([work(tokens, 0)], tariff(), 'with infra')).toThrow(RangeError);
    expect(() => priceOf([work(0, tokens)], tariff(), 'with infra')).toThrow(RangeError);
  });
});

describe('bounds on the output', () => {
  it.each<[number, number, number, number]>([
    [129, 62, 8192, 8192],
    [129, 62, 100_000, 8587], // (0.129 − 0.000186) ÷ 0.015 × 1000 = 8587.6
    [129, 62, 1, 1],
    [1, 62, 8192, 54], // (0.001 − 0.000186) ÷ 0.015 × 1000 = 54.27
    [1, 0, 8192, 66],
    [1, 333, 8192, 1], // 0.067
    [5, 1000, 8192, 133],
    [10, 50, 8192, 656], // exactly 656.67
    [122, 62, 100_000, 8120],
    [0, 0, 8192, 1],
    [1, 5000, 8192, 1],
  ])('a quote of %s sats with %s tokens in, capped at %s, buys %s', (quoted, input, cap, tokens) => {
    expect(maxOutputTokens(sats(quoted), input, tariff(), cap)).toBe(tokens);
  });

  it('is the cap where output costs nothing', () => {
    expect(maxOutputTokens(sats(129), 62, tariff({ SONNET_OUTPUT_COST_PER_1K_TOKENS: 0 }), 500)).toBe(500);
  });

  it.each<[number, UsageItem[], number]>([
    [129, [], 200], // 0.129 ÷ 1.25 − 0.1 − 0.000186 = 0.003014 → 200.9
    [128, [], 147],
    [126, [], 40],
    [125, [], 0],
    [126, [{ role: 'eval', inputTokens: 300, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 40 }], 14],
    [50, [{ role: 'eval', inputTokens: 300, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 40 }], 0],
    [500, [{ role: 'eval', inputTokens: 300, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 40 }], 8192],
  ])('a balance of %s sats after %j affords %s', (balance, spent, tokens) => {
    expect(affordableOutputTokens(sats(balance), spent, 62, tariff(), 8192)).toBe(tokens);
  });
});

const amount = fc.integer({ min: 0, max: 2_000_000 }).map((n) => n / 100);
const anyTariff = fc
  .record({
    WORK_MODEL: fc.constantFrom('claude-sonnet-4-6', 'claude-haiku-5-5', 'claude-opus-5-5', 'other'),
    ORIGINATOR_MARGIN_PCT: amount.map((n) => n / 50),
    SONNET_INPUT_COST_PER_1K_TOKENS: amount.map((n) => n / 10_000),
    SONNET_OUTPUT_COST_PER_1K_TOKENS: amount.map((n) => n / 10_000),
    DO_MONTHLY_COST_USD: amount,
    DO_MONTHLY_REQUEST_VOLUME: fc.integer({ min: 1, max: 100_000 }),
    btc: fc.bigInt(1_000_000_000n, 10_000_000_000_000n),
  })
  .map(({ btc, ...changes }) => tariffFrom({ ...SETTINGS, ...changes }, { usdMicros: btc, source: 'test' }));
const tokens = fc.integer({ min: 0, max: 200_000 });

describe('whatever the numbers', () => {
  it('what is charged and what goes back are the quote, to the sat', () => {
    fc.assert(
      fc.property(anyTariff, tokens, tokens, fc.integer({ min: 0, max: 10 ** 9 }), (t, input, output, quoted) => {
        const settled = settleWork(
          { inputTokens: input, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: output },
          t,
          sats(quoted),
        );
        expect(settled.chargedSats + settled.refundSats).toBe(quoted);
        expect(settled.chargedSats).toBe(Math.min(settled.actualAmountSats, quoted));
        expect(settled.refundSats).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('rounds up, by less than one sat', () => {
    fc.assert(
      fc.property(anyTariff, tokens, tokens, (t, inputTokens, outputTokens) => {
        const { usd, sats: rounded } = priceOf(
          [{ role: 'work', inputTokens, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens }],
          t,
          'with infra',
        );
        // rounded − 1 < usd ÷ btc × 1e8 ≤ rounded, without dividing
        const btc = decimal(t.btcPriceUsd);
        const exact = usd.n * btc.d * 100_000_000n;
        const unit = usd.d * btc.n;
        expect(exact <= BigInt(rounded) * unit).toBe(true);
        expect(rounded === 0 || exact > BigInt(rounded - 1) * unit).toBe(true);
      }),
    );
  });

  it('more tokens never cost less', () => {
    fc.assert(
      fc.property(anyTariff, tokens, tokens, tokens, (t, inputTokens, outputTokens, more) => {
        const price = (i: number, o: number): number =>
          priceOf(
            [{ role: 'work', inputTokens: i, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: o }],
            t,
            'with infra',
          ).sats;
        expect(price(inputTokens + more, outputTokens)).toBeGreaterThanOrEqual(price(inputTokens, outputTokens));
        expect(price(inputTokens, outputTokens + more)).toBeGreaterThanOrEqual(price(inputTokens, outputTokens));
      }),
    );
  });

  it('an output within the bound is within the balance, and one token more is not', () => {
    fc.assert(
      fc.property(anyTariff, tokens, fc.integer({ min: 0, max: 100_000 }), (t, input, balance) => {
        const bound = affordableOutputTokens(sats(balance), [], input, t, 1_000_000);
        const price = (output: number): number =>
          priceOf(
            [{ role: 'work', inputTokens: input, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: output }],
            t,
            'with infra',
          ).sats;
        if (bound > 0) expect(price(bound)).toBeLessThanOrEqual(balance);
        if (bound < 1_000_000) expect(price(bound + 1)).toBeGreaterThan(balance);
      }),
    );
  });

  it('nor does it matter what of a conversation turns out to be cached', () => {
    const part = fc.integer({ min: 0, max: 100_000 });
    fc.assert(
      fc.property(anyTariff, part, part, part, part, (t, inputTokens, cacheWriteTokens, cacheReadTokens, balance) => {
        const input = inputTokens + cacheWriteTokens + cacheReadTokens;
        const outputTokens = affordableOutputTokens(sats(balance), [], input, t, 1_000_000, 'may be cached');
        const item = { role: 'work', inputTokens, cacheWriteTokens, cacheReadTokens, outputTokens } as const;
        if (outputTokens > 0) expect(priceOf([item], t, 'with infra').sats).toBeLessThanOrEqual(balance);
      }),
    );
  });
});

describe('tariffFrom', () => {
  it('is plain JSON with every number as it was typed', () => {
    expect(JSON.parse(JSON.stringify(tariff({ ORIGINATOR_MARGIN_PCT: 33.3 }, '97234.12')))).toEqual({
      formula: 1,
      btcPriceUsd: '97234.12',
      btcPriceSource: 'test',
      eval: {
        model: 'claude-haiku-4-5',
        inRate: '0.0008',
        outRate: '0.004',
        cacheWriteRate: '0.001',
        cacheReadRate: '0.00008',
        band: null,
      },
      work: {
        model: 'claude-sonnet-4-6',
        inRate: '0.003',
        outRate: '0.015',
        cacheWriteRate: '0.00375',
        cacheReadRate: '0.0003',
        band: null,
      },
      marginPct: '33.3',
      infraMonthlyUsd: '100',
      infraMonthlyRequests: '1000',
    });
  });

  it.each<Partial<TariffSettings>>([
    { DO_MONTHLY_REQUEST_VOLUME: 0 },
    { ORIGINATOR_MARGIN_PCT: -1 },
    { SONNET_INPUT_COST_PER_1K_TOKENS: NaN },
    { DO_MONTHLY_COST_USD: '1e-40' },
  ])('refuses %j', (changes) => expect(() => tariff(changes)).toThrow(RangeError));

  it('refuses a price of zero', () => expect(() => tariff({}, '0')).toThrow(RangeError));
});

describe('showUsd', () => {
  it.each<[number, string, string]>([
    [129, '100000', '$0.13'],
    [10, '100000', '$0.01'],
    [3, '100000', '$0.003'],
    [1, '97234.12', '$0.001'],
    [1, '1000', '$0.00001'],
    [0, '100000', '$0'],
    [1000, '100000', '$1'],
    [1500, '100000', '$1.50'],
    [100_000_000, '97234.12', '$97234.12'],
  ])('%s sats at %s are %s', (n, btcPriceUsd, text) => {
    expect(showUsd(sats(n), { btcPriceUsd })).toBe(text);
  });
});
