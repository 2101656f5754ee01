import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createStubAgent } from '../../src/adapters/stubs/agent/index.ts';
import { closeOverBooks } from '../../src/payments/index.ts';
import type { Guest } from '../builders/house.ts';
import { visit, type Visit } from './visit.ts';

let v: Visit;
afterEach(async () => {
  expect(v.broken()).toEqual([]);
  expect(v.count(`SELECT count(*) FROM tasks WHERE state = 'dead'`)).toBe(0);
  await v.close();
});

const AWAITED = `SELECT count(*) FROM invoices WHERE state IN ('wanted', 'open')`;
const ids = (): string[] =>
  v.house.database.read.$client.prepare('SELECT id FROM jobs ORDER BY rowid').pluck().all() as string[];
const stateOf = (id: string): unknown =>
  v.house.database.read.$client.prepare('SELECT state FROM jobs WHERE id = ?').pluck().get(id);
const closeSales = (): void =>
  v.house.database.write(
    (tx) => void closeOverBooks(tx, [{ kind: 'books', invariant: 'a test', row: 'none' }], v.clock.now()),
  );
/** What `guest` hears of this message. */
async function tell(guest: Guest, text: string): Promise<string[]> {
  const before = guest.heard.length;
  v.clock.advance(20_000); // answers that nobody pays for are three a minute
  await guest.say(text);
  await v.pass();
  return guest.heard.slice(before);
}
let serial = 0;
async function rpc(method: string, params: Record<string, unknown>): Promise<{ code?: number; job?: Shown }> {
  const id = ++serial;
  const heard = await tell(v.guest, JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  const all = heard.map(
    (text) => JSON.parse(text) as { id?: number; result?: { job: Shown }; error?: { code: number } },
  );
  const mine = all.find((one) => one.id === id);
  return { ...(mine?.error && { code: mine.error.code }), ...(mine?.result && { job: mine.result.job }) };
}
interface Shown {
  id: string;
  state: string;
  invoices: { bolt11: string }[];
  invoices_left_out?: number;
}
/** Three jobs of the guest in a row, all of them lapsed; `count` in all. */
async function expiredJobs(count: number): Promise<string[]> {
  for (let n = 0; n < count; n++) {
    if (n % 3 === 0 && n > 0) await v.pass(700);
    await tell(v.guest, `job Why is the sky blue in year ${n}?`);
  }
  await v.pass(800);
  return ids();
}

describe('an expired order taken up again', () => {
  it.each(['words', 'rpc'] as const)('opens no more invoices than a new one may, in %s', async (dialect) => {
    v = await visit({ env: { INVOICE_EXPIRY_SECONDS: '600' } });
    const jobs = await expiredJobs(6);
    expect(jobs.map(stateOf)).toEqual(Array(6).fill('expired'));
    const answers: unknown[] = [];
    for (const id of jobs) {
      answers.push(
        dialect === 'words'
          ? (await tell(v.guest, `invoice ${id}`)).some((text) => text.includes('3 unpaid invoices open'))
          : (await rpc('job.invoice', { id })).code,
      );
    }
    expect(answers).toEqual(
      dialect === 'words'
        ? [false, false, false, true, true, true]
        : [undefined, undefined, undefined, -32009, -32009, -32009],
    );
    expect(v.count(AWAITED)).toBe(3);
    expect(jobs.map(stateOf).filter((state) => state === 'expired')).toHaveLength(3);
  });

  it('is refused while sales are closed, and nothing of it stays', async () => {
    v = await visit({ env: { INVOICE_EXPIRY_SECONDS: '600' } });
    const [id = ''] = await expiredJobs(1);
    closeSales();
    const rows = v.count('SELECT count(*) FROM invoices');
    expect(await tell(v.guest, `invoice ${id}`)).toEqual([expect.stringMatching(/^I sell nothing just now: /)]);
    expect(await rpc('job.invoice', { id })).toEqual({ code: -32007 });
    expect([stateOf(id), v.count('SELECT count(*) FROM invoices')]).toEqual(['expired', rows]);
  });

  it('counts among the new ones of an hour', async () => {
    v = await visit({ env: { INVOICE_EXPIRY_SECONDS: '300', LIMIT_NEW_PER_HOUR: '2' } });
    const [id = ''] = await expiredJobs(1);
    await tell(v.guest, `invoice ${id}`);
    await v.pass(400);
    expect(stateOf(id)).toBe('expired');
    expect((await tell(v.guest, `invoice ${id}`)).join()).toMatch(/more than 2 new requests in an hour/);
    expect(await rpc('job.create', { request: 'Another one?' })).toEqual({ code: -32003 });
  });
});

describe('an order that is paid for', () => {
  it('gets its next invoice though sales are closed and its owner has three open', async () => {
    v = await visit();
    await tell(v.guest, 'job Why is the sky blue?');
    const look = v.guest.heard.at(-1) ?? '';
    for (const n of [1, 2]) await tell(v.guest, `job Why is the sea salt, ${n}?`);
    closeSales();
    await v.pay(look);
    expect(v.guest.heard.at(-2)).toMatch(/is accepted\. .* Invoice follows/);
    expect(v.count(AWAITED)).toBe(3);
    await v.pay(v.guest.heard.at(-1) ?? '');
    expect(stateOf(ids()[0] ?? '')).toBe('complete');
  });
});

describe('an invoice of another price', () => {
  it('`one` while sales are closed: refused, and the invoice that is open stays good', async () => {
    v = await visit();
    await tell(v.guest, 'job Why is the sky blue?');
    const look = v.guest.heard.at(-1) ?? '';
    closeSales();
    expect(await tell(v.guest, 'one')).toEqual([expect.stringMatching(/^I sell nothing just now: /)]);
    await v.pay(look);
    expect(stateOf(ids()[0] ?? '')).toBe('awaiting_work_payment');
  });

  it('takes the place of the one before, where its owner has three open', async () => {
    v = await visit();
    for (const n of [1, 2, 3]) await tell(v.guest, `job Why is the sea salt, ${n}?`);
    expect((await tell(v.guest, 'one')).at(-1)).toMatch(/^lnbcrt/);
    expect(v.count(AWAITED)).toBe(3);
  });

  it('lines that make it dearer, refused: the request stays as it was', async () => {
    v = await visit({ env: { JOB_ONE_INVOICE: 'always', TEXT_JOIN_SECONDS: '600' } });
    await tell(v.guest, 'job Why is the sky blue?');
    closeSales();
    expect((await tell(v.guest, 'and the sea, '.repeat(20))).join()).toMatch(/I sell nothing/);
    const kept = v.house.database.read.$client
      .prepare("SELECT json_extract(details, '$.requestCharacters') FROM jobs")
      .pluck()
      .get();
    expect(kept).toBe('Why is the sky blue?'.length);
    expect(v.count(`SELECT count(*) FROM invoices WHERE state = 'open'`)).toBe(1);
  });
});

describe('the invoices of one order', () => {
  it('are twenty unpaid ones at most, and its object always fits a message', async () => {
    v = await visit({
      env: { INVOICE_EXPIRY_SECONDS: '30', LIMIT_NEW_PER_HOUR: '1000', LIMIT_UNPAID_ANSWERS_PER_MINUTE: '1000' },
    });
    const id = (await rpc('job.create', { request: '"'.repeat(3000) })).job?.id ?? '';
    let refused: number | undefined;
    for (let n = 1; n <= 25 && refused === undefined; n++) {
      await v.pass(40);
      refused = (await rpc('job.invoice', { id })).code;
      if (refused !== undefined) expect(n).toBe(20);
    }
    expect(refused).toBe(-32002);
    const { job } = await rpc('job.get', { id });
    expect(job?.state).toBe('expired');
    expect((job?.invoices.length ?? 0) + (job?.invoices_left_out ?? 0)).toBe(20);
  });
});

describe('strangers in any number and order', () => {
  /** `LIMIT_ALL_OPEN_INVOICES`; of it 60 are for top-ups and 120 for who has paid before: strangers have six. */
  const ALL = 186;
  const STRANGERS = 6;

  it('never have more open than their share and three each; who has paid before is served', async () => {
    v = await visit({
      agent: createStubAgent(),
      env: {
        LIMIT_ALL_OPEN_INVOICES: String(ALL),
        LIMIT_UNPAID_ANSWERS_PER_MINUTE: '1000',
        INVOICE_EXPIRY_SECONDS: '900',
      },
    });
    const known = v.guest;
    await tell(known, 'job Why is the sky blue?');
    await v.pay(known.heard.at(-1) ?? '');
    await tell(known, `cancel ${ids()[0] ?? ''}`);
    const strangers = await Promise.all([1, 2, 3, 4].map(() => v.house.guest()));
    const deed = fc.record({
      who: fc.nat({ max: strangers.length - 1 }),
      what: fc.constantFrom('create', 'create', 'invoice', 'invoice', 'cancel', 'one', 'prepay', 'wait'),
      which: fc.nat({ max: 50 }),
    });
    const deeds = fc.sample(deed, { numRuns: 120, seed: 9 });
    let most = 0;
    for (const [at, { who, what, which }] of deeds.entries()) {
      const guest = strangers[who]!;
      const own = v.house.database.read.$client
        .prepare('SELECT id FROM jobs WHERE owner = ? ORDER BY rowid')
        .pluck()
        .all(guest.pubkey) as string[];
      const id = own[which % Math.max(1, own.length)] ?? 'J-00000';
      if (what === 'create') await tell(guest, `job What is ${at} times ${which}?`);
      else if (what === 'prepay')
        await tell(
          guest,
          JSON.stringify({ jsonrpc: '2.0', id: at, method: 'job.create', params: { request: 'x', prepay: true } }),
        );
      else if (what === 'wait') await v.pass(150);
      else await tell(guest, what === 'one' ? 'one' : `${what} ${id}`);
      most = Math.max(most, v.count(AWAITED));
      expect(v.count(AWAITED)).toBeLessThanOrEqual(STRANGERS);
      const worst = v.count(
        `SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM invoices WHERE state IN ('wanted', 'open') GROUP BY owner)`,
      );
      expect(worst).toBeLessThanOrEqual(3);
    }
    expect(most).toBe(STRANGERS);
    for (let n = 0; v.count(AWAITED) < STRANGERS && n < 12; n++) await tell(strangers[n % 4]!, `job Once more, ${n}?`);
    expect((await tell(await v.house.guest(), 'job May I?')).join()).toMatch(/Too many people are buying/);
    expect((await tell(known, 'job And the sea?')).at(-1)).toMatch(/^lnbcrt/);
  });

  it('above half of their share get invoices of ten minutes, and are told so', async () => {
    v = await visit({ env: { LIMIT_ALL_OPEN_INVOICES: String(ALL) } });
    const said: string[] = [];
    for (let n = 0; n < 4; n++) said.push((await tell(await v.house.guest(), 'job Why is the sky blue?'))[0] ?? '');
    expect(said.map((text) => /good for (\d+) minutes/.exec(text)?.[1])).toEqual(['60', '60', '60', '10']);
  });
});
