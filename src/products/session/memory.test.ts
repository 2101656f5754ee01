import { describe, expect, it } from 'vitest';
import { turnTokens } from './memory.ts';

const usage = (inputTokens: number, outputTokens: number, cacheReadTokens = 0) => ({
  inputTokens,
  cacheWriteTokens: 0,
  cacheReadTokens,
  outputTokens,
});

describe('the length of a turn', () => {
  it.each<[string, string, Parameters<typeof turnTokens>[1], number]>([
    ['not counted: a quarter of its characters', 'x'.repeat(401), null, 101],
    [
      'counted: in and out, less what else was in the prompt',
      'x'.repeat(400),
      { usage: usage(150, 60), elseTokens: 90 },
      120,
    ],
    ['what the cache read was in the prompt too', 'x'.repeat(400), { usage: usage(50, 60, 100), elseTokens: 90 }, 120],
    ['another script has more tokens than a quarter', '天'.repeat(100), { usage: usage(80, 110), elseTokens: 50 }, 140],
    ['an endpoint that counts nothing', 'x'.repeat(400), { usage: usage(0, 0), elseTokens: 50 }, 50],
    ['an endpoint that counts beyond reason', 'é'.repeat(100), { usage: usage(1e9, 0), elseTokens: 50 }, 200],
  ])('%s', (_, text, counted, tokens) => expect(turnTokens(text, counted)).toBe(tokens));

  it('what one count gets wrong the next makes good: the sum is the count of all', () => {
    // The system prompt is 30 tokens longer than was thought; three turns of 100 in all.
    const [system, thought] = [80, 50];
    const text = 'x'.repeat(400);
    const turns: number[] = [];
    for (let turn = 0; turn < 3; turn++) {
      const remembered = turns.reduce((sum, tokens) => sum + tokens, 0);
      turns.push(turnTokens(text, { usage: usage(system + turn * 100 + 60, 40), elseTokens: thought + remembered }));
    }
    expect(turns).toEqual([130, 100, 100]);
  });
});
