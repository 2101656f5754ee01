import { describe, expect, it } from 'vitest';
import { sats } from '../lib/units.ts';
import { NO_CACHE, type TokenUsage } from '../ports/agent.ts';
import {
  affordableOutputTokens,
  DEFAULT_MODELS,
  DEFAULT_RATES,
  evaluationMaxTokens,
  findModel,
  maxOutputTokens,
  priceOf,
  quoteWork,
  ratesOf,
  tariffFrom,
  tokenCostUsd,
  type RateSettings,
  type Tariff,
} from './index.ts';

const SETTINGS = { ...DEFAULT_MODELS, ...DEFAULT_RATES };
const TIERS = {
  SHORT_MAX_CHARS: 100,
  MEDIUM_MAX_CHARS: 300,
  OUTPUT_TOKENS_SHORT_EST: 200,
  OUTPUT_TOKENS_MEDIUM_EST: 400,
  OUTPUT_TOKENS_LONG_EST: 800,
  WORK_SYSTEM_PROMPT_TOKENS_EST: 50,
};

function tariff(changes: Partial<RateSettings>): Tariff {
  const rest = { DO_MONTHLY_COST_USD: 100, DO_MONTHLY_REQUEST_VOLUME: 1000, ORIGINATOR_MARGIN_PCT: 25 };
  return tariffFrom({ ...SETTINGS, ...rest, ...changes }, { usdMicros: 100_000_000_000n, source: 'test' });
}

function nanos(model: string, usage: TokenUsage): number {
  const { n, d } = tokenCostUsd({ role: 'work', ...usage }, tariff({ WORK_MODEL: model }));
  return Number((n * 1_000_000_000n) / d);
}

describe('ratesOf', () => {
  const work = (changes: Partial<RateSettings>) => ratesOf('work', { ...SETTINGS, ...changes });

  it('the defaults keep the rates that were always theirs', () => {
    expect(ratesOf('eval', SETTINGS)).toMatchObject({ inRate: '0.0008', outRate: '0.004', source: 'set' });
    expect(work({})).toEqual({
      model: 'claude-sonnet-4-6',
      inRate: '0.003',
      outRate: '0.015',
      cacheWriteRate: '0.00375',
      cacheReadRate: '0.0003',
      band: null,
      source: 'set',
    });
  });

  it('another known model has its own, by whatever name, its band too', () => {
    const own = {
      inRate: '0.0001',
      outRate: '0.0005',
      cacheWriteRate: '0.000125',
      cacheReadRate: '0.00001',
      band: {
        abovePromptTokens: 100_000,
        inRate: '0.0005',
        outRate: '0.0025',
        cacheWriteRate: '0.000625',
        cacheReadRate: '0.00005',
      },
      source: 'list',
    };
    expect(work({ WORK_MODEL: 'claude-haiku-5-5' })).toEqual({ model: 'claude-haiku-5-5', ...own });
    const name = 'anthropic/claude-haiku-5.5';
    expect(work({ WORK_MODEL: name })).toEqual({ model: name, ...own });
    expect(ratesOf('eval', { ...SETTINGS, EVAL_MODEL: name })).toEqual({ model: name, ...own });
    expect(work({ WORK_MODEL: 'claude-haiku-4-5' })).toMatchObject({ inRate: '0.001', outRate: '0.005' });
  });

  it('untouched is what it is worth, however it is written', () => {
    const written = { SONNET_INPUT_COST_PER_1K_TOKENS: '0.0030', SONNET_OUTPUT_COST_PER_1K_TOKENS: 0.015 };
    expect(work({ WORK_MODEL: 'claude-sonnet-5', ...written })).toMatchObject({ source: 'list', inRate: '0.002' });
  });

  it('set by hand wins, one rate or both; the cache and the band follow in the list’s proportions', () => {
    expect(
      work({
        WORK_MODEL: 'claude-haiku-5-5',
        SONNET_INPUT_COST_PER_1K_TOKENS: '0.0002',
        SONNET_OUTPUT_COST_PER_1K_TOKENS: '0.0006',
      }),
    ).toEqual({
      model: 'claude-haiku-5-5',
      inRate: '0.0002',
      outRate: '0.0006',
      cacheWriteRate: '0.00025',
      cacheReadRate: '0.00002',
      band: {
        abovePromptTokens: 100_000,
        inRate: '0.001',
        outRate: '0.003',
        cacheWriteRate: '0.00125',
        cacheReadRate: '0.0001',
      },
      source: 'set',
    });
    const output = { WORK_MODEL: 'claude-sonnet-5-5', SONNET_OUTPUT_COST_PER_1K_TOKENS: '0.02' };
    // A twentieth is read at, there.
    expect(work(output)).toMatchObject({ inRate: '0.003', outRate: '0.02', cacheReadRate: '0.00015', source: 'set' });
  });

  it('of a model that is not known, what they have in common, and that nobody said it', () => {
    expect(work({ WORK_MODEL: 'other' })).toMatchObject({ inRate: '0.003', source: 'unknown', band: null });
    expect(work({ WORK_MODEL: 'other', SONNET_INPUT_COST_PER_1K_TOKENS: '0.004' })).toMatchObject({
      inRate: '0.004',
      cacheWriteRate: '0.005',
      cacheReadRate: '0.0004',
      source: 'set',
    });
  });

  it.each(['claude-haiku-4-5', 'claude-sonnet-4-6', 'claude-sonnet-5', 'claude-haiku-5-5', 'claude-opus-5-5'])(
    '%s: a write is a quarter dearer than input, and no rate is binary dust',
    (name) => {
      const list = findModel(name)?.list;
      expect(Number(list?.cacheWriteRate)).toBeCloseTo(Number(list?.inRate) * 1.25, 12);
    },
  );
});

/** Ten turns: 50 tokens of ours, 100 asked and 400 answered in each, times the tokenizer's factor. */
function conversation(model: string, cache: 'none' | 'hits' | 'all late'): number {
  const known = findModel(model);
  const more = (tokens: number): number => (tokens * (known?.tokenizerPct ?? 0)) / 100;
  let [total, kept] = [0, 0];
  for (let turn = 1; turn <= 10; turn++) {
    const prompt = more(50 + 100 * turn + 400 * (turn - 1));
    const isCached = cache !== 'none' && prompt >= (known?.minCacheableTokens ?? 0);
    const read = isCached && cache === 'hits' ? kept : 0;
    const [inputTokens, cacheWriteTokens] = isCached ? [0, prompt - read] : [prompt, 0];
    if (isCached) kept = prompt;
    total += nanos(model, { inputTokens, cacheWriteTokens, cacheReadTokens: read, outputTokens: more(400) });
  }
  return total;
}

describe('ten turns of a conversation, in billionths of a USD', () => {
  it.each([
    ['claude-sonnet-4-6', 132_000_000, 85_402_500, 149_400_000],
    ['claude-sonnet-5-5', 114_400_000, 69_998_500, 129_902_500],
    ['claude-haiku-5-5', 5_720_000, 3_624_725, 6_495_125],
  ])('%s: %s uncached, %s cached, %s where the customer is always too slow', (model, none, hits, late) => {
    expect([conversation(model, 'none'), conversation(model, 'hits'), conversation(model, 'all late')]).toEqual([
      none,
      hits,
      late,
    ]);
  });
});

describe('a quote', () => {
  it.each<[string, number, number, number]>([
    // 46 characters: ceil(46/4) + 50 = 62 in, 200 out.
    ['claude-sonnet-4-6', 62, 200, 129],
    // × 1.3: ceil(80.6) = 81 in, 260 out: 0.000162 + 0.0026 + 0.1 = 0.102762; × 1.25 = 0.1284525 → 129
    ['claude-sonnet-5-5', 81, 260, 129],
    // 0.0000081 + 0.00013 + 0.1 = 0.1001381; × 1.25 = 0.125172625 → 126
    ['claude-haiku-5-5', 81, 260, 126],
    // 1024 for the thinking that it cannot be kept from: 0.000324 + 0.02568 + 0.1 = 0.126004; × 1.25 = 0.157505 → 158
    ['claude-opus-5-5', 81, 1284, 158],
    // Nothing is known of it: as dear as was set, and a tokenizer of today. 0.000243 + 0.0039 + 0.1; × 1.25 = 0.13017875 → 131
    ['other', 81, 260, 131],
  ])('for %s: %s tokens in, %s out, %s sats, and the same words', (model, input, output, amount) => {
    expect(quoteWork('x'.repeat(46), tariff({ WORK_MODEL: model }), TIERS)).toEqual({
      estimatedInputTokens: input,
      estimatedOutputTokens: output,
      amountSats: amount,
      words: 150,
    });
  });
});

describe('the band of a long prompt', () => {
  const haiku = tariff({ WORK_MODEL: 'claude-haiku-5-5' });

  it('prices each call by its own prompt', () => {
    const call = (inputTokens: number) => ({ role: 'work', inputTokens, ...NO_CACHE, outputTokens: 1000 }) as const;
    // Two of 60,000 are two short ones: 2 × (6000000 + 500000) nano-USD = 0.013; × 1.25 = 16.25 sats
    expect(priceOf([call(60_000), call(60_000)], haiku, 'without infra').sats).toBe(17);
    // One of 120,000: 60000000 + 2500000 = 0.0625; × 1.25 = 78.125 sats
    expect(priceOf([call(120_000)], haiku, 'without infra').sats).toBe(79);
  });

  it('bounds the output at the dearer rate', () => {
    // 0.1 − 0.01 = 0.09 at 0.0005 a thousand; 0.1 − 0.0500005 = 0.0499995 at 0.0025
    expect(maxOutputTokens(sats(100), 100_000, haiku, 1_000_000)).toBe(180_000);
    expect(maxOutputTokens(sats(100), 100_001, haiku, 1_000_000)).toBe(19_999);
  });
});

it('a balance is bounded by what a prompt costs that is written to the cache', () => {
  const sonnet = tariff({});
  // 0.2 ÷ 1.25 − 0.1 = 0.06; − 10000 × 0.000003 = 0.03 → 2000 tokens; − 10000 × 0.00000375 = 0.0225 → 1500
  expect(affordableOutputTokens(sats(200), [], 10_000, sonnet, 8192)).toBe(2000);
  expect(affordableOutputTokens(sats(200), [], 10_000, sonnet, 8192, 'may be cached')).toBe(1500);
});

it.each([
  ['claude-haiku-4-5', 512],
  ['claude-haiku-5-5', 512],
  ['claude-opus-5-5', 2560],
  ['other', 2560],
])('an evaluation by %s may take %s tokens', (model, tokens) => {
  expect(evaluationMaxTokens(model)).toBe(tokens);
});
