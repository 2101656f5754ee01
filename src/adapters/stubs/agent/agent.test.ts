import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WorkRequest } from '../../../ports/agent.ts';
import { createStubAgent } from './index.ts';

const agent = createStubAgent();
const never = new AbortController().signal;
const ask = (changes: Partial<WorkRequest> = {}) =>
  agent.work(
    {
      model: 'm',
      request: 'Why is the sky blue?',
      history: [],
      words: 150,
      format: 'plain',
      maxTokens: 8192,
      ...changes,
    },
    never,
  );

describe('stub agent', () => {
  it.each([
    ['Why is the sky blue?', true],
    ['Please REJECT this one', false],
    ['reject', true],
  ])('evaluates %j', async (request, accept) => {
    const evaluation = await agent.evaluate({ model: 'm', request }, never);
    expect(evaluation).toMatchObject({ accept, model: 'm' });
    expect(evaluation.usage.inputTokens).toBeGreaterThan(300);
  });

  it('says what it is, and the same every time', async () => {
    const work = await ask();
    expect(work.text).toContain('No language model is connected');
    expect(work.text).toContain('Why is the sky blue?');
    expect(work.cut).toBe(false);
    expect(await ask()).toEqual(work);
  });

  it('needs less than a short quote pays for, so that there is change', async () => {
    const { usage } = await ask();
    expect(usage.inputTokens).toBe(55);
    expect(usage.outputTokens).toBeLessThan(200);
  });

  it('uses markdown only when asked', async () => {
    expect((await ask()).text).not.toMatch(/^#/m);
    expect((await ask({ format: 'markdown' })).text).toMatch(/^# /);
  });

  it('counts the conversation', async () => {
    const history = [{ role: 'customer', text: 'x'.repeat(400) }] as const;
    expect((await ask({ history })).usage.inputTokens).toBe(155);
  });

  it('keeps the bound, whatever it is asked', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 1, max: 300 }),
        async (request, maxTokens) => {
          const work = await ask({ request, maxTokens });
          expect(work.text.trim()).not.toBe('');
          expect(work.usage.outputTokens).toBeLessThanOrEqual(maxTokens);
          expect([...work.text].length).toBeLessThanOrEqual(maxTokens * 4);
        },
      ),
    );
  });

  it('cut, it says so', async () => expect((await ask({ maxTokens: 5 })).cut).toBe(true));

  it('is heard a paragraph at a time', async () => {
    const heard: string[] = [];
    const work = await ask({ onText: (textSoFar) => void heard.push(textSoFar) });
    expect(heard).toHaveLength(4);
    for (const textSoFar of heard) expect(work.text.startsWith(textSoFar)).toBe(true);
    expect(heard.at(-1)).toBe(work.text);
  });

  it('stops when it is stopped', async () => {
    await expect(agent.evaluate({ model: 'm', request: 'x' }, AbortSignal.abort())).rejects.toMatchObject({
      fault: 'unknown',
    });
  });
});
