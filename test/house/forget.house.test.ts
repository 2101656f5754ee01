import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createStubAgent } from '../../src/adapters/stubs/agent/index.ts';
import { HOUSEKEEPING_KEY } from '../../src/app/housekeeping.ts';
import { forgetCommands } from '../../src/commands/forget.ts';
import { createTexts } from '../../src/customers/index.ts';
import type { Log } from '../../src/lib/log.ts';
import { loadInbound } from '../../src/messaging/index.ts';
import { generateSecretKey } from '../../src/nostr/keys.ts';
import type { Agent } from '../../src/ports/agent.ts';
import { FACES } from '../../src/products/catalogue.ts';
import { verifyChain } from '../../src/receipts/index.ts';
import { schedule } from '../../src/tasks/index.ts';
import { rng } from '../builders/guest.ts';
import { keysBeside } from '../builders/house.ts';
import { openedBy } from '../builders/thief.ts';
import { createSlowAgent, visit, type Visit } from './visit.ts';

const ASKED = 'cormorant';
const REASON = 'kittiwake';
const ANSWERED = 'guillemot';
const ALL = [ASKED, REASON, ANSWERED];
const OTHERS = 'bullfinch';

const secretKey = generateSecretKey(rng);
/** Says its canary in every reason and every answer. */
const singing = (model: Agent): Agent => ({
  kind: 'stub',
  evaluate: async (asked, signal) => ({
    ...(await model.evaluate(asked, signal)),
    accept: !asked.request.includes('unlawful'),
    reason: `Because of ${REASON}.`,
  }),
  work: async (asked, signal) => ({ ...(await model.work(asked, signal)), text: `The answer is ${ANSWERED}.` }),
});

let v: Visit;
let home: string;
let away: string;
let logged: string[];
const file = (): string => join(home, 'timmy.db');
const log = (): Log => {
  const note =
    (level: string) =>
    (event: string, fields: object = {}): void =>
      void logged.push(JSON.stringify({ level, event, ...fields }));
  return { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
};
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'timmy-forget-'));
  away = mkdtempSync(join(tmpdir(), 'timmy-copies-'));
  logged = [];
});
afterEach(async () => {
  await v.close();
  rmSync(home, { recursive: true, force: true });
  rmSync(away, { recursive: true, force: true });
});

const open = (more: Parameters<typeof visit>[0] = {}): Promise<Visit> =>
  visit({ path: file(), secretKey, agent: singing(createStubAgent()), log: log(), ...more });
/** As the copy before a migration is made, and as an operator makes one who just copies the files. */
function copies(name: string): string[] {
  const clean = join(away, `${name}.clean.db`);
  v.house.database.read.$client.prepare('VACUUM INTO ?').run(clean);
  const raw = join(away, `${name}.raw.db`);
  for (const side of ['', '-wal']) copyFileSync(file() + side, raw + side);
  return [clean, raw];
}
const opened = (database: string): string =>
  openedBy({ database, keys: keysBeside(file()), secretKey: secretKey.expose() }).join('\n');
const everyByte = (): string =>
  Buffer.concat(readdirSync(home).map((name) => readFileSync(join(home, name)))).toString('latin1');
const invoice = (): string => v.guest.heard.filter((text) => text.startsWith('lnbcrt')).at(-1) ?? '';
const pay = async (): Promise<void> => {
  await v.pay(invoice());
  await v.pass(3);
};
const forgotten = (): string | undefined => v.guest.heard.find((text) => text.startsWith('Erased for good'));

it('leaves no word of the customer in any file or log, and none that a copy from before gives away', async () => {
  v = await open();
  const other = await v.house.guest();
  await other.say(`Tell me about the ${OTHERS}, please.`);
  await v.guest.say(`Tell me about the ${ASKED}, please.`);
  await v.pass(3);
  await pay();
  await pay();
  await v.guest.say(`Something unlawful about the ${ASKED}, please.`);
  await v.pass(3);
  await pay();
  const create = { jsonrpc: '2.0', id: 1, method: 'job.create', params: { request: `And by JSON: the ${ASKED}?` } };
  await v.guest.say(JSON.stringify(create));
  await v.guest.say(`quote how long does the ${ASKED} live?`);
  await v.pass(3);
  const { id } = (JSON.parse(v.guest.heard.at(-2) ?? '') as { result: { job: { id: string } } }).result.job;
  await v.guest.say(JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'job.cancel', params: { id } }));
  await v.pass(30);
  expect(v.guest.heard.join()).toContain(REASON);

  const before = copies('before');
  for (const copy of before) for (const word of [...ALL, OTHERS]) expect(opened(copy)).toContain(word);
  const money = v.count('SELECT sum(amount_msats) FROM transfers');
  await v.guest.say('forget');
  await v.pass(3);
  expect(forgotten()).toMatch(/^Erased for good: \d+ texts, and the key that opens them/);
  expect(forgotten()).not.toContain('still need');

  for (const copy of [...before, ...copies('after')]) {
    for (const word of ALL) expect(opened(copy)).not.toContain(word);
    expect(opened(copy)).toContain(OTHERS);
  }
  for (const word of [...ALL, OTHERS]) {
    expect(everyByte()).not.toContain(word);
    expect(logged.join('\n')).not.toContain(word);
  }
  expect(v.broken()).toEqual([]);
  expect(v.count('SELECT sum(amount_msats) FROM transfers')).toBe(money);
  const chain = v.house.database.read.$client
    .prepare('SELECT event, sig FROM receipts WHERE owner = ? ORDER BY position')
    .all(v.guest.pubkey) as { event: string; sig: string }[];
  expect(chain.length).toBeGreaterThan(2);
  const signed = chain.map(({ event, sig }) => ({ ...(JSON.parse(event) as object), sig }));
  expect(verifyChain(signed, { signer: v.house.pubkey })).toEqual([]);
});

it('who writes again has a new key, and is known by their money', async () => {
  v = await open();
  await v.guest.say(`Tell me about the ${ASKED}, please.`);
  await v.pass(3);
  await pay();
  await pay();
  await v.guest.say('forget');
  await v.pass(3);
  const [copy = ''] = copies('between');
  await v.guest.say(`And now about the ${OTHERS}?`);
  await v.pass(3);
  await pay();
  await pay();
  expect(v.guest.heard.filter((text) => text.includes(ANSWERED))).toHaveLength(2);
  const [later = ''] = copies('later');
  expect(opened(later)).toContain(OTHERS);
  await v.guest.say(JSON.stringify({ jsonrpc: '2.0', id: 'f', method: 'forget' }));
  await v.pass(3);
  const answer = v.guest.heard.find((text) => text.includes('"id":"f"')) ?? '';
  expect((JSON.parse(answer) as { result: { erased: number } }).result.erased).toBeGreaterThan(2);
  for (const one of [copy, later]) expect(opened(one)).toBe('');
  expect(v.broken()).toEqual([]);
});

it('work under way goes on with its request, which goes when it ends', async () => {
  const slow = createSlowAgent();
  v = await open({ agent: singing(slow) });
  await v.guest.say(`Tell me about the ${ASKED}, please.`);
  await v.pass(3);
  await v.pay(invoice());
  await v.pass();
  slow.letGo();
  await v.pass(3);
  await v.pay(invoice());
  await v.pass();
  const [before = ''] = copies('before');
  await v.guest.say('forget');
  await v.pass(3);
  expect(forgotten()).toMatch(/ \d texts? that open requests or answers on their way still need/);
  const [during = ''] = copies('during');
  expect(opened(before)).not.toContain(ASKED);
  expect(opened(during)).toContain(ASKED);
  slow.letGo();
  await v.pass(3);
  expect(v.guest.heard.join()).toContain('yours');
  await v.pass(320);
  const after = copies('after');
  for (const one of [before, during, ...after]) expect(opened(one)).not.toContain(ASKED);
  // What was paid for is kept as any answer is.
  expect(opened(after[0] ?? '')).toContain(ANSWERED);
  expect(v.count(`SELECT count(*) FROM tasks WHERE kind = 'texts.forget'`)).toBe(0);
  expect(v.broken()).toEqual([]);
});

it.each(['job.evaluate', 'job.execute'])(
  'what %s has just written, and its order has not heard of, is delivered',
  async (kind) => {
    let isSaid = false;
    const forgetNow = (point: string): void => {
      if (point !== `${kind}:committed` || isSaid) return;
      isSaid = true;
      const { database, textKeys } = v.house;
      const texts = createTexts(textKeys, rng);
      const [word] = forgetCommands({ database, clock: v.clock, texts, faces: FACES }).words;
      database.write((tx) => {
        const message = { ...loadInbound(tx, 1), textId: null };
        word?.run(tx, {}, { message, now: v.clock.now(), say: () => {}, payOrder: () => 'later' as const });
      });
    };
    v = await open({ reach: forgetNow });
    await v.guest.say(
      `Tell me about the unlawful ${ASKED}, please.`.replace(kind === 'job.execute' ? 'unlawful ' : '', ''),
    );
    await v.pass(3);
    await pay();
    if (kind === 'job.execute') await pay();
    await v.pass(3);
    expect(isSaid).toBe(true);
    expect(v.guest.heard.join()).toContain(kind === 'job.execute' ? ANSWERED : REASON);
    await v.pass(320);
    const [after = ''] = copies('after');
    for (const word of ALL) expect(opened(after)).not.toContain(word);
    expect(v.broken()).toEqual([]);
  },
);

it('a session goes on with its money, and without its conversation', async () => {
  const asked: number[] = [];
  const listening: Agent = {
    ...singing(createStubAgent()),
    work: (work, signal) => {
      asked.push(work.history.length);
      return singing(createStubAgent()).work(work, signal);
    },
  };
  v = await open({ agent: listening });
  await v.guest.say('session 500');
  await v.pass(3);
  await v.pay(invoice());
  await v.pass(3);
  const ask = async (text: string): Promise<void> => {
    await v.guest.say(text);
    await v.pass(5);
  };
  await ask(`Tell me about the ${ASKED}, please.`);
  await ask(`And where does the ${ASKED} live?`);
  const [before = ''] = copies('before');
  for (const word of ALL.filter((word) => word !== REASON)) expect(opened(before)).toContain(word);
  await v.guest.say('forget');
  await v.pass(3);
  await ask('What did I ask you before?');
  expect(asked).toEqual([0, 2, 0]);
  expect(v.guest.heard.filter((text) => text.includes(ANSWERED))).toHaveLength(3);
  expect(opened(before)).toBe('');
  expect(v.broken()).toEqual([]);
});

it('said twice while work is under way, both are answered, and all goes when it ends', async () => {
  const slow = createSlowAgent();
  v = await open({ agent: singing(slow) });
  await v.guest.say(`Tell me about the ${ASKED}, please.`);
  await v.pass(3);
  await v.pay(invoice());
  await v.pass();
  for (let n = 0; n < 2; n++) {
    await v.guest.say('forget');
    await v.pass(20);
    await v.guest.say(`status`);
    await v.pass(3);
  }
  expect(v.guest.heard.filter((text) => text.startsWith('Erased for good'))).toHaveLength(2);
  expect(v.count(`SELECT count(*) FROM tasks WHERE kind = 'texts.forget'`)).toBe(1);
  const [during = ''] = copies('during');
  await v.guest.say('cancel');
  slow.letGo();
  await v.pass(320);
  await v.guest.say('cancel');
  await v.pass(320);
  expect(opened(during)).not.toContain(ASKED);
  expect(v.broken()).toEqual([]);
});

it('is said to be done only when no file holds the texts: somebody who reads the database is waited for', async () => {
  v = await open();
  await v.guest.say(`Tell me about the ${ASKED}, please.`);
  await v.pass(3);
  const reader = new Sqlite(file(), { readonly: true });
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM texts').get();
  await v.guest.say('status');
  await v.pass(1);
  await v.guest.say('forget');
  await v.pass(5);
  expect(forgotten()).toBeUndefined();
  reader.close();
  await v.pass(5);
  expect(forgotten()).toContain('Erased for good');
});

it('killed before the keys were destroyed, the next life destroys them and answers', async () => {
  // What a kill right after the first commit leaves: the intent, and every key.
  const killed = mkdtempSync(join(away, 'killed-'));
  let isTaken = false;
  v = await open({
    reach: (point) => {
      if (point !== 'texts.forget:acting' || isTaken) return;
      isTaken = true;
      for (const side of ['', '-wal', '.keys', '.keys-wal'])
        copyFileSync(file() + side, join(killed, `timmy.db${side}`));
    },
  });
  const { hub } = v.house;
  const { guest, clock } = v;
  await guest.say(`Tell me about the ${ASKED}, please.`);
  await v.pass(3);
  await guest.say('cancel');
  await v.pass(30);
  const [before = ''] = copies('before');
  await guest.say('forget');
  await v.pass(3);
  expect(isTaken).toBe(true);
  expect(opened(before)).toBe('');
  await v.close();
  rmSync(home, { recursive: true });
  home = killed;
  expect(opened(before)).toContain(ASKED);
  v = await open({ hub, clock });
  await v.pass(5);
  expect(v.count(`SELECT count(*) FROM tasks WHERE kind = 'texts.forget'`)).toBe(0);
  expect(v.count(`SELECT count(*) FROM texts WHERE owner = '${guest.pubkey}'`)).toBe(0);
  expect(opened(before)).toBe('');
  // The life that was not killed has answered, too.
  expect(guest.heard.filter((text) => text.startsWith('Erased for good'))).toHaveLength(2);
});

it('housekeeping destroys the keys of who left no text', async () => {
  v = await open();
  const keysLeft = (): number => {
    const keys = new Sqlite(keysBeside(file()), { readonly: true });
    const count = keys.prepare('SELECT count(*) FROM text_keys').pluck().get() as number;
    keys.close();
    return count;
  };
  for (let n = 0; n < 5; n++) await (await v.house.guest()).say('status');
  await v.pass(3);
  const [copy = ''] = copies('before');
  expect(keysLeft()).toBe(5);
  expect(opened(copy)).not.toBe('');
  const now = v.clock.now();
  v.house.database.write((tx) => {
    schedule(tx, { kind: 'housekeeping', payload: {}, key: HOUSEKEEPING_KEY, dueAt: now, now });
  });
  for (let day = 0; day < 12; day++) {
    v.clock.advance(86_400_000);
    await v.pass(6);
  }
  expect(v.count('SELECT count(*) FROM texts')).toBe(0);
  expect(keysLeft()).toBe(0);
  expect(opened(copy)).toBe('');
});
