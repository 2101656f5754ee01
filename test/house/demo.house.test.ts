import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/index.ts';
import { generateSecretKey } from '../../src/nostr/keys.ts';
import { AgentError, NO_USAGE } from '../../src/ports/agent.ts';
import { RELAY, rng } from '../builders/house.ts';
import { createHandClock } from '../fakes/hand-clock.ts';
import { createRelayHub } from '../fakes/relay-hub.ts';
import { createScriptedAgent } from '../fakes/scripted-agent.ts';
import { createSlowAgent, visit, type Visit } from './visit.ts';

let v: Visit;

afterEach(async () => {
  expect(v.broken()).toEqual([]);
  expect(v.count(`SELECT count(*) FROM tasks WHERE state = 'dead'`)).toBe(0);
  // Nothing of it is in the books.
  expect(v.count(`SELECT count(*) FROM accounts WHERE id LIKE 'demo:%' OR id LIKE '%:D-%'`)).toBe(0);
  await v.close();
});

async function begin(options: Parameters<typeof visit>[0] = {}): Promise<void> {
  v = await visit({ ...options, env: { LIMIT_UNPAID_ANSWERS_PER_MINUTE: '600', ...options.env } });
}
const last = (): string => v.guest.heard.at(-1) ?? '';
const spent = (): number => v.count('SELECT coalesce(sum(usd_nanos), 0) FROM model_purses');

/** One database, one key and one set of relays for several houses, one after the other. */
function lives() {
  const dir = mkdtempSync(join(tmpdir(), 'timmy-demo-'));
  const [clock, path] = [createHandClock(), join(dir, 'timmy.db')];
  const options = { clock, path, hub: createRelayHub([RELAY]), secretKey: generateSecretKey(rng) };
  return {
    clock,
    options,
    run: (sql: string): void => {
      const database = openDatabase(path);
      database.write((tx) => void tx.$client.exec(sql));
      database.close();
    },
    end: () => rmSync(dir, { recursive: true }),
  };
}

async function ask(text: string): Promise<string> {
  v.clock.advance(11_000);
  await v.guest.say(text);
  await v.pass();
  return last();
}

describe('demo <text>', () => {
  it('is a short answer for nothing, and says how many are left and how to have a full one', async () => {
    await begin();
    const answer = await ask('demo Why is the sky blue?');
    expect(answer).toContain('No language model is connected');
    expect(answer).toMatch(/Free answers left to you this hour: 4\. For a full answer now, send: job and your request/);
    expect(v.guest.heard).toHaveLength(1);
    expect(v.count('SELECT count(*) FROM invoices')).toBe(0);
    // Both budgets know what it cost, and no more.
    expect(spent()).toBeGreaterThan(0);
    expect(spent()).toBe(v.count('SELECT usd_nanos FROM model_spend'));
  });

  it('is refused the sixth time in an hour, until when is said; neither restarts nor haste open anything', async () => {
    const life = lives();
    await begin(life.options);
    const { guest } = v;
    for (let n = 0; n < 3; n++) await guest.say(`demo Why is the sky blue, ${n}?`);
    await v.pass();
    await v.close();
    await begin(life.options);
    for (let n = 0; n < 4; n++) await guest.say(`demo Why is the sea blue, ${n}?`);
    await v.pass();
    const refused = 'You had your 5 free answers of this hour; the next is free in 60 minutes. Nothing was charged.';
    expect(guest.heard.filter((text) => text.includes('Free answers left'))).toHaveLength(5);
    expect(guest.heard.filter((text) => text.startsWith(refused))).toHaveLength(2);
    life.clock.advance(3_600_000);
    await guest.say('demo Why is grass green?');
    await v.pass();
    expect(guest.heard.at(-1)).toContain('left to you this hour: 4.');
    life.end();
  });

  it.each(['', 'and its task is lost'])('is answered once, where we are killed meanwhile %s', async (lost) => {
    const life = lives();
    const slow = createSlowAgent();
    await begin({ ...life.options, agent: slow });
    const { guest } = v;
    await guest.say('demo Why is the sky blue?');
    await v.pass();
    expect(v.count(`SELECT count(*) FROM demos WHERE state = 'looking'`)).toBe(1);
    await v.close();
    if (lost !== '') life.run(`DELETE FROM tasks WHERE kind = 'demo.look'`);
    await begin(life.options);
    await v.pass(10);
    expect(guest.heard.filter((text) => text.includes('Free answers left'))).toHaveLength(1);
    expect(v.count(`SELECT count(*) FROM demos WHERE state = 'complete'`)).toBe(1);
    life.end();
  });

  it('is declined as a paid one would be, and counts: the look was the answer', async () => {
    await begin();
    const answer = await ask('demo please reject this');
    expect(answer).toMatch(/^I decline this one: .*\n\nFree answers left to you this hour: 4\./s);
  });

  it('is given back where the model fails, and it is said so', async () => {
    const agent = createScriptedAgent();
    await begin({ agent });
    agent.always('work', new AgentError('unavailable', 'model.overloaded', { usage: NO_USAGE }));
    await ask('demo Why is the sky blue?');
    await v.pass(40);
    expect(last()).toMatch(
      /^I could not answer: the model could not be reached\. It does not count, and nothing was charged\.\n\nFree answers left to you this hour: 5\./,
    );
    agent.always('work', null);
    expect(await ask('demo Why is the sky blue?')).toContain('this hour: 4.');
  });

  it('is not begun where its purse does not pay for all of the call: given back, and nothing is spent on it', async () => {
    const agent = createSlowAgent();
    await begin({ agent });
    await ask('demo Why is the sky blue?');
    v.house.database.write((tx) => void tx.$client.exec('UPDATE model_purses SET usd_nanos = 999000000'));
    agent.letGo();
    await v.pass(30);
    expect(last()).toMatch(/today is spent\. It does not count, and nothing was charged\..* this hour: 5\./s);
    expect(spent()).toBeLessThan(999_000_000);
    expect(await ask('demo Why is the sky blue?')).toMatch(
      /^What I may spend on free answers for newcomers today is spent; the next is free in /,
    );
  });

  it('keeps its text until it is answered, whatever is forgotten meanwhile', async () => {
    const agent = createSlowAgent();
    await begin({ agent });
    await ask('demo Why is the sky blue?');
    await ask('forget');
    agent.letGo();
    await v.pass();
    agent.letGo();
    await v.pass();
    expect(last()).toContain('No language model is connected');
    await ask('forget');
    expect(
      v.count(`SELECT count(*) FROM texts t, demos d WHERE t.id IN (d.request_id, d.details ->> 'resultId')`),
    ).toBe(0);
  });

  it('that takes a moment is said to be under way, and status knows it; cancel has nothing to cancel', async () => {
    const agent = createSlowAgent();
    await begin({ agent });
    expect(await ask('demo Why is the sky blue?')).toBe('');
    await v.pass(6);
    expect(last()).toMatch(/^Working on D-[0-9A-Z]{5}, the short answer comes here\. It is free\.$/);
    expect(await ask('status')).toMatch(/^D-[0-9A-Z]{5}: a free question, I am working on it/);
    const id = /D-\w{5}/.exec(last())?.[0] ?? '';
    expect(await ask(`cancel ${id}`)).toMatch(/nothing to pay and nothing to cancel/);
    expect(await ask('cancel')).toMatch(/^Nothing of yours is open/);
    agent.letGo();
    await v.pass();
    agent.letGo();
    await v.pass();
    expect(last()).toContain('Free answers left');
    expect(await ask('history')).toMatch(/^You have bought nothing yet/);
  });
});

describe('demo alone', () => {
  it('answers the request that waits unpaid, which stays as it is: its invoice buys the full answer', async () => {
    await begin();
    await ask('Why is the sky blue?');
    const answer = await ask('demo');
    expect(answer).toMatch(/pay the invoice of (J-[0-9A-Z]{5}): invoice \1 shows it\.$/);
    expect(v.count(`SELECT count(*) FROM jobs WHERE state = 'awaiting_eval_payment'`)).toBe(1);
    expect(v.count(`SELECT count(*) FROM invoices WHERE state = 'open'`)).toBe(1);
  });

  it('answers what waits in a session for a top-up, and names the session whose invoice pays for it', async () => {
    await begin();
    await ask('session 200');
    await v.pay(last());
    await v.pass(2);
    await ask('Why is the sky blue?');
    await v.pass(2);
    await ask('And why is the grass green?');
    await v.pass(2);
    expect(await ask('demo')).toMatch(/pay the invoice of (S-[0-9A-Z]{5}): invoice \1 shows it\.$/);
    expect(v.count(`SELECT count(*) FROM requests WHERE state = 'waiting'`)).toBe(1);
  });

  it('says what to send where nothing waits', async () => {
    await begin();
    expect(await ask('demo')).toMatch(
      /^No new request of yours waits to be paid\. For a short answer, free, send: demo/,
    );
  });
});

describe('demo.run', () => {
  interface Answer {
    readonly id: number;
    readonly result?: { readonly result: string; readonly remaining_this_hour: number };
    readonly error?: { readonly code: number; readonly data?: Record<string, unknown> };
  }
  const run = (id: number, params: object = { request: 'Why is the sky blue?' }): Promise<void> =>
    v.guest.say(JSON.stringify({ jsonrpc: '2.0', id, method: 'demo.run', params }));
  async function heard(seconds = 0): Promise<Answer[]> {
    await v.pass(seconds);
    return v.guest.heard.map((text) => JSON.parse(text) as Answer).sort((a, b) => a.id - b.id);
  }

  it('answers when it is answered, once; asked again, the same, and it does not count twice', async () => {
    const agent = createSlowAgent();
    await begin({ agent });
    await run(1);
    expect(await heard(70)).toEqual([]);
    agent.letGo();
    await v.pass();
    agent.letGo();
    const [first] = await heard();
    expect(first).toMatchObject({ id: 1, result: { remaining_this_hour: 4 } });
    expect(first?.result?.result).toContain('No language model is connected');
    await run(1);
    expect(await heard()).toEqual([first, first]);
    expect(v.count('SELECT count(*) FROM demos')).toBe(1);
  });

  it('says no by number: too many with retry_after, too long, declined, malformed', async () => {
    await begin({ env: { DEMO_REQUESTS_PER_HOUR: '1' } });
    await run(1, { request: 'x'.repeat(1001) });
    await run(2, { request: '' });
    await run(3, { request: 'please reject this' });
    await run(4);
    expect(await heard()).toMatchObject([
      { id: 1, error: { code: -32004, data: { max_chars: 1000 } } },
      { id: 2, error: { code: -32602 } },
      { id: 3, error: { code: -32002, data: { state: 'declined', remaining_this_hour: 0 } } },
      { id: 4, error: { code: -32003, data: { retry_after: 3600 } } },
    ]);
    // What is to be tried later is no first answer.
    v.clock.advance(3_600_000);
    await run(4);
    expect((await heard()).at(-1)).toMatchObject({ id: 4, result: { remaining_this_hour: 0 } });
  });

  it('gives the question back where the model fails, and the same request may be sent again', async () => {
    const agent = createScriptedAgent();
    await begin({ agent });
    agent.always('work', new AgentError('rejected', 'model.empty', { usage: NO_USAGE }));
    await run(1);
    expect(await heard(10)).toMatchObject([
      { error: { code: -32007, data: { state: 'failed', remaining_this_hour: 5 } } },
    ]);
    agent.always('work', null);
    await run(1);
    expect((await heard(10)).at(-1)).toMatchObject({ id: 1, result: { remaining_this_hour: 4 } });
  });
});

describe('strangers', () => {
  it('by the dozen get no more than two thirds of the hour, and the purse holds', async () => {
    await begin({ env: { DEMO_ALL_REQUESTS_PER_HOUR: '20', DEMO_DAILY_BUDGET_USD: '0.02' } });
    const guests = await Promise.all(Array.from({ length: 40 }, () => v.house.guest()));
    for (const guest of guests) await guest.say('demo Why is the sky blue?');
    await v.pass(5);
    const heard = guests.map((guest) => guest.heard.at(-1) ?? '');
    const answered = heard.filter((text) => text.includes('Free answers left')).length;
    expect(answered).toBeGreaterThan(0);
    expect(answered).toBeLessThanOrEqual(13);
    expect(heard.filter((text) => text.includes('the next is free in'))).toHaveLength(40 - answered);
    expect(spent()).toBeLessThanOrEqual(20_000_000);
  });

  it('who ask for nothing hold up nobody who pays', async () => {
    const agent = createSlowAgent();
    await begin({ agent });
    const guests = await Promise.all(Array.from({ length: 8 }, () => v.house.guest()));
    for (const guest of guests) await guest.say('demo Why is the sky blue?');
    await v.pass(1);
    // Two of them are with the model, and stay there.
    expect(v.count(`SELECT count(*) FROM tasks WHERE kind = 'demo.look' AND state = 'running'`)).toBe(2);
    await ask('Why is grass green?');
    v.house.pay(last());
    v.house.timmy.onWalletHint(null);
    await v.pass();
    expect(v.count(`SELECT count(*) FROM tasks WHERE kind = 'job.evaluate' AND state = 'running'`)).toBe(1);
  });
});
