import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/builders/fresh-database.ts';
import { createHandClock } from '../../../test/fakes/hand-clock.ts';
import { createScriptedAgent, type ScriptedAgent } from '../../../test/fakes/scripted-agent.ts';
import type { Database } from '../../db/index.ts';
import { silentLog } from '../../lib/log.ts';
import { AgentError, type Agent, type WorkRequest } from '../../ports/agent.ts';
import { DEFAULT_MODELS, DEFAULT_RATES, tariffFrom, type Tariff } from '../../pricing/index.ts';
import { createModelGate, type ModelGate } from './model-gate.ts';

const never = new AbortController().signal;
const clock = createHandClock();
let database: Database;
let agent: ScriptedAgent;
beforeEach(() => {
  [database, agent] = [freshDatabase(), createScriptedAgent()];
});
afterEach(() => database.close());

const gateTo = (to: Agent): ModelGate =>
  createModelGate({ database, clock, agent: to, log: silentLog, alert: () => {}, dailyBudgetUsd: 50 });
const spentNanos = (): unknown =>
  database.read.$client.prepare('SELECT coalesce(sum(usd_nanos), 0) FROM model_spend').pluck().get();

function tariff(models: { EVAL_MODEL?: string; WORK_MODEL?: string } = {}): Tariff {
  const rest = { DO_MONTHLY_COST_USD: 0, DO_MONTHLY_REQUEST_VOLUME: 1, ORIGINATOR_MARGIN_PCT: 0 };
  const settings = { ...DEFAULT_MODELS, ...DEFAULT_RATES, ...rest, ...models };
  return tariffFrom(settings, { usdMicros: 100_000_000_000n, source: 'test' });
}

function asked(model: string, request: string, changes: Partial<WorkRequest> = {}): WorkRequest {
  return { model, request, history: [], words: 150, format: 'plain', maxTokens: 1000, ...changes };
}

const lost = (partial = ''): AgentError => new AgentError('unknown', 'model.connection_lost', { partial });

describe('the most that a call can cost stays set aside where nobody knows', () => {
  it.each<[string, string, number, Partial<WorkRequest>, number]>([
    // 2000 bytes are 1000 tokens at most, and 1000 are ours: 2000 × 3000 + 1000 × 15000
    ['a request', 'claude-sonnet-4-6', 2000, {}, 21_000_000],
    // of a conversation all may be written to the cache: 2000 × 3750 + 1000 × 15000
    ['a conversation', 'claude-sonnet-4-6', 1998, { history: [{ role: 'customer', text: 'Hi' }] }, 22_500_000],
    // 99000 + 1000 tokens are the low band's most: 100000 × 100 + 1000 × 500
    ['a prompt just short of the band', 'claude-haiku-5-5', 198_000, {}, 10_500_000],
    // one more, and all of it is in the high one: 100001 × 500 + 1000 × 2500
    ['a long prompt', 'claude-haiku-5-5', 198_002, {}, 52_500_500],
  ])('%s to %s', async (_, model, bytes, changes, nanos) => {
    agent.next('work', lost('One.'));
    const heard: string[] = [];
    const onText = (textSoFar: string): void => void heard.push(textSoFar);
    const request = asked(model, 'x'.repeat(bytes), { ...changes, onText });
    await expect(gateTo(agent).work(request, tariff({ WORK_MODEL: model }), never)).rejects.toMatchObject({
      partial: 'One.',
    });
    expect(heard).toEqual(['One.']);
    expect(spentNanos()).toBe(nanos);
  });

  it('an evaluation has room for the thinking of its model', async () => {
    agent.always('eval', lost());
    const evaluate = (model: string): Promise<unknown> =>
      gateTo(agent).evaluate({ model, request: 'ab' }, tariff({ EVAL_MODEL: model }), never);
    await expect(evaluate('claude-haiku-4-5')).rejects.toThrow();
    // 1001 × 800 + 512 × 4000
    expect(spentNanos()).toBe(2_848_800);
    await expect(evaluate('claude-opus-5-5')).rejects.toThrow();
    // 1001 × 4000 + 2560 × 20000
    expect(spentNanos()).toBe(2_848_800 + 55_204_000);
  });

  it('so has a call of our own', async () => {
    agent.always('work', lost());
    await expect(gateTo(agent).probe('work', tariff({ WORK_MODEL: 'claude-opus-5-5' }), never)).rejects.toThrow();
    // (26 + 1000) × 4000 + (64 + 2048) × 20000
    expect(spentNanos()).toBe(46_344_000);
  });
});
