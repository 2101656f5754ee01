import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { knownTables, prune } from '../../src/app/prune.ts';
import { register } from '../../src/cli/index.ts';
import { dataDir, prepareDataDir } from '../../src/db/index.ts';
import { encodeNpub } from '../../src/nostr/keys.ts';
import { storyOf } from '../../src/operator/story.ts';
import { FACES } from '../../src/products/catalogue.ts';
import { createRelayHub } from '../fakes/relay-hub.ts';
import { createTerminal } from '../fakes/terminal.ts';
import { echo, ECHO_TABLE, echoFace } from '../builders/toy-product/index.ts';
import { visit, type Visit } from './visit.ts';

/**
 * A product is one folder (`test/builders/toy-product`, with its table) and one line (`echo`, here). This sells it from
 * the price to the change, in words and by JSON-RPC, beside the products of the catalogue.
 */
const alsoSold = { wares: [echo], tables: ECHO_TABLE };
const faces = [echoFace, ...FACES];

let v: Visit;
const begin = async (options: Parameters<typeof visit>[0] = {}): Promise<void> => {
  const env = { LIMIT_UNPAID_ANSWERS_PER_MINUTE: '600', LIMIT_NEW_PER_HOUR: '500', ...options.env };
  v = await visit({ alsoSold, ...options, env });
};
afterEach(async () => {
  expect(v.broken()).toEqual([]);
  expect(v.count(`SELECT count(*) FROM tasks WHERE state = 'dead'`)).toBe(0);
  await v.close();
});

const lastInvoice = (): string => v.guest.heard.filter((text) => text.startsWith('lnbcrt')).at(-1) ?? '';
/** In a second of its own: two messages of one second with the same words are one. */
const say = async (text: string): Promise<string[]> => {
  await v.pass(1);
  await v.guest.say(text);
  return v.news();
};
const echoId = (): string => v.guest.heard.map((text) => /E-[0-9A-Z]{5}/.exec(text)?.[0]).findLast((id) => id) ?? '';

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number };
  readonly params?: { readonly echo: Readonly<Record<string, unknown>> };
}
let calls = 0;
/** The answer to a call, and what else came with it. */
async function call(method: string, params: unknown = {}): Promise<Reply & { readonly also: readonly Reply[] }> {
  const before = v.guest.heard.length;
  const id = ++calls;
  await v.guest.say(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  await v.news();
  const replies = v.guest.heard.slice(before).map((text) => JSON.parse(text) as Reply);
  const answer = replies.find((reply) => reply.id === id);
  return { ...answer, also: replies.filter((reply) => reply !== answer) };
}

describe('in words', () => {
  it('is sold from the price to the answer, and stands in status, history and help', async () => {
    await begin();
    expect(await say('echo Hello there')).toEqual([
      'E-XXXXX. 5 sats, and your words come back to front. Invoice follows.',
      '<invoice for 5>',
    ]);
    expect(await say('status')).toEqual(['E-XXXXX: waits for 5 sats. invoice E-XXXXX shows it again.']);
    await v.pay(lastInvoice());
    expect(await v.news()).toEqual(['Paid. ereht olleH\n\n5 paid, 5 used.']);
    expect(await say('status')).toEqual(['E-XXXXX: complete.']);
    expect(await say('history')).toEqual(['E-XXXXX complete: 5 sats paid']);
    expect((await say('help'))[0]).toMatch(/echo <text>: your words back to front\n[\s\S]*job <text>/);
    expect(await say(`receipt ${echoId()}`)).toEqual([
      'Nothing was charged for E-XXXXX so far, so there is no receipt yet.',
    ]);
  });

  it('takes the free text that is its own, and leaves the rest to the job', async () => {
    await begin();
    expect(await say('Backwards, please: the sky')).toHaveLength(2);
    expect(v.count(`SELECT count(*) FROM echoes`)).toBe(1);
    expect((await say('Why is the sky blue?'))[0]).toMatch(/^J-XXXXX\. 10 sats now/);
    expect(v.count(`SELECT count(*) FROM jobs`)).toBe(1);
  });

  it('cancel and invoice without an id mean it, and money that comes too late is paid back', async () => {
    await begin();
    await say('echo abc');
    const bolt11 = lastInvoice();
    expect(await say('invoice')).toEqual([expect.stringMatching(/^E-XXXXX\. 5 sats/), '<invoice for 5>']);
    expect(await say('cancel')).toEqual([expect.stringMatching(/^E-XXXXX is cancelled\./)]);
    await v.pay(bolt11);
    await v.pass(60);
    expect(await v.news()).toEqual(['5 sats more came for E-XXXXX. 5 sats kept for you: refund pays them out.']);
    await say(`refund ${v.invoice(5)}`);
    await v.pass(3);
    expect(v.count(`SELECT count(*) FROM payouts WHERE state = 'paid' AND amount_msats = 5000`)).toBe(1);
    expect(await say('history')).toContain('E-XXXXX cancelled: 5 sats paid, 5 paid back');
  });

  it('what cannot be done is owed back', async () => {
    await begin();
    await say('echo anna');
    await v.pay(lastInvoice());
    expect(await v.news()).toEqual([
      'E-XXXXX reads the same both ways: nothing to do. 5 sats kept for you: refund pays them out.',
    ]);
    expect(storyOf(v.house.database.read, echoId(), faces)).toMatchObject({
      state: 'failed',
      heldMsats: 0n,
      owedMsats: 5000n,
    });
  });
});

describe('by JSON-RPC', () => {
  it('is created, told of, paid back by echo.refund, and part of info', async () => {
    await begin();
    const info = (await call('info')).result;
    expect(info?.['methods']).toEqual(expect.arrayContaining(['echo.create', 'echo.refund', 'job.refund']));
    expect(info?.['prices']).toMatchObject({ echo_sats: 5, eval_fee_sats: 10 });

    const made = await call('echo.create', { request: 'anna' });
    const order = made.result?.['echo'] as { id: string; invoice: { bolt11: string } };
    expect(order).toMatchObject({ state: 'awaiting_payment', request: 'anna', invoice: { amount_sats: 5 } });
    const before = v.guest.heard.length;
    await v.pay(order.invoice.bolt11);
    await v.news();
    const told = v.guest.heard.slice(before).map((text) => JSON.parse(text) as Reply);
    expect(told.map(({ method, params }) => [method, params?.echo['state']])).toEqual([
      ['echo.updated', 'reversing'],
      ['echo.updated', 'failed'],
    ]);
    const refunded = await call('echo.refund', { id: order.id, destination: v.invoice(5) });
    expect(refunded.result?.['echo']).toMatchObject({ id: order.id, state: 'failed' });
    await v.pass(3);
    expect((await call('echo.get', { id: order.id })).result?.['echo']).toMatchObject({ refund: { state: 'paid' } });
    expect((await call('job.refund', { id: order.id, destination: v.invoice(5) })).error?.code).toBe(-32001);
    expect((await call('echo.cancel', { id: order.id })).error?.code).toBe(-32002);
    expect((await call('echo.receipt', { id: order.id })).result?.['receipt']).toBeNull();
  });
});

describe('among all products', () => {
  it('history is one cursor that neither restarts nor repeats, whatever is bought meanwhile', async () => {
    await begin({ env: { LIMIT_OPEN_INVOICES: '90' } });
    for (let n = 0; n < 6; n++) {
      // Two in one second, and a second between the pairs.
      await call('echo.create', { request: `words ${n}` });
      await call('job.create', { request: `Why is the sky ${n}?` });
      v.clock.advance(1000);
    }
    const seen: { id: string; created_at: number }[] = [];
    let next: string | undefined;
    do {
      const page = (await call('history', { limit: 5, ...(next === undefined ? {} : { before: next }) })).result;
      seen.push(...(page?.['entries'] as typeof seen));
      next = page?.['next'] as string | undefined;
      await call('echo.create', { request: 'later' });
    } while (next !== undefined);
    expect(seen).toHaveLength(12);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(12);
    const { $client } = v.house.database.read;
    for (const table of ['echoes', 'jobs']) {
      const made = $client.prepare(`SELECT id FROM ${table} WHERE created_at < ? ORDER BY rowid DESC`).pluck();
      const letter = table === 'jobs' ? 'J-' : 'E-';
      expect(seen.map(({ id }) => id).filter((id) => id.startsWith(letter))).toEqual(made.all(v.clock.now()));
    }
    const times = seen.map(({ created_at }) => created_at);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    expect((await call('history', { before: 'E-00000' })).error?.code).toBe(-32001);
  });

  it('what is open is found behind any number that is not', async () => {
    await begin();
    await say('echo the oldest');
    const oldest = echoId();
    v.house.database.read.$client.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) INSERT INTO echoes
       SELECT 'E-' || (10000 + i), 2, 'cancelled', '${v.guest.pubkey}', 'words', ${v.clock.now() + 1}, 1, NULL, NULL, NULL FROM n`,
    );
    await say('status');
    expect(v.guest.heard.at(-1)).toContain(`${oldest}: waits for 5 sats`);
    expect(await say('cancel')).toEqual([expect.stringMatching(/^E-XXXXX is cancelled/)]);
  });

  it('work of all of them counts against one limit', async () => {
    await begin();
    const rows = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12)';
    const { $client } = v.house.database.read;
    const owner = v.guest.pubkey;
    $client.exec(
      `${rows} INSERT INTO echoes SELECT 'E-' || (10000 + i), 1, 'reversing', '${owner}', 'rpc', 1, 1, NULL, NULL, NULL FROM n`,
    );
    $client.exec(
      `${rows} INSERT INTO jobs SELECT 'J-' || (10000 + i), 1, 'evaluating', '${owner}', 'rpc', 1, 1, NULL, '{}' FROM n`,
    );
    expect((await call('echo.create', { request: 'abc' })).error?.code).toBe(-32009);
    expect((await call('job.create', { request: 'Why is the sky blue?' })).error?.code).toBe(-32009);
    $client.exec(`DELETE FROM jobs WHERE id = 'J-10001'; DELETE FROM jobs WHERE id = 'J-10002'`);
    expect((await call('echo.create', { request: 'abc' })).error).toBeUndefined();
    $client.exec(`DELETE FROM jobs; DELETE FROM echoes WHERE state = 'reversing'`);
  });

  it('an activity that was lost is made again', async () => {
    await begin();
    await say('echo abc');
    const { $client } = v.house.database.read;
    // As if the task were gone: between the payment's commit and the next look.
    $client.exec(`CREATE TRIGGER lose AFTER INSERT ON tasks WHEN NEW.kind = 'echo.reverse'
      BEGIN DELETE FROM tasks WHERE id = NEW.id; END`);
    await v.pay(lastInvoice());
    expect(await v.news()).toEqual([]);
    $client.exec('DROP TRIGGER lose');
    v.house.database.write((tx) => v.house.timmy.remakeMissingTasks(tx, v.clock.now(), false));
    await v.pass(2);
    expect(await v.news()).toEqual(['Paid. cba\n\n5 paid, 5 used.']);
  });
});

describe('what is kept, and what must hold', () => {
  it('unpaid echoes go after their term, with their texts and their customers; paid ones stay', async () => {
    await begin();
    const stranger = await v.house.guest();
    await stranger.say('echo nothing of mine');
    await v.pass(2);
    await say('echo Hello there');
    await v.pay(lastInvoice());
    await v.pass(3);
    const tables = v.house.database.read.$client.prepare(`SELECT name FROM sqlite_master WHERE type = 'table'`).pluck();
    expect((tables.all() as string[]).filter((name) => !knownTables(faces).includes(name))).toEqual([]);
    const retentionDays = 30;
    const options = { database: v.house.database, clock: v.clock, retentionDays, faces };
    const texts = (): number => v.count(`SELECT count(*) FROM texts WHERE owner = '${stranger.pubkey}'`);
    v.clock.advance(3 * 86_400_000);
    await v.pass(4);
    await prune(options, () => Promise.resolve());
    // Its order names the request still; what was said beside it is gone.
    expect(texts()).toBe(1);
    for (let day = 0; day < 120; day++) {
      v.clock.advance(86_400_000);
      await v.pass(4);
      await prune(options, () => Promise.resolve());
    }
    expect(texts()).toBe(0);
    expect(v.count(`SELECT count(*) FROM echoes`)).toBe(1);
    expect(v.count(`SELECT count(*) FROM echoes WHERE state = 'complete'`)).toBe(1);
    expect(v.count(`SELECT count(*) FROM customers`)).toBe(1);
  });

  it('forget leaves what an open echo needs, and takes the rest', async () => {
    await begin();
    await say('echo Hello there');
    await v.pass(2);
    await say('forget');
    await v.pay(lastInvoice());
    expect(await v.news()).toEqual(['Paid. ereht olleH\n\n5 paid, 5 used.']);
    await say('forget');
    await v.pass(2);
    expect(v.count(`SELECT count(*) FROM texts WHERE id IN (SELECT request_id FROM echoes)`)).toBe(0);
  });

  it.each<[string, string, string]>([
    ['its price is gone', `state = 'reversing'`, 'an echo holds its price while it is at work, and nothing else ever'],
    ['it was not done', `state = 'failed'`, 'an echo earned its price if it is complete'],
  ])('ledger verify sees it when %s', async (_, change, invariant) => {
    await begin();
    await say('echo Hello there');
    await v.pay(lastInvoice());
    await v.pass(2);
    const { $client } = v.house.database.read;
    $client.exec(`UPDATE echoes SET ${change}`);
    expect(v.broken()).toContainEqual(expect.objectContaining({ invariant, row: `echo ${echoId()}` }));
    $client.exec(`UPDATE echoes SET state = 'complete'`);
  });
});

describe('the operator', () => {
  it('lists them, shows one, and sees them in status and ledger', async () => {
    const home = mkdtempSync(join(tmpdir(), 'timmy-echo-'));
    prepareDataDir(dataDir(home));
    await begin({ path: dataDir(home).databaseFile });
    const terminal = async (...argv: string[]): Promise<{ code: number; out: string; err: string }> => {
      const world = { clock: v.clock, hub: createRelayHub([]), cwd: home, env: { TIMMY_DATA_DIR: home } };
      const one = createTerminal(world, (program, cli) => register(program, cli, faces));
      return { code: await one.run(...argv), out: one.out(), err: one.err() };
    };
    try {
      expect(await terminal('echoes')).toMatchObject({ code: 0, out: 'No echoes yet.\n' });
      await say('echo Hello there');
      await v.pay(lastInvoice());
      await v.pass(2);
      const paid = echoId();
      await say('echo abc');
      const json = async (...argv: string[]): Promise<Record<string, unknown>> =>
        JSON.parse((await terminal(...argv, '--json')).out) as Record<string, unknown>;
      expect(await json('echoes')).toMatchObject({
        echoes: [{ state: 'awaiting_payment' }, { id: paid, state: 'complete', paid_sats: 5, owed_sats: 0 }],
      });
      expect(await json('echoes', 'list', '--state', 'complete')).toMatchObject({ echoes: [{ id: paid }] });
      const npub = encodeNpub(v.guest.pubkey);
      expect((await json('echoes', 'list', '--npub', npub))['echoes']).toHaveLength(2);
      expect((await json('jobs', 'list', '--npub', npub))['jobs']).toEqual([]);
      expect(await json('echoes', 'show', paid.toLowerCase())).toMatchObject({
        order: { id: paid, npub },
        state: 'complete',
        held_msats: 0,
      });
      expect((await terminal('echoes', 'show', paid)).out).toContain('In the books:');
      expect((await terminal('jobs', 'show', paid)).code).toBe(2);
      expect((await terminal('echoes', 'list', '--npub', 'somebody')).code).toBe(2);
      expect(await json('status')).toMatchObject({ echoes: { awaiting_payment: 1, complete: 1 }, jobs: {} });
      expect(await terminal('ledger', 'verify')).toMatchObject({ code: 0, out: 'Every invariant holds.\n' });
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
});
