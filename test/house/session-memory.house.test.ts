import { afterEach, expect, it } from 'vitest';
import { createStubAgent } from '../../src/adapters/stubs/agent/index.ts';
import type { Agent, Work } from '../../src/ports/agent.ts';
import { visit, type Visit } from './visit.ts';

let v: Visit;
afterEach(async () => {
  expect(v.broken()).toEqual([]);
  await v.close();
});

/** Answers in 100 characters and counts so many tokens for each four; notes how many turns it was given. */
function countingAgent(factor: number, given: number[]): Agent {
  const stub = createStubAgent();
  return {
    ...stub,
    work: async (request): Promise<Work> => {
      given.push(request.history.length / 2);
      const texts = [...request.history.map(({ text }) => text), request.request];
      const characters = texts.reduce((sum, text) => sum + text.length, 0);
      return {
        text: 'a'.repeat(100),
        cut: false,
        model: request.model,
        usage: {
          inputTokens: 50 + Math.ceil((characters * factor) / 4),
          cacheWriteTokens: 0,
          cacheReadTokens: 0,
          outputTokens: 25 * factor,
        },
      };
    },
  };
}

/** Asks eight questions of 100 characters in a session. @returns how many turns the model was given with each. */
async function eightTurns(factor: number): Promise<number[]> {
  const given: number[] = [];
  v = await visit({
    agent: countingAgent(factor, given),
    env: { SESSION_MEMORY_TOKENS: '200', DO_MONTHLY_COST_USD: '0' },
  });
  await v.guest.say('session 1000');
  await v.pass(2);
  await v.pay(v.guest.heard.at(-1) ?? '');
  for (let n = 0; n < 8; n++) {
    await v.guest.say(`${n} ${'why '.repeat(24)}ab`);
    await v.pass(2);
  }
  return given;
}

it('what is remembered fits its tokens as the API counts them: 50 a turn', async () => {
  expect(await eightTurns(1)).toEqual([0, 1, 2, 3, 4, 2, 3, 4]);
});

it('and half as much where each turn is twice as many tokens', async () => {
  expect(await eightTurns(2)).toEqual([0, 1, 2, 1, 2, 1, 2, 1]);
});

it('what was answered before counts were noted is guessed', async () => {
  await eightTurns(2);
  v.house.database.read.$client.exec(`UPDATE requests SET details = json_remove(details, '$.rememberedTokens')`);
  await v.guest.say('Anything else?');
  await v.pass(2);
  expect(v.guest.heard.at(-1)).toContain(' left.');
});
