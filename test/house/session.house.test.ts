import { afterEach, describe, expect, it } from 'vitest';
import { createStubAgent } from '../../src/adapters/stubs/agent/index.ts';
import { AgentError, type Agent } from '../../src/ports/agent.ts';
import type { Guest } from '../builders/guest.ts';
import { createHandClock } from '../fakes/hand-clock.ts';
import { createScriptedAgent } from '../fakes/scripted-agent.ts';
import { createSlowAgent, visit, type Visit } from './visit.ts';

let v: Visit;
afterEach(async () => {
  expect(v.broken()).toEqual([]);
  expect(v.count(`SELECT count(*) FROM tasks WHERE state = 'dead'`)).toBe(0);
  await v.close();
});

const invoiceIn = (heard: readonly string[]): string => heard.filter((text) => text.startsWith('lnbc')).at(-1) ?? '';
const say = async (text: string, seconds = 2): Promise<string[]> => {
  await v.guest.say(text);
  await v.pass(seconds);
  return v.news();
};
const payLast = async (): Promise<string[]> => {
  await v.pay(invoiceIn(v.guest.heard));
  await v.pass(2);
  return v.news();
};
const open = async (sats = 500): Promise<void> => {
  await say(`session ${sats}`);
  await payLast();
};
const last = (texts: readonly string[]): string => texts.at(-1)?.split('\n').at(-1) ?? '';
/** What a session has by the books: in its own account, and set aside. Sats. */
const held = (): number =>
  v.count(
    `SELECT coalesce(sum(credits - debits), 0) / 1000 FROM accounts WHERE id GLOB 'session:*' OR id GLOB 'request:*'`,
  );

describe('a session in words', () => {
  it('says what it buys, is paid once and asked many times', async () => {
    v = await visit();
    expect(await say('session')).toEqual([
      'Pay once, ask many times; each answer is charged at what it cost, and what is left is yours. session 500: about 3 questions at 129 sats. session 1000: about 7 questions at 129 sats.',
    ]);
    expect(await say('session 500')).toEqual([
      'S-XXXXX. 500 sats ($0.50): about 3 questions at 129 sats. Each answer is charged at what it cost; what is left at the end is yours. Invoice follows, good for 60 minutes.',
      '<invoice for 500>',
    ]);
    expect(await say('session 700')).toEqual([
      expect.stringMatching(/^S-XXXXX: 500 sats, good for another \d+ minutes. Invoice follows.$/),
      '<invoice for 500>',
    ]);
    expect(await payLast()).toEqual([
      'Paid. S-XXXXX is open: 500 sats, about 3 questions at 129 sats. Just write. It ends 24 hours after the last answer; what is left is yours.',
    ]);
    expect(last(await say('Why is the sky blue?'))).toBe('128 sats, 372 left.');
    expect((await say('And the grass?'))[0]).toContain('It follows 2 earlier messages');
    expect(await say('balance')).toEqual([expect.stringMatching(/^S-XXXXX: 244 sats, about 1 question/)]);
    expect(await say('And please reject this?')).toEqual([
      'I decline that: The stub agent rejects whatever contains "please reject". 1 sats, 243 left.',
    ]);
    expect((await say('new'))[0]).toContain('A new conversation');
    const answer = await say('And the sea?');
    expect(answer[0]).not.toContain('earlier messages');
    expect(last(answer)).toBe('127 sats, 116 left. That does not pay another like it: topup 500 does.');
    expect(held()).toBe(116);
  });

  it('asks for a top-up where the balance does not pay, and answers what waited when it came', async () => {
    v = await visit();
    await open(200);
    await say('Why is the sky blue?');
    expect(await say('And the moon?')).toEqual([
      expect.stringMatching(/^72 sats are left in S-XXXXX, which does not pay this one. 200 more, and it is answered/),
      '<invoice for 200>',
    ]);
    expect(await say('And what of its far side?')).toEqual([expect.stringContaining('72 sats'), '<invoice for 200>']);
    const news = await payLast();
    expect(news[0]).toBe('Paid. S-XXXXX has 272 sats, about 2 questions at 129 sats.');
    expect(news[1]).toContain('And the moon? And what of its far side?');
    expect(v.count(`SELECT count(*) FROM requests`)).toBe(2);
  });

  it('pauses below its minimum, with an invoice', async () => {
    v = await visit({ env: { SESSION_MIN_BALANCE_SATS: '80' } });
    await open(200);
    const news = await say('Why is the sky blue?', 4);
    expect(last(news.slice(0, 1))).toBe('128 sats, 72 left.');
    expect(news.slice(1)).toEqual([
      'S-XXXXX is paused: 72 sats left. 200 sats more open it again. Invoice follows.',
      '<invoice for 200>',
    ]);
    expect((await payLast())[0]).toContain('Paid. S-XXXXX has 272 sats');
  });

  it('joins lines that come while it answers into one next request', async () => {
    const agent = createSlowAgent();
    v = await visit({ agent });
    await open(500);
    expect(await say('First?')).toEqual([]);
    expect(await say('Second?')).toEqual([
      'I take that next, as soon as the one before is answered. Further lines join it.',
    ]);
    expect(await say('Third?')).toEqual([]);
    for (let call = 0; call < 4; call++) {
      agent.letGo();
      await v.pass(1);
    }
    const answers = await v.news();
    expect(answers).toHaveLength(2);
    expect(answers[1]).toContain('Second? Third?');
  });

  it('ends a day after the last answer, and what is left is owed back; words are held until it is said what is meant', async () => {
    v = await visit();
    await open(500);
    await say('Why is the sky blue?');
    v.clock.advance(23 * 3_600_000);
    expect(last(await say('And the grass?'))).toContain('244 left');
    v.clock.advance(23 * 3_600_000);
    await v.pass(2);
    expect(await v.news()).toEqual([]);
    v.clock.advance(3_700_000);
    await v.pass(2);
    expect(await v.news()).toEqual([expect.stringMatching(/^The time of S-XXXXX is over. 244 sats are yours/)]);
    expect(await say('Why is the sea salty?')).toEqual([
      '244 sats of S-XXXXX are yours. session: go on with them. job: single job.',
    ]);
    const news = await say('session', 4);
    expect(news[0]).toMatch(/^244 sats of what I kept for you are in S-XXXXX. S-XXXXX is open: 244 sats/);
    expect(news[1]).toContain('Why is the sea salty?');
    expect(last(news)).toBe('128 sats, 116 left. That does not pay another like it: topup 244 does.');
  });

  it('held words are sold as a job where that is said, and asked about once', async () => {
    v = await visit();
    await open(500);
    expect((await say('close?'))[0]).toContain('That is written: close');
    expect((await say('close'))[0]).toMatch(/^S-XXXXX is closed. 500 sats are yours/);
    await say('Why is the sea salty?');
    expect((await say('job'))[0]).toMatch(/^J-XXXXX. 10 sats now for a look/);
    await say('cancel');
    expect((await say('Why is the sky blue?'))[0]).toMatch(/^J-XXXXX/);
  });

  it('a top-up that is paid after the end opens it again, with what was left', async () => {
    v = await visit();
    await open(300);
    await say('Why is the sky blue?');
    await say('topup 400');
    await say('close');
    const news = await payLast();
    expect(news).toEqual([expect.stringMatching(/^Paid. S-XXXXX is open: 572 sats/)]);
    expect(held()).toBe(572);
  });

  it('costs nothing where it cannot be done, and asks for the rest of an answer that was lost midway', async () => {
    const agent = createScriptedAgent();
    v = await visit({ agent });
    await open(500);
    const refused = new AgentError('rejected', 'model.refused', { usage: null });
    agent.next('work', refused);
    expect(await say('Why is the sky blue?')).toEqual([
      'That could not be done: the model declined to answer it. It cost nothing, 500 sats are left. Please ask again.',
    ]);
    // What was refused is no part of the conversation.
    expect((await say('Why is the grass green?'))[0]).not.toContain('earlier messages');
    const paragraph = `${'A long paragraph of many words. '.repeat(45)}\n\n`;
    agent.next('work', new AgentError('unknown', 'model.connection_lost', { partial: `${paragraph}And` }));
    const news = await say('Why is the moon round?', 6);
    expect(news[0]).toBe(paragraph.trim());
    expect(news[1]).toContain('Go on exactly where you stopped');
    expect(last(news)).toMatch(/^1[23]\d sats, \d+ left/);
  });

  it('lasts longer by the time in which we could not serve, and says so', async () => {
    const clock = createHandClock();
    v = await visit({ clock });
    await open(500);
    v.house.database.write((tx) => {
      const now = clock.now();
      tx.run(`INSERT INTO outages (why, from_at, to_at) VALUES ('down', ${now + 3600}, ${now + 4 * 3600})`);
    });
    clock.advance(24 * 3_600_000 + 1000);
    await v.pass(2);
    expect(await v.news()).toEqual(['S-XXXXX stays open 3 hours longer: so long I was away.']);
    clock.advance(3 * 3_600_000 + 1000);
    await v.pass(2);
    expect((await v.news())[0]).toContain('The time of S-XXXXX is over. 500 sats are yours');
  });
});

describe('a token', () => {
  const heardBy = (guest: Guest): string[] =>
    guest.heard.map((text) => text.replace(/\b([SR])-[0-9A-Z]{5}\b/g, '$1-X'));

  it('that was cut on its way is not sold as a request', async () => {
    v = await visit();
    expect(await say(`use ${'a1'.repeat(31)}`)).toEqual(['That is written: use <token>']);
    expect(v.count('SELECT count(*) FROM jobs')).toBe(0);
  });

  it('lets another key ask and top up, apart from its owner, until it is replaced; it neither closes nor refunds', async () => {
    v = await visit();
    await open(600);
    const told = await say('token');
    const token = told.at(-1) ?? '';
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    for (const table of ['texts', 'outbox', 'sessions', 'rpc_answers'])
      expect(JSON.stringify(v.house.database.read.$client.prepare(`SELECT * FROM ${table}`).all())).not.toContain(
        token,
      );
    const friend = await v.house.guest();
    await friend.say(`use ${'0'.repeat(64)}`);
    await friend.say(`use ${token}`);
    await v.pass(2);
    await say('Remember the word canary.');
    await friend.say('Why is the sky blue?');
    await v.pass(3);
    await friend.say('close');
    await friend.say('topup 200');
    await v.pass(3);
    const friendHeard = heardBy(friend);
    expect(friendHeard[0]).toContain('No open session has this token');
    expect(friendHeard[1]).toContain('You ask in S-X now');
    expect(friendHeard[2]).toMatch(/128 sats, 344 left\.$/);
    expect(friendHeard[2]).not.toContain('earlier messages');
    expect(friendHeard[3]).toContain("somebody else's");
    expect(friendHeard[4]).toContain('200 sats more for S-X');
    await v.pay(invoiceIn(friend.heard));
    await v.pass(2);
    expect(heardBy(friend).at(-1)).toContain('Paid. S-X has 544 sats');
    // The owner heard of none of that but what is theirs.
    expect((await v.news()).join()).not.toContain('sky');
    await say('token');
    await friend.say('And the grass?');
    await v.pass(3);
    expect(heardBy(friend).at(-1)).toMatch(/^S-X takes your token no more/);
    expect(v.count('SELECT count(*) FROM jobs')).toBe(0);
  });

  it('may be guessed five times an hour', async () => {
    v = await visit();
    await open(500);
    const answers: string[] = [];
    for (let guess = 0; guess < 7; guess++) answers.push(...(await say(`use ${guess}${'0'.repeat(63)}`, 15)));
    expect(answers.filter((text) => text.startsWith('No open session'))).toHaveLength(5);
    expect(answers.filter((text) => text.startsWith('Too many wrong tokens'))).toHaveLength(2);
  });
});

describe('many at once', () => {
  it('ten requests on a balance that pays for three: three answered, seven told, to the sat', async () => {
    v = await visit({ env: { LIMIT_UNPAID_ANSWERS_PER_MINUTE: '600' } });
    const send = (id: number, method: string, params: object): Promise<void> =>
      v.guest.say(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    await send(1, 'session.create', { amount_sats: 400 });
    await v.pass(1);
    await v.pay(
      (JSON.parse(v.guest.heard[0] ?? '') as { result: { session: { invoice: { bolt11: string } } } }).result.session
        .invoice.bolt11,
    );
    await v.pass(1);
    for (let id = 10; id < 20; id++) await send(id, 'session.request', { request: `Question ${id}?` });
    await v.pass(4);
    const answers = v.guest.heard
      .map(
        (text) =>
          JSON.parse(text) as {
            id?: number;
            result?: { state: string; debited_sats: number };
            error?: { code: number; data: { invoice: { bolt11: string } | null } };
          },
      )
      .filter(({ id }) => id !== undefined && id >= 10);
    expect(answers).toHaveLength(10);
    const done = answers.filter(({ result }) => result?.state === 'complete');
    expect(done).toHaveLength(3);
    const told = answers.filter(({ error }) => error?.code === -32006);
    expect(told).toHaveLength(7);
    for (const { error } of told) expect(error?.data.invoice?.bolt11).toMatch(/^lnbcrt/);
    expect(new Set(told.map(({ error }) => error?.data.invoice?.bolt11)).size).toBe(1);
    const debited = done.reduce((sum, { result }) => sum + (result?.debited_sats ?? 0), 0);
    expect(held()).toBe(400 - debited);
  });

  it('never bills more than there is, whatever the model reports', async () => {
    const stub = createStubAgent();
    const agent: Agent = {
      ...stub,
      work: async (request, signal) => {
        const work = await stub.work(request, signal);
        return { ...work, usage: { ...work.usage, outputTokens: request.maxTokens, inputTokens: 3000 } };
      },
    };
    v = await visit({ agent });
    await open(130);
    const [answer = ''] = await say('Why is the sky blue?');
    expect(answer).toMatch(/130 sats, 0 left\.$/);
    expect(held()).toBe(0);
  });
});
