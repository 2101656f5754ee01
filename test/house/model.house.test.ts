import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log } from '../../src/lib/log.ts';
import { encodeNpub, generateSecretKey } from '../../src/nostr/keys.ts';
import { AgentError, NO_USAGE, type TokenUsage } from '../../src/ports/agent.ts';
import { rng } from '../builders/guest.ts';
import { createHandClock, type HandClock } from '../fakes/hand-clock.ts';
import { createScriptedAgent, type ScriptedAgent } from '../fakes/scripted-agent.ts';
import { visit, type Visit } from './visit.ts';

let v: Visit;
let agent: ScriptedAgent;
let clock: HandClock;
let logged: string[];

beforeEach(() => {
  [agent, clock, logged] = [createScriptedAgent(), createHandClock(), []];
});
afterEach(async () => {
  expect(v.broken()).toEqual([]);
  expect(v.count(`SELECT count(*) FROM tasks WHERE state = 'dead'`)).toBe(0);
  await v.close();
});

async function open(env: Record<string, string> = {}): Promise<void> {
  const line = (event: string, fields?: object): void => void logged.push(`${event} ${JSON.stringify(fields ?? {})}`);
  const log: Log = { debug: () => {}, info: line, warn: line, error: line };
  const operator = { TIMMY_OPERATOR_NPUBS: encodeNpub('d'.repeat(63) + '1') };
  v = await visit({ agent, clock, log, env: { ...operator, LIMIT_OPEN_INVOICES: '20', ...env } });
}
const alerts = (): number => logged.filter((text) => text.startsWith('operator.alert')).length;
const spent = (): number => v.count('SELECT coalesce(sum(usd_nanos), 0) FROM model_spend');
const stateOf = (id: string): unknown =>
  v.house.database.read.$client.prepare('SELECT state FROM jobs WHERE id = ?').pluck().get(id);
const refused = (code: string): AgentError => new AgentError('unavailable', code, { usage: NO_USAGE });
const useless = (code: string, usage: TokenUsage | null): AgentError => new AgentError('rejected', code, { usage });

let serial = 0;
async function ask(): Promise<string> {
  v.clock.advance(20_000);
  await v.guest.say(`job Why is the sky blue, ${++serial}?`);
  await v.pass();
  return v.guest.heard.at(-1) ?? '';
}
/** Orders, and pays for the look. */
async function order(): Promise<string> {
  await v.pay(await ask());
  return v.house.database.read.$client.prepare('SELECT id FROM jobs ORDER BY rowid DESC').pluck().get() as string;
}
const CLOSED = /^I sell nothing just now: the model that does my work is not to be had/;

describe('what a call costs us', () => {
  it('is counted as it was, whatever came of it', async () => {
    await open();
    const usage = { inputTokens: 1000, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 100 };
    agent.next('eval', useless('model.bad_output', usage), useless('model.bad_output', usage));
    const id = await order();
    await v.pass(5);
    expect(stateOf(id)).toBe('failed');
    // Two looks of 1000 in and 100 out at 0.0008 and 0.004 a thousand.
    expect(spent()).toBe(2 * (800_000 + 400_000));
  });

  it('is nothing where it was refused before any work', async () => {
    await open({ MODEL_RETRY_SECONDS: '10' });
    agent.always('eval', refused('model.overloaded'));
    const id = await order();
    await v.pass(30);
    expect(stateOf(id)).toBe('failed');
    expect(agent.calls.eval).toBeGreaterThan(2);
    expect(spent()).toBe(0);
  });

  it('is the most that it could be where nobody knows', async () => {
    await open();
    agent.always('eval', new AgentError('unknown', 'model.timeout'));
    await order();
    await v.pass(30);
    // More than 1000 in and 512 out, twice.
    expect(spent()).toBeGreaterThan(2 * (800_000 + 2_048_000));
    expect(spent()).toBeLessThan(2 * (900_000 + 2_048_000));
  });

  it('stops sales when the day’s budget is spent, not what is paid for; the operator hears once; the next day is open', async () => {
    await open({ MODEL_DAILY_BUDGET_USD: '0.2' });
    const id = await order();
    const other = await order();
    v.house.database.write((tx) => void tx.$client.prepare('UPDATE model_spend SET usd_nanos = 199999999').run());
    await v.pay(v.guest.heard.at(-1) ?? '');
    expect(stateOf(other)).toBe('complete');
    expect(await ask()).toMatch(/^I sell nothing just now: I have done all the work I may do today/);
    expect(alerts()).toBe(1);
    await v.guest.say(`invoice ${id}`);
    await v.pass();
    await v.pay(v.guest.heard.at(-1) ?? '');
    expect(stateOf(id)).toBe('complete');
    expect(alerts()).toBe(1);
    clock.advance(86_400_000);
    expect(await ask()).toMatch(/^lnbcrt/);
  });
});

describe('a model that is of no use', () => {
  it.each(['model.key_refused', 'model.spending_limit', 'model.no_such_model', 'model.wrong_address'])(
    '%s: sales stop, the operator hears once, paid steps wait and are owed back; open again by itself',
    async (code) => {
      await open({ MODEL_RETRY_SECONDS: '120' });
      agent.always('eval', refused(code));
      const first = await order();
      expect(await ask()).toMatch(CLOSED);
      expect(alerts()).toBe(1);
      await v.pass(100);
      expect(stateOf(first)).toBe('evaluating');
      await v.pass(60);
      expect(stateOf(first)).toBe('failed');
      expect(v.guest.heard.join('\n')).toMatch(
        /the model could not be reached. All that you paid for this step is yours/,
      );
      await v.pass(700);
      expect(alerts()).toBe(1);
      agent.always('eval', null);
      await v.pass(310);
      expect(alerts()).toBe(2);
      expect(await ask()).toMatch(/^lnbcrt/);
    },
  );

  it('for the work only: its own call decides when sales open', async () => {
    await open();
    agent.always('work', refused('model.no_such_model'));
    const id = await order();
    await v.pay(v.guest.heard.at(-1) ?? '');
    expect(await ask()).toMatch(CLOSED);
    await v.pass(200);
    expect(stateOf(id)).toBe('failed');
    expect(await ask()).toMatch(CLOSED);
    agent.always('work', null);
    await v.pass(310);
    expect(await ask()).toMatch(/^lnbcrt/);
  });

  it('stays known over a restart, and is tried at once: somebody may have mended it', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'timmy-model-'));
    const path = join(dir, 'timmy.db');
    const secretKey = generateSecretKey(rng);
    v = await visit({ agent, clock, path, secretKey });
    agent.always('eval', refused('model.key_refused'));
    await order();
    expect(await ask()).toMatch(CLOSED);
    await v.close();
    agent.always('eval', null);
    v = await visit({ agent, clock, path, secretKey });
    await v.pass();
    expect(v.count(`SELECT count(*) FROM facts WHERE name = 'model_trouble'`)).toBe(0);
    expect(await ask()).toMatch(/^lnbcrt/);
    rmSync(dir, { recursive: true });
  });
});

describe('an endpoint that never answers as asked', () => {
  it.each<[string, () => Error]>([
    ['a page', () => new AgentError('unavailable', 'model.no_answer')],
    [
      'a verdict in a fence',
      () =>
        useless('model.bad_output', { inputTokens: 400, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 30 }),
    ],
    ['no usage', () => useless('model.bad_usage', null)],
    ['requests it does not take', () => useless('model.bad_request', NO_USAGE)],
  ])('%s: three in a row and the operator hears of it, sales stop', async (_, error) => {
    await open();
    agent.always('eval', error());
    for (let n = 0; n < 3 && alerts() === 0; n++) {
      await order();
      await v.pass(5);
    }
    expect(agent.calls.eval).toBeGreaterThanOrEqual(3);
    expect(alerts()).toBe(1);
    expect(logged.filter((text) => text.startsWith('model.trouble')).join()).toContain('no_answers');
    expect(await ask()).toMatch(CLOSED);
    agent.always('eval', null);
    await v.pass(310);
    expect(await ask()).toMatch(/^lnbcrt/);
  });

  it('for the words of one customer only closes nothing: a call of our own is the judge', async () => {
    await open();
    const bad = (): Error =>
      useless('model.bad_output', { inputTokens: 400, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 512 });
    agent.next('eval', bad(), bad(), bad());
    await order();
    await order();
    await v.pass(5);
    expect(agent.calls.eval).toBeGreaterThan(4);
    expect(alerts()).toBe(0);
    expect(await ask()).toMatch(/^lnbcrt/);
  });
});
