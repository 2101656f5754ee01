import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { generateSecretKey } from '../../src/nostr/keys.ts';
import { RELAY, rng, type Guest } from '../builders/house.ts';
import { createHandClock } from '../fakes/hand-clock.ts';
import { createRelayHub } from '../fakes/relay-hub.ts';
import { visit, type Visit } from './visit.ts';

/* What clumsy and unlucky people do with a session, and what they are to hear. */

let v: Visit;
let guest: Guest;
let read: number;
afterEach(async () => {
  expect(v.broken()).toEqual([]);
  expect(v.count(`SELECT count(*) FROM tasks WHERE state = 'dead'`)).toBe(0);
  await v.close();
});

async function begin(options: Parameters<typeof visit>[0] = {}): Promise<void> {
  v = await visit(options);
  ({ guest } = v);
  read = 0;
}
const masked = (text: string): string =>
  text.startsWith('lnbc') ? '<invoice>' : text.replace(/\b([A-Z])-[0-9A-Z]{5}\b/g, '$1-X');
const news = async (): Promise<string[]> => {
  await v.pass();
  const fresh = guest.heard.slice(read).map(masked);
  read = guest.heard.length;
  return fresh;
};
const say = async (text: string, seconds = 2): Promise<string[]> => {
  await guest.say(text);
  await v.pass(seconds);
  return news();
};
const invoice = (): string => guest.heard.filter((text) => text.startsWith('lnbc')).at(-1) ?? '';
const pay = async (bolt11 = invoice()): Promise<string[]> => {
  await v.pay(bolt11);
  await v.pass(2);
  return news();
};
const open = async (sats: number): Promise<void> => {
  await say(`session ${sats}`);
  await pay();
};
const last = (texts: readonly string[]): string => texts.at(-1)?.split('\n').at(-1) ?? '';
const HOUR = 3_600_000;

/** One database, one key and one set of relays for two houses, the second with other settings. */
async function move(env: Record<string, string>, before: () => Promise<void>): Promise<() => void> {
  const dir = mkdtempSync(join(tmpdir(), 'timmy-moved-'));
  const life = {
    path: join(dir, 'timmy.db'),
    clock: createHandClock(),
    hub: createRelayHub([RELAY]),
    secretKey: generateSecretKey(rng),
  };
  await begin(life);
  await before();
  await v.close();
  v = await visit({ ...life, env });
  return () => rmSync(dir, { recursive: true });
}

describe('the top-up that is proposed', () => {
  it('is one that is taken: what was brought back unasked is no deposit that they chose', async () => {
    await begin({ env: { INVOICE_EXPIRY_SECONDS: '90000' } });
    await open(200);
    await say('Why is the sky blue?');
    await say('topup 300');
    const late = invoice();
    v.clock.advance(24 * HOUR + 60_000);
    await v.pass(2);
    expect((await news())[0]).toMatch(/^The time of S-X is over. 72 sats are yours/);
    expect((await pay(late))[0]).toMatch(/^Paid. S-X is open: 372 sats/);
    expect(last(await say('balance'))).toMatch(/topup 300 adds to it.$/);
    expect((await say('topup'))[0]).toMatch(/^300 sats more for S-X/);
  });

  it('is within the bounds of today, and a session below the least of today says so', async () => {
    const settings = { SESSION_MIN_DEPOSIT_SATS: '600', SESSION_MIN_BALANCE_SATS: '400' };
    const end = await move(settings, () => open(300));
    expect(await say('balance')).toEqual([
      expect.stringMatching(/^S-X: 300 sats, .*It is paused: 400 sats are the least\. .*topup 600 adds to it\.$/),
    ]);
    expect((await say('Why is the sky blue?'))[0]).toMatch(/^300 sats are left in S-X.* 600 more, and it is answered/);
    expect((await pay())[0]).toMatch(/^Paid. S-X has 900 sats/);
    expect((await say('topup'))[0]).toMatch(/^600 sats more for S-X/);
    end();
  });
});

describe('top-ups that nobody pays', () => {
  it('are twenty in an hour; the session that holds money is not shut to its owner after that', async () => {
    await begin();
    await open(200);
    for (let n = 0; n < 20; n++) {
      await guest.say(`topup ${200 + n}`);
      await v.pass(2);
    }
    await news();
    expect(await say('topup 300')).toEqual([
      expect.stringMatching(/^You asked for 20 top-ups of S-X within an hour and paid none\. .* in 60 minutes\.$/),
    ]);
    expect(await say('invoice')).toEqual([expect.stringMatching(/^S-X: 219 sats, good for/), '<invoice>']);
    v.clock.advance(HOUR);
    await v.pass(2);
    expect((await say('topup 300'))[0]).toMatch(/^300 sats more for S-X/);
    expect((await pay())[0]).toMatch(/^Paid. S-X has 500 sats/);
  });
});

describe('the end of a session', () => {
  it('never comes sooner than it was said, where the setting was lowered or a person had moved it', async () => {
    const end = await move({ SESSION_EXPIRY_HOURS: '1' }, () => open(500));
    expect(last(await say('Why is the sky blue?'))).toBe('128 sats, 372 left.');
    v.clock.advance(23 * HOUR);
    await v.pass(2);
    expect(await news()).toEqual([]);
    expect((await say('balance'))[0]).toMatch(/^S-X: 372 sats/);
    v.clock.advance(HOUR + 60_000);
    await v.pass(2);
    expect((await news())[0]).toMatch(/^The time of S-X is over/);
    end();
  });
});

describe('a session that falls below its minimum', () => {
  it('says so where a top-up was asked for before and is open still', async () => {
    await begin({ env: { SESSION_MIN_BALANCE_SATS: '80' } });
    await open(200);
    await say('topup 300');
    expect((await say('Why is the sky blue?', 4)).slice(1)).toEqual([
      'S-X is paused: 72 sats left. 300 sats more open it again. Invoice follows.',
      '<invoice>',
    ]);
    expect((await pay())[0]).toMatch(/^Paid. S-X has 372 sats/);
  });
});

describe('what waits', () => {
  it('is one question, however often it is sent', async () => {
    await begin();
    await open(100);
    await say('Why is the sky blue?');
    await say('Why is the sky blue?', 12);
    await say('Why is the sky blue?', 12);
    expect((await pay())[1]).toContain('"Why is the sky blue?"');
  });

  it('and was erased is not said to have ended with a session that is open', async () => {
    await begin();
    await open(300);
    await say('close');
    await say('Why is the sky blue?');
    await say('forget', 4);
    expect(await say('session', 4)).toEqual([
      expect.stringMatching(/^300 sats of what I kept for you are in S-X. S-X is open: 300 sats/),
    ]);
    expect(last(await say('Why is the sea salty?'))).toBe('128 sats, 172 left.');
  });
});

describe('the holder of a token', () => {
  it('has questions of their own: `status` shows them and `cancel` calls them off, and the owner hears of none', async () => {
    await begin();
    await open(200);
    await say('token');
    const token = guest.heard.at(-1) ?? '';
    await say('Why is the sky blue?');
    const friend = await v.house.guest();
    const said = async (text: string): Promise<string> => {
      const from = friend.heard.length;
      await friend.say(text);
      await v.pass(3);
      return masked(friend.heard[from] ?? '');
    };
    await said(`use ${token}`);
    expect(await said('And the grass?')).toMatch(/^72 sats are left in S-X, which does not pay this one/);
    expect((await say('topup 300'))[0]).toMatch(/^300 sats more for S-X/);
    expect(await said('status')).toMatch(/^R-X: waits in S-X, for its turn or for a top-up. cancel R-X calls it off/);
    expect(await said('cancel')).toBe('It is called off. Nothing was charged.');
    expect(v.count(`SELECT count(*) FROM requests WHERE state = 'waiting'`)).toBe(0);
    // Of the owner's own question, a word about the invoice means the session's.
    await say('And the moon?');
    expect((await say('invoice'))[0]).toMatch(/^S-X: \d+ sats, good for/);
    expect((await say('cancel'))[0]).toBe('It is called off. Nothing was charged.');
  });

  it('hears once that it opens nothing more, before a word of theirs is sold', async () => {
    await begin();
    await open(500);
    await say('token');
    const token = guest.heard.at(-1) ?? '';
    const friend = await v.house.guest();
    const said = async (text: string): Promise<string> => {
      const [heard] = [friend.heard.length];
      await friend.say(text);
      await v.pass(3);
      return masked(friend.heard[heard] ?? '');
    };
    await said(`use ${token}`);
    await say('close');
    // Housekeeping does not forget that they asked in it.
    v.clock.advance(3 * HOUR);
    await v.pass(5);
    expect(await said('Why is the sky blue?')).toMatch(/^S-X takes your token no more: .* nothing was charged\./);
    expect(v.count('SELECT count(*) FROM jobs')).toBe(0);
    expect(await said('job')).toMatch(/^J-X. 10 sats now for a look/);
    expect(v.count('SELECT count(*) FROM jobs')).toBe(1);
  });
});

describe('nearly a command', () => {
  it.each(['session -5', 'session 1e3', 'session 500k', 'session 0.001 btc', 'session ٥٠٠', 'session 500 1000'])(
    '%s gets the usage, and no price',
    async (text) => {
      await begin();
      expect(await say(text)).toEqual(['That is written: session [sats]']);
    },
  );

  it('neither half a token nor one without its word is sold, or told to a model', async () => {
    await begin();
    expect(await say(`use ${'a1'.repeat(31)}`)).toEqual(['That is written: use <token>']);
    expect(await say('a1'.repeat(32))).toEqual([
      'That is written: use <token> for the token of a session, paid <preimage> for a payment',
    ]);
    expect((await say('session notes about the French revolution'))[0]).toMatch(/^J-X/);
  });
});

describe('a program', () => {
  const rpc = async (id: string, method: string, params: object): Promise<string[]> =>
    say(JSON.stringify({ jsonrpc: '2.0', id, method, params }), 12);

  it('that closes to an address which gives no invoice may name another, by the same method', async () => {
    await begin();
    await rpc('a', 'session.create', { amount_sats: 300 });
    await pay(/"bolt11":"(\w+)"/.exec(guest.heard.at(-1) ?? '')?.[1]);
    expect((await rpc('b', 'session.close', { destination: 'nobody@example.com' })).at(-1)).toContain('-32008');
    const [answer] = await rpc('c', 'session.close', { destination: v.invoice(300) });
    expect(JSON.parse(answer ?? '')).toMatchObject({
      id: 'c',
      result: { session: { state: 'closed', refund: { amount_sats: 300 } } },
    });
  });

  it('whose top-up of a session made in words is paid hears of it, once', async () => {
    await begin();
    await open(200);
    expect(await rpc('a', 'session.topup', { amount_sats: 300 })).toHaveLength(1);
    const news = await pay(/"bolt11":"(\w+)"/.exec(guest.heard.at(-1) ?? '')?.[1]);
    expect(news.map((text) => JSON.parse(text) as unknown)).toMatchObject([
      { method: 'session.updated', params: { session: { state: 'active', balance_sats: 500, invoice: null } } },
    ]);
  });

  it('above its limit is told so each time that the time it was told to wait has passed', async () => {
    await begin({ env: { LIMIT_COMMANDS_BURST: '1000' } });
    const retry: number[] = [];
    for (let n = 0; n < 60; n++) {
      await guest.say(JSON.stringify({ jsonrpc: '2.0', id: n, method: 'info' }));
      await v.pass(1);
    }
    for (const text of guest.heard) {
      const { error } = JSON.parse(text) as { error?: { code: number; data: { retry_after: number } } };
      if (error?.code === -32003) retry.push(error.data.retry_after);
    }
    // Ten at once, then three a minute: in the rest of the minute each third of it is told.
    expect(retry.length).toBeGreaterThanOrEqual(2);
    expect(Math.max(...retry)).toBeLessThanOrEqual(20);
  });
});
