import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStubAgent } from '../../src/adapters/stubs/agent/index.ts';
import { createScriptedWallet, type ScriptedWallet } from '../fakes/scripted-wallet.ts';
import { createHandClock } from '../fakes/hand-clock.ts';
import { OutsideError } from '../../src/lib/errors.ts';
import { createSlowAgent, visit, type Visit } from './visit.ts';

const SKY = 'Why is the sky blue? Explain it to a child.';

interface Invoice {
  purpose: string;
  bolt11: string;
  payment_hash: string;
  amount_sats: number;
  paid_at: number | null;
}
interface Refund {
  state: string;
  amount_sats: number;
  payment_hash: string | null;
}
interface Job {
  id: string;
  seq: number;
  state: string;
  request: string;
  invoice: Invoice | null;
  invoices: Invoice[];
  reason: string | null;
  result: string | null;
  result_parts: number;
  cost_ledger: Record<string, unknown> | null;
  refund: Refund | null;
  error: { code: string } | null;
}
interface Answer {
  id: unknown;
  result?: Record<string, unknown> & { job: Job };
  error?: { code: number; message: string; data: Record<string, unknown> };
}

let v: Visit;
let nextId: number;
let read: number;

async function begin(options: Parameters<typeof visit>[0] = {}): Promise<void> {
  v = await visit({ ...options, env: { LIMIT_UNPAID_ANSWERS_PER_MINUTE: '600', ...options.env } });
  [nextId, read] = [0, 0];
}
beforeEach(() => begin());
afterEach(async () => {
  expect(v.broken()).toEqual([]);
  expect(v.count(`SELECT count(*) FROM tasks WHERE state = 'dead'`)).toBe(0);
  await v.close();
});

/** Everything heard since the last look; all of it must be JSON-RPC. */
async function news(): Promise<(Answer & { method?: string; params?: Record<string, unknown> & { job: Job } })[]> {
  await v.pass();
  const fresh = v.guest.heard.slice(read);
  read = v.guest.heard.length;
  return fresh.map((text) => {
    const message = JSON.parse(text) as Answer & { jsonrpc: string };
    expect(message.jsonrpc).toBe('2.0');
    return message;
  });
}

async function send(method: string, params?: unknown, id: unknown = ++nextId): Promise<void> {
  // Two messages of one second with the same words are one message: programs differ by their ids.
  await v.guest.say(JSON.stringify({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) }));
}

/** The one answer to this call; what else comes meanwhile is for `news`. */
async function call(method: string, params?: unknown, id: unknown = ++nextId): Promise<Answer> {
  const before = v.guest.heard.length;
  await send(method, params, id);
  await v.pass();
  const answers = v.guest.heard.slice(before).map((text) => JSON.parse(text) as Answer);
  const mine = answers.filter((answer) => 'id' in answer && answer.id === id);
  expect(mine).toHaveLength(1);
  return mine[0]!;
}
async function result(method: string, params?: unknown): Promise<Record<string, unknown> & { job: Job }> {
  const answer = await call(method, params);
  expect(answer.error).toBeUndefined();
  return answer.result!;
}
async function error(method: string, params?: unknown): Promise<NonNullable<Answer['error']>> {
  const answer = await call(method, params);
  expect(answer.result).toBeUndefined();
  return answer.error!;
}
const create = async (params: Record<string, unknown> = {}): Promise<Job> =>
  (await result('job.create', { request: SKY, ...params })).job;
const get = async (id: string): Promise<Job> => (await result('job.get', { id })).job;

/** Buys a whole job. */
async function buy(params: Record<string, unknown> = {}): Promise<Job> {
  const job = await create(params);
  await v.pay(job.invoice!.bolt11);
  const quoted = await get(job.id);
  if (quoted.invoice !== null) await v.pay(quoted.invoice.bolt11);
  return get(job.id);
}

describe('job.create … complete', () => {
  it('answers with the job and its invoice, and tells each change once, seq growing', async () => {
    const job = await create();
    expect(job).toMatchObject({
      state: 'awaiting_eval_payment',
      request: SKY,
      invoice: { purpose: 'eval', amount_sats: 10, paid_at: null },
      result: null,
      result_parts: 0,
      error: null,
      cost_ledger: null,
      refund: null,
    });
    read = v.guest.heard.length;
    await v.pay(job.invoice!.bolt11);
    const looked = await news();
    expect(looked.map((one) => [one.method, one.params?.job.state, one.params?.job.invoice?.purpose])).toEqual([
      ['job.updated', 'evaluating', undefined],
      ['job.updated', 'awaiting_work_payment', undefined],
      ['job.updated', 'awaiting_work_payment', 'work'],
    ]);
    await v.pay(looked.at(-1)!.params!.job.invoice!.bolt11);
    const done = await news();
    expect(done.map((one) => one.params?.job.state)).toEqual(['executing', 'complete']);
    const complete = done.at(-1)!.params!.job;
    expect(complete).toMatchObject({
      result: expect.stringContaining('Answer of the stub agent') as string,
      result_parts: 1,
      reason: expect.any(String) as string,
      invoice: null,
      invoices: [{ purpose: 'eval' }, { purpose: 'work', amount_sats: 129 }],
      refund: { state: 'pending', amount_sats: 129 - Number(complete.cost_ledger?.['actual_amount_sats']) },
      cost_ledger: {
        estimated_output_tokens: 200,
        work_amount_sats: 129,
        margin_pct: '25',
        btc_price_source: 'fallback',
        cut: false,
        items: [{ role: 'eval' }, { role: 'work' }],
      },
    });
    const seqs = [job, ...[...looked, ...done].map((one) => one.params!.job)].map((one) => one.seq);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    expect(await get(job.id)).toEqual(complete);
    await v.pass(130);
    expect((await news()).filter((one) => one.method !== undefined)).toEqual([]);
  });

  it('prepaid: one invoice of purpose order', async () => {
    const job = await create({ prepay: true });
    expect(job.invoice).toMatchObject({ purpose: 'order', amount_sats: 139 });
    await v.pay(job.invoice!.bolt11);
    expect(await get(job.id)).toMatchObject({ state: 'complete', invoices: [{ purpose: 'order' }] });
  });

  it('rejected, with the reason', async () => {
    const job = await create({ request: 'please reject this' });
    await v.pay(job.invoice!.bolt11);
    expect(await get(job.id)).toMatchObject({ state: 'rejected', reason: expect.stringMatching(/reject/) as string });
  });

  it.each([
    ['end', ['complete']],
    ['money', ['awaiting_work_payment', 'complete']],
    ['all', ['evaluating', 'awaiting_work_payment', 'awaiting_work_payment', 'executing', 'complete']],
  ])('updates: %s', async (updates, expected) => {
    const job = await create({ updates });
    read = v.guest.heard.length;
    await v.pay(job.invoice!.bolt11);
    const bolt11 = v.house.database.read.$client
      .prepare(`SELECT bolt11 FROM invoices WHERE purpose = 'work'`)
      .pluck()
      .get() as string;
    await v.pay(bolt11);
    expect((await news()).map((one) => one.params?.job.state)).toEqual(expected);
  });

  it('a long result comes in parts, after the word that it does', async () => {
    const text = Array.from({ length: 900 }, (_, n) => `Line ${n}: ünïcödé.\n`).join('');
    const stub = createStubAgent();
    const work: typeof stub.work = async (request, signal) => ({ ...(await stub.work(request, signal)), text });
    await v.close();
    await begin({ agent: { ...stub, work } });
    const job = await create({ prepay: true });
    read = v.guest.heard.length;
    await v.pay(job.invoice!.bolt11);
    const told = await news();
    const at = told.findIndex((one) => one.params?.job?.state === 'complete');
    const parts = told
      .filter((one) => one.method === 'job.part')
      .map((one) => one.params as unknown as { id: string; part: number; of: number; text: string });
    expect(told[at]!.params!.job).toMatchObject({ result: null, result_parts: parts.length });
    expect(told.slice(at + 1).map((one) => one.method)).toEqual(parts.map(() => 'job.part'));
    expect(parts.map((one) => one.part)).toEqual(parts.map((_, index) => index + 1));
    expect(parts.map((one) => one.text).join('')).toBe(text);
    for (const one of parts) expect(Buffer.byteLength(one.text)).toBeLessThanOrEqual(6000);
    expect(await get(job.id)).toMatchObject({ result: null, result_parts: parts.length });
    expect((await news()).filter((one) => one.method === 'job.part')).toHaveLength(parts.length);
  });
});

describe('the other methods', () => {
  it('info', async () => {
    const info = await result('info');
    expect(info).toMatchObject({
      name: expect.any(String) as string,
      npub: expect.stringMatching(/^npub1/) as string,
      stub: { lightning: true, agent: true, provisioner: true },
      btc_price_usd: '100000',
      models: { eval: 'claude-haiku-4-5', work: 'claude-sonnet-4-6' },
    });
    expect(info['methods']).toEqual(
      expect.arrayContaining([
        'info', 'quote', 'job.create', 'job.get', 'job.cancel', 'job.invoice', 'job.receipt', 'job.refund', 'job.list',
        'receipt', 'account.get', 'account.refund', 'invoice.claim', 'history', 'forget',
      ]), // prettier-ignore
    );
  });

  it('quote', async () => {
    expect(await result('quote', { request: SKY })).toEqual({
      eval_fee_sats: 10,
      work_amount_sats: 129,
      btc_price_usd: '100000',
      btc_price_source: 'fallback',
      estimated_input_tokens: 61,
      estimated_output_tokens: 200,
    });
    expect(v.count('SELECT count(*) FROM jobs')).toBe(0);
  });

  it('quote of a long answer is the price of a long job', async () => {
    const quoted = await result('quote', { request: SKY, length: 'long' });
    expect(quoted).toMatchObject({ estimated_output_tokens: 800 });
    const job = await create({ request: SKY, length: 'long', prepay: true });
    expect(job.invoice?.amount_sats).toBe(10 + Number(quoted['work_amount_sats']));
  });

  it('job.cancel and job.invoice', async () => {
    const job = await create();
    const again = await result('job.invoice', { id: job.id });
    expect(again.job.invoice).toEqual(job.invoice);
    expect((await result('job.cancel', { id: job.id })).job).toMatchObject({ state: 'cancelled', invoice: null });
    expect((await error('job.cancel', { id: job.id })).code).toBe(-32002);
  });

  it('job.list and history: newest first, page by page, without results', async () => {
    const ids: string[] = [];
    // All in one second: the order is that of their making, all the same.
    for (let n = 0; n < 3; n++) {
      ids.unshift((await create({ request: `${'x'.repeat(300)} ${n}` })).id);
    }
    const first = await result('job.list', { limit: 2 });
    const jobs = first['jobs'] as Job[];
    expect(jobs.map((job) => job.id)).toEqual(ids.slice(0, 2));
    expect(jobs[0]).toMatchObject({ request: 'x'.repeat(200), result: null, invoice: { purpose: 'eval' } });
    const second = await result('job.list', { limit: 2, before: first['next'] });
    expect((second['jobs'] as Job[]).map((job) => job.id)).toEqual(ids.slice(2));
    expect(second['next']).toBeUndefined();
    const { entries, next } = await result('history', { limit: 2 });
    expect(entries).toMatchObject(
      ids.slice(0, 2).map((id) => ({ id, kind: 'job', paid_sats: 0, owed_sats: 0, refunded_sats: 0 })),
    );
    expect((await result('history', { before: next }))['entries']).toHaveLength(1);
  });

  it('account.get, job.refund, account.refund: asked twice, paid once', async () => {
    const job = await buy();
    const owed = job.refund!.amount_sats;
    expect(await result('account.get')).toEqual({
      owed_sats: owed,
      debts: [{ id: job.id, amount_sats: owed }],
      refund_to: null,
      refunds: true,
      keep: false,
      session: null,
    });
    const wrong = await error('job.refund', { id: job.id, destination: v.invoice(owed + 1) });
    expect(wrong).toMatchObject({ code: -32008, data: { why: 'amount_wrong' } });
    expect((await error('account.refund', { destination: 'nonsense' })).code).toBe(-32008);
    read = v.guest.heard.length;
    const destination = v.invoice(owed);
    expect((await result('job.refund', { id: job.id, destination })).job.refund).toMatchObject({
      state: 'pending',
      amount_sats: owed,
    });
    const updates = (await news()).filter((one) => one.method === 'job.updated').map((one) => one.params!.job);
    expect(updates.at(-1)!.refund).toMatchObject({ state: 'paid', preimage: null });
    expect(new Set(updates.map((one) => one.seq)).size).toBe(updates.length);
    const { refund } = await get(job.id);
    expect(await error('job.refund', { id: job.id, destination: v.invoice(owed) })).toMatchObject({
      code: -32010,
      data: { payment_hash: refund!.payment_hash, preimage: null },
    });
    expect(v.count('SELECT count(*) FROM stub_payments')).toBe(1);
    expect((await result('account.get'))['owed_sats']).toBe(0);
  });

  it('job.receipt: signed events, -32002 before the first charge', async () => {
    const job = await create();
    expect(await error('job.receipt', { id: job.id })).toMatchObject({ code: -32002, data: { state: job.state } });
    await v.pay(job.invoice!.bolt11);
    const { receipt, refund_receipts } = await result('job.receipt', { id: job.id });
    expect(receipt).toMatchObject({ sig: expect.stringMatching(/^[0-9a-f]{128}$/) as string });
    expect(refund_receipts).toEqual([]);
    expect(await result('receipt', { id: job.id })).toMatchObject({ receipt: { id: (receipt as { id: string }).id } });
  });

  it('invoice.claim looks at once, and credits nothing on a word', async () => {
    const job = await create();
    const { payment_hash, bolt11 } = job.invoice!;
    expect(await result('invoice.claim', { payment_hash })).toMatchObject({ claim: 'open', invoice: { payment_hash } });
    v.house.pay(bolt11);
    expect(await result('invoice.claim', { payment_hash })).toMatchObject({
      claim: 'settled',
      invoice: { paid_at: v.clock.now() },
    });
    expect((await error('invoice.claim', { payment_hash: '0'.repeat(64) })).code).toBe(-32001);
  });

  it('invoice.claim: a preimage must be of that payment; one that is kept is shown to the operator, and credits nothing', async () => {
    const job = await create();
    const { payment_hash } = job.invoice!;
    const kept = (): unknown => v.house.database.read.$client.prepare('SELECT preimage FROM claims').pluck().all();
    const wrong = await error('invoice.claim', { payment_hash, preimage: '00'.repeat(32) });
    expect(wrong).toMatchObject({ code: -32602, data: { issues: [{ path: ['preimage'] }] } });
    expect(kept()).toEqual([]);
    await result('invoice.claim', { payment_hash });
    expect(kept()).toEqual([null]);
    const preimage = v.house.database.read.$client.prepare('SELECT preimage FROM stub_invoices').pluck().get();
    expect(await result('invoice.claim', { payment_hash, preimage })).toMatchObject({ claim: 'open' });
    expect(kept()).toEqual([preimage]);
    await result('invoice.claim', { payment_hash });
    expect(kept()).toEqual([preimage]);
    expect((await get(job.id)).state).toBe('awaiting_eval_payment');
  });

  it('forget erases what is finished', async () => {
    const job = await buy();
    const { erased } = await result('forget');
    expect(erased).toBeGreaterThan(0);
    expect(await get(job.id)).toMatchObject({
      state: 'complete',
      request: '',
      result: '',
      cost_ledger: { cut: false },
    });
  });
});

describe('errors', () => {
  it.each([
    ['no JSON', '{"jsonrpc":"2.0", "id":7', -32700],
    ['a batch', '[{"jsonrpc":"2.0","id":7,"method":"info"}]', -32600],
    ['no method', '{"jsonrpc":"2.0","id":7}', -32600],
    ['an unknown method', '{"jsonrpc":"2.0","id":7,"method":"job.steal"}', -32601],
    ['wrong params', '{"jsonrpc":"2.0","id":7,"method":"job.create","params":{"request":5}}', -32602],
    ['unknown params', '{"jsonrpc":"2.0","id":7,"method":"info","params":{"a":1}}', -32602],
    ['an order that is not', '{"jsonrpc":"2.0","id":7,"method":"job.get","params":{"id":"J-00000"}}', -32001],
    ['too large', `{"jsonrpc":"2.0","id":7,"method":"quote","params":{"request":"${'x'.repeat(33_000)}"}}`, -32004],
    [
      'a bad destination',
      `{"jsonrpc":"2.0","id":7,"method":"job.create","params":{"request":"x y","refund_to":"no"}}`,
      -32008,
    ],
  ])('%s: %#', async (_what, text, code) => {
    await v.guest.say(text);
    expect(await news()).toMatchObject([{ error: { code, message: expect.any(String) as string } }]);
  });

  it('what has no id, and what is an answer, is never answered', async () => {
    await v.guest.say('{"jsonrpc":"2.0","method":"info"}');
    await v.guest.say('{"jsonrpc":"2.0","id":1,"result":{}}');
    await v.guest.say('{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}');
    expect(await news()).toEqual([]);
  });

  it('another customer’s order is not there, by any method', async () => {
    const job = await create();
    const stranger = await v.house.guest();
    for (const method of ['job.get', 'job.cancel', 'job.invoice', 'job.receipt', 'receipt', 'job.refund']) {
      const params = method === 'job.refund' ? { id: job.id, destination: v.invoice(5) } : { id: job.id };
      await stranger.say(JSON.stringify({ jsonrpc: '2.0', id: method, method, params }));
    }
    const { payment_hash } = job.invoice!;
    await stranger.say(JSON.stringify({ jsonrpc: '2.0', id: 9, method: 'invoice.claim', params: { payment_hash } }));
    await v.pass();
    expect(stranger.heard.map((text) => (JSON.parse(text) as Answer).error?.code)).toEqual(Array(7).fill(-32001));
  });

  it('a stale message, and one from a clock ahead, is answered as what it is', async () => {
    const text = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'info' });
    await v.guest.say(text, v.clock.now() - 80 * 3600);
    await v.guest.say(text, v.clock.now() + 3600);
    expect(await news()).toMatchObject([
      { id: 7, error: { code: -32002 } },
      { id: 7, error: { code: -32002 } },
    ]);
  });

  it('too fast: -32003 with retry_after, then silence; the same request then goes through', async () => {
    await v.close();
    await begin({ env: { LIMIT_COMMANDS_BURST: '1', LIMIT_COMMANDS_PER_SECOND: '1' } });
    await send('info');
    await send('job.create', { request: SKY }, 'mine');
    await send('info');
    const heard = await news();
    expect(heard.map((one) => one.error?.code)).toEqual([undefined, -32003]);
    expect(heard[1]).toMatchObject({ id: 'mine', error: { data: { retry_after: 1 } } });
    v.clock.advance(2000);
    await send('job.create', { request: SKY }, 'mine');
    expect(await news()).toMatchObject([{ id: 'mine', result: { job: { state: 'awaiting_eval_payment' } } }]);
  });

  it('more open invoices than allowed: -32009; more new ones in an hour: -32003', async () => {
    for (let n = 0; n < 3; n++) await create({ request: `request ${n}` });
    expect((await error('job.create', { request: 'one more' })).code).toBe(-32009);
    await v.close();
    await begin({ env: { LIMIT_NEW_PER_HOUR: '1' } });
    const job = await create();
    await result('job.cancel', { id: job.id });
    v.clock.advance(1_000_000);
    expect(await error('job.create', { request: 'one more' })).toMatchObject({
      code: -32003,
      data: { retry_after: 2600 },
    });
    v.clock.advance(2_599_000);
    expect(await error('job.create', { request: 'one more' })).toMatchObject({ data: { retry_after: 1 } });
    v.clock.advance(1000);
    await create({ request: 'one more' });
  });

  it('paid requests that wait in turn: 20 behind those at work, then -32009; paid for all the same', async () => {
    await v.close();
    const agent = createSlowAgent();
    await begin({ agent, env: { LIMIT_NEW_PER_HOUR: '100', LIMIT_RUNNING: '1' } });
    for (let n = 0; n < 20; n++) {
      await v.pay((await create({ request: `request ${n}`, prepay: true })).invoice!.bolt11);
    }
    const last = await create({ request: 'the last', prepay: true });
    await v.pay(last.invoice!.bolt11);
    const refused = await error('job.create', { request: 'one more' });
    expect(refused).toMatchObject({ code: -32009, message: expect.stringContaining('21 paid requests') as string });
    await result('job.cancel', { id: last.id });
    await create({ request: 'one more' });
  });

  it('a wallet that issues nothing for 30 s: -32007, nothing was created, and the same request may be made again', async () => {
    await v.close();
    const clock = createHandClock();
    let wallet: ScriptedWallet | undefined;
    await begin({ clock, wallet: () => (wallet = createScriptedWallet(clock, 0n)) });
    wallet!.down = true;
    await send('job.create', { request: SKY }, 'x');
    expect(await news()).toEqual([]);
    await v.pass(60);
    expect(await news()).toMatchObject([{ id: 'x', error: { code: -32007 } }]);
    expect(v.count('SELECT count(*) FROM jobs')).toBe(0);
    wallet!.down = false;
    await send('job.create', { request: SKY }, 'x');
    clock.advance(1000);
    expect(await news()).toMatchObject([{ id: 'x', result: { job: { state: 'awaiting_eval_payment' } } }]);
  });
});

describe('a request whose invoice never comes, because its order went another way', () => {
  let wallet: ScriptedWallet;
  beforeEach(async () => {
    await v.close();
    const clock = createHandClock();
    await begin({ clock, wallet: () => (wallet = createScriptedWallet(clock, 0n)) });
  });
  const idOfJob = (): string => v.house.database.read.$client.prepare('SELECT id FROM jobs').pluck().get() as string;

  it('job.create, cancelled in words: answered with the job, cancelled', async () => {
    wallet.down = true;
    await send('job.create', { request: SKY }, 'x');
    expect(await news()).toEqual([]);
    await v.guest.say(`cancel ${idOfJob()}`);
    await v.pass();
    const told = v.guest.heard.slice(read);
    expect(told.shift()).toMatch(/^J-\w{5} is cancelled/);
    const messages = told.map((text) => JSON.parse(text) as Answer & { method?: string });
    expect(messages.filter((one) => one.id === 'x')).toMatchObject([
      { result: { job: { id: idOfJob(), state: 'cancelled', invoice: null } } },
    ]);
    expect(messages.filter((one) => one.method === 'job.updated')).toHaveLength(1);
    await v.pass(1);
    expect((await call('job.create', { request: SKY }, 'x')).result?.job.id).toBe(idOfJob());
  });

  it('job.create, cancelled by job.cancel: both are answered', async () => {
    wallet.down = true;
    await send('job.create', { request: SKY }, 'x');
    await v.pass();
    await send('job.cancel', { id: idOfJob() }, 'y');
    const answers = (await news()).filter((one) => one.method === undefined);
    expect(answers.map((one) => [one.id, one.result?.job.state]).sort()).toEqual([
      ['x', 'cancelled'],
      ['y', 'cancelled'],
    ]);
  });

  it('job.invoice, while the invoice before it is paid: answered with the job under way', async () => {
    const job = await create();
    await v.pass(3500);
    wallet.down = true;
    await send('job.invoice', { id: job.id }, 'again');
    await v.pass();
    wallet.receive(job.invoice!.payment_hash, 10_000n);
    wallet.down = false;
    wallet.next('createInvoice', new OutsideError('unavailable', 'slow'));
    v.house.timmy.onWalletHint(job.invoice!.payment_hash);
    await v.pass(10);
    const answers = (await news()).filter((one) => one.id === 'again');
    expect(answers).toHaveLength(1);
    expect(['evaluating', 'awaiting_work_payment']).toContain(answers[0]!.result?.job.state);
  });
});

describe('the same request again', () => {
  const again = async (method: string, params: unknown, id: unknown): Promise<Answer> => {
    v.clock.advance(1000);
    return call(method, params, id);
  };

  it('that changes something does nothing twice and gets its first answer', async () => {
    const first = await call('job.create', { request: SKY }, 'a');
    await v.pay(first.result!.job.invoice!.bolt11);
    expect(await again('job.create', { request: SKY }, 'a')).toEqual(first);
    expect(v.count('SELECT count(*) FROM jobs')).toBe(1);
  });

  it('is told that its answer was erased, and of which order it was', async () => {
    const first = await call('job.create', { request: SKY }, 'a');
    const { id } = first.result!.job;
    await result('forget');
    expect((await again('job.create', { request: SKY }, 'a')).error).toMatchObject({
      code: -32002,
      message: expect.stringContaining(id) as string,
      data: { state: 'erased', id },
    });
    expect(v.count('SELECT count(*) FROM jobs')).toBe(1);
    await call('account.set', { keep: true }, 'b');
    await result('forget');
    expect((await again('account.set', { keep: true }, 'b')).error?.data).toEqual({
      state: 'erased',
      reason: 'the first answer was erased',
    });
  });

  it('that reads is answered afresh', async () => {
    const { id, invoice } = await create();
    const before = await call('job.get', { id }, 'r');
    await v.pay(invoice!.bolt11);
    const after = await again('job.get', { id }, 'r');
    expect([before.result!.job.state, after.result!.job.state]).toEqual([
      'awaiting_eval_payment',
      'awaiting_work_payment',
    ]);
  });

  it('while the first is under way is answered once, with it', async () => {
    for (let n = 0; n < 3; n++) {
      // Another message, the same request.
      await v.guest.say(
        `${' '.repeat(n)}{"jsonrpc":"2.0","id":"u","method":"job.create","params":{"request":"${SKY}"}}`,
      );
    }
    const heard = await news();
    expect(new Set(heard.map((one) => one.result?.job.id)).size).toBe(1);
    expect(v.count('SELECT count(*) FROM jobs')).toBe(1);
  });

  it('is another by its id’s type, its params, or a day later', async () => {
    await call('job.create', { request: SKY }, 1);
    await call('job.create', { request: SKY }, '1');
    await call('job.create', { request: `${SKY} Now.` }, 1);
    expect(v.count('SELECT count(*) FROM jobs')).toBe(3);
    for (const { id } of (await result('job.list'))['jobs'] as Job[]) await result('job.cancel', { id });
    v.clock.advance(86_401_000);
    await v.pass();
    await call('job.create', { request: SKY }, 1);
    expect(v.count('SELECT count(*) FROM jobs')).toBe(4);
  });

  it('by key: the same object for a day; other params with it: -32602', async () => {
    const job = await create({ key: 'k1' });
    expect((await create({ key: 'k1' })).id).toBe(job.id);
    expect((await error('job.create', { request: 'other', key: 'k1' })).code).toBe(-32602);
    expect((await create({ key: 'k2' })).id).not.toBe(job.id);
    const stranger = await v.house.guest();
    await stranger.say(
      JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'job.create', params: { request: SKY, key: 'k1' } }),
    );
    await v.pass();
    expect((JSON.parse(stranger.heard[0]!) as Answer).result!.job.id).not.toBe(job.id);
  });
});

it('a word without an id never means a program’s order', async () => {
  const job = await create();
  const say = async (text: string): Promise<string[]> => {
    const before = v.guest.heard.length;
    await v.guest.say(text);
    await v.pass();
    v.clock.advance(1000);
    return v.guest.heard.slice(before).map((heard) => heard.replaceAll(job.id, 'J-RPC'));
  };
  for (const word of ['cancel', 'invoice']) {
    expect(await say(word)).toEqual([
      `Only J-RPC is open, and a program with your key ordered that. If you mean it, send: ${word} J-RPC`,
    ]);
  }
  expect(await say('uri')).toEqual(['From now on invoices come as lightning: links. None is open now.']);
  const [price] = await say('How old is the universe?');
  const inWords = price!.slice(0, 7);
  // Newer than the order in words.
  const second = await create({ request: 'Why is grass green?' });
  expect((await say('invoice'))[0]).toContain(inWords);
  expect((await say('cancel'))[0]).toContain(`${inWords} is cancelled`);
  expect([(await get(job.id)).state, (await get(second.id)).state]).toEqual([
    'awaiting_eval_payment',
    'awaiting_eval_payment',
  ]);
  v.house.pay(job.invoice!.bolt11);
  expect((await say('paid')).filter((text) => !text.startsWith('{'))).toEqual([
    'That paid J-RPC. A program with your key ordered it, and hears the rest.',
  ]);
});

it('a program’s order does not come between two lines of one request', async () => {
  await v.close();
  await begin({ env: { TEXT_JOIN_SECONDS: '15' } });
  await v.guest.say('Translate to German:');
  await v.pass();
  await create();
  await v.guest.say('the cat sat');
  await v.pass(6);
  expect(v.guest.heard.at(-2)).toMatch(/^Added, still J-/);
  expect(v.count('SELECT count(*) FROM jobs')).toBe(2);
});

it('a phone and a program on one key do not disturb each other', async () => {
  const job = await create();
  await v.guest.say('How old is the universe?');
  await v.pass();
  const words = v.guest.heard.slice(-2);
  expect(words[0]).toMatch(/^J-/);
  await v.pay(job.invoice!.bolt11);
  const rpc = v.guest.heard.slice(read).filter((text) => text.startsWith('{'));
  expect(rpc.length).toBe(4);
  await v.pay(words[1]!);
  expect(v.guest.heard.at(-2)).toMatch(/^Paid\. J-/);
});
