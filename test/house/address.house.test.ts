import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStubWallet } from '../../src/adapters/stubs/wallet/index.ts';
import type { Database } from '../../src/db/index.ts';
import { OutsideError } from '../../src/lib/errors.ts';
import { unixSeconds } from '../../src/lib/units.ts';
import { profileEvent } from '../../src/nostr/profile.ts';
import type { LnurlPay } from '../../src/ports/lnurl.ts';
import type { Wallet } from '../../src/ports/wallet.ts';
import { settled } from '../builders/fresh-database.ts';
import { RELAY, rng } from '../builders/house.ts';
import { createHandClock, type HandClock } from '../fakes/hand-clock.ts';
import { visit, type Visit } from './visit.ts';

const SKY = 'Why is the sky blue? Explain it to a child.';
const GRASS = 'And why is the grass green? Explain it to a child.';

/** What an address does with a request for an invoice. */
type Manner = 'gives' | 'held' | 'down' | 'silent' | 'from 3 sats' | 'missing';

let v: Visit;
let clock: HandClock;
/** By address; `gives` where nothing is said. Changed as the test goes on. */
let manners: Record<string, Manner>;
let asked: string[];
/** Lets the address that is `held` give its invoice. */
let letGo: Record<string, () => void>;

const lnurl: LnurlPay = {
  resolve: () => Promise.resolve(),
  invoice: (destination, amountMsats, signal) => {
    asked.push(destination);
    const unavailable = new OutsideError('unavailable', 'lnurl.down');
    const give = (): string => v.invoice(Number(amountMsats) / 1000);
    switch (manners[destination] ?? 'gives') {
      case 'gives':
        return Promise.resolve(give());
      case 'held':
        return new Promise((resolve) => (letGo[destination] = () => resolve(give())));
      case 'down':
        return Promise.reject(unavailable);
      case 'silent':
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(unavailable), { once: true });
        });
      case 'from 3 sats':
        return amountMsats >= 3000n
          ? Promise.resolve(give())
          : Promise.reject(new OutsideError('rejected', 'lnurl.amount_too_small'));
      case 'missing':
        return Promise.reject(new OutsideError('rejected', 'lnurl.no_such_address'));
    }
  },
};

interface Options {
  env?: Record<string, string>;
  wallet?: (stub: Wallet) => Wallet;
  lud16?: string;
}

async function open({ env = {}, wallet = (stub) => stub, lud16 = 'me@pay.example' }: Options = {}): Promise<void> {
  const made = (database: Database): Wallet => wallet(createStubWallet({ database, network: 'regtest', clock, rng }));
  v = await visit({ lnurl, clock, wallet: made, env: { REFUND_ASK_MIN_SATS: '2', ...env } });
  const profile = profileEvent({ name: 'g', about: '', lud16 }, unixSeconds(1));
  await v.house.hub.put(RELAY, await v.guest.sign(profile));
}

beforeEach(() => {
  clock = createHandClock();
  [manners, asked, letGo] = [{}, [], {}];
});
afterEach(async () => {
  expect(v.broken()).toEqual([]);
  expect(v.count(`SELECT count(*) FROM tasks WHERE state = 'dead'`)).toBe(0);
  await v.close();
});

/** Buys a whole job in words; its change is 2 sats. */
async function buy(request = SKY): Promise<void> {
  await v.guest.say(request);
  await v.pass(1);
  await v.pay(v.guest.heard.at(-1) ?? '');
  await v.pay(v.guest.heard.at(-1) ?? '');
  await v.news();
}

/** Lets so many minutes pass, ten seconds at a time. */
async function minutes(count: number): Promise<void> {
  for (let step = 0; step < count * 6; step++) {
    clock.advance(10_000);
    for (let turn = 0; turn < 4; turn++) await settled();
  }
}

const paidTo = (): unknown[] =>
  v.house.database.read.$client
    .prepare(`SELECT destination, amount_msats / 1000 AS sats FROM payouts WHERE state = 'paid' ORDER BY created_at`)
    .raw()
    .all();

/** A wallet whose payments to `without` a route die; others arrive. */
const noRouteTo =
  (without: readonly string[]) =>
  (stub: Wallet): Wallet => {
    const lost = new Set<string>();
    const isLost = (hash: string): boolean => {
      const sql = 'SELECT destination FROM payouts WHERE payment_hash = ?';
      return without.includes(String(v.house.database.read.$client.prepare(sql).pluck().get(hash)));
    };
    return {
      ...stub,
      pay: async (bolt11, label, signal) => {
        const sql = 'SELECT payment_hash FROM payouts WHERE bolt11 = ?';
        const hash = String(v.house.database.read.$client.prepare(sql).pluck().get(bolt11));
        if (!isLost(hash)) return stub.pay(bolt11, label, signal);
        lost.add(hash);
        return { answer: 'accepted' };
      },
      lookupPayment: async (hash, signal) => (lost.has(hash) ? { state: 'failed' } : stub.lookupPayment(hash, signal)),
      probeFailure: async (bolt11, hash, signal) => (lost.has(hash) ? 'dead' : stub.probeFailure(bolt11, hash, signal)),
    };
  };

/** A wallet that holds too little for any payment. */
const withoutMoney = (stub: Wallet): Wallet => ({
  ...stub,
  pay: () => Promise.resolve({ answer: 'refused', why: 'insufficient' }),
});

describe('another word of theirs', () => {
  it('wins at once while the address in their profile is down', async () => {
    manners = { 'me@pay.example': 'down' };
    await open();
    await buy();
    await v.pass(300);
    expect(await v.news()).toEqual([]);
    await v.guest.say('refund other@pay.example');
    expect(await v.news()).toEqual([
      'Paying out 2 sats to other@pay.example. I say when it has arrived.',
      expect.stringMatching(/^Paid out: 2 sats to other@pay\.example\./),
    ]);
  });

  it('wins at once while that address keeps us waiting, and so does an invoice', async () => {
    manners = { 'me@pay.example': 'silent' };
    await open();
    await buy();
    await v.guest.say(`refund ${v.invoice(2)}`);
    expect((await v.news())[0]).toMatch(/^Paying out 2 sats \(J-XXXXX\)/);
    await buy(GRASS);
    await v.guest.say('refund other@pay.example');
    expect((await v.news())[0]).toBe('Paying out 2 sats to other@pay.example. I say when it has arrived.');
    await v.pass(60);
    expect(paidTo()).toEqual([
      [null, 2],
      ['other@pay.example', 2],
    ]);
  });

  it('is answered while the wallet has no key to pay with', async () => {
    await open({ wallet: (stub) => ({ ...stub, canPay: false }) });
    await buy();
    await minutes(11);
    await v.guest.say('refund other@pay.example');
    expect(await v.news()).toEqual(['Paying out 2 sats to other@pay.example. I say when it has arrived.']);
    expect(asked).toEqual(['other@pay.example']);
  });

  it('said twice, the later one wins, though the earlier address answers first', async () => {
    manners = { 'me@pay.example': 'down', 'typo@pay.example': 'held', 'right@pay.example': 'held' };
    await open();
    await buy();
    await v.guest.say('refund typo@pay.example');
    await v.guest.say('refund right@pay.example');
    await v.pass(1);
    letGo['typo@pay.example']?.();
    expect(await v.news()).toEqual([]);
    letGo['right@pay.example']?.();
    expect((await v.news())[0]).toBe('Paying out 2 sats to right@pay.example. I say when it has arrived.');
    expect(paidTo()).toEqual([['right@pay.example', 2]]);
  });

  it('does not wait for the earlier one, whose answer then is how things stand', async () => {
    manners = { 'me@pay.example': 'down', 'slow@pay.example': 'silent' };
    await open();
    await buy();
    await v.guest.say('refund slow@pay.example');
    await v.guest.say('refund right@pay.example');
    expect((await v.news())[0]).toBe('Paying out 2 sats to right@pay.example. I say when it has arrived.');
    await v.pass(12);
    expect((await v.news()).at(-1)).toMatch(/^That was paid: 2 sats\./);
    expect(paidTo()).toEqual([['right@pay.example', 2]]);
  });

  it('refunds off, then refund alone: to the address that is known', async () => {
    await open();
    await v.guest.say('refunds off');
    await v.pass(1);
    await buy();
    expect(v.guest.heard.at(-1)).toMatch(/\n2 sats kept for you: refund pays them out\.$/);
    await v.pass(60);
    expect(asked).toEqual([]);
    await v.guest.say('refund');
    expect((await v.news())[0]).toBe('Paying out 2 sats to me@pay.example. I say when it has arrived.');
  });
});

describe('an address that fails', () => {
  it('is given up after an hour; they are asked for another once', async () => {
    manners = { 'me@pay.example': 'missing' };
    await open();
    await buy();
    await minutes(59);
    expect(await v.news()).toEqual([]);
    await minutes(240);
    expect(await v.news()).toEqual([
      'I could not pay your 2 sats to me@pay.example for an hour. They are still yours: send an invoice for exactly 2 sats, or another Lightning address.',
    ]);
    expect(asked).toHaveLength(9);
    await v.guest.say('other@pay.example');
    expect((await v.news())[0]).toBe('Paying out 2 sats to other@pay.example. I say when it has arrived.');
  });

  it('is not asked about below REFUND_ASK_MIN_SATS', async () => {
    manners = { 'me@pay.example': 'down' };
    await open({ env: { REFUND_ASK_MIN_SATS: '10' } });
    await buy();
    await minutes(90);
    expect(await v.news()).toEqual([
      'I could not pay your 2 sats to me@pay.example for an hour. They are kept for you: refund pays them out.',
    ]);
  });

  it('had an hour of its own: a failure long ago, before it was paid, counts for nothing', async () => {
    await open();
    manners = { 'me@pay.example': 'down' };
    await buy();
    await v.pass(20);
    manners = {};
    await v.pass(120);
    expect((await v.news()).at(-1)).toMatch(/^Paid out: 2 sats to me@pay\.example/);
    await minutes(70);
    manners = { 'me@pay.example': 'down' };
    await buy(GRASS);
    await v.pass(10);
    expect(await v.news()).toEqual([]);
    manners = {};
    await v.pass(60);
    expect(paidTo()).toEqual([
      ['me@pay.example', 2],
      ['me@pay.example', 2],
    ]);
  });

  it('gives way to the next one known', async () => {
    manners = { 'me@pay.example': 'down' };
    await open();
    await buy();
    await v.guest.say('refund asked@pay.example');
    await v.news();
    manners = { 'asked@pay.example': 'down' };
    await buy(GRASS);
    await minutes(65);
    expect(await v.news()).toEqual([
      'I could not pay your 2 sats to asked@pay.example for an hour. They go to me@pay.example now.',
      expect.stringMatching(/^Paid out: 2 sats to me@pay\.example/),
    ]);
  });

  it('that gives invoices to which no way leads: a few tries, told once, then asked once', async () => {
    await open({ wallet: noRouteTo(['me@pay.example']) });
    await buy();
    await minutes(20);
    expect(await v.news()).toEqual([
      'The 2 sats are on their way. It takes longer than usual; nothing for you to do.',
      'The 2 sats could not be sent to me@pay.example just now (no way to that wallet). They are still yours; I try again.',
    ]);
    await minutes(300);
    expect(await v.news()).toEqual([
      'I could not pay your 2 sats to me@pay.example for an hour. They are still yours: send an invoice for exactly 2 sats, or another Lightning address.',
    ]);
    expect(v.count(`SELECT count(*) FROM payouts WHERE state = 'dead'`)).toBe(5);
    await v.guest.say('refund other@pay.example');
    expect((await v.news()).at(-1)).toMatch(/^Paid out: 2 sats to other@pay\.example/);
  });

  it('whose invoices run out while the wallet cannot pay: said once, in ten hours', async () => {
    await open({ wallet: withoutMoney });
    await buy();
    await minutes(600);
    expect(await v.news()).toEqual([
      'The 2 sats are yours and go out as soon as my wallet can pay. Nothing for you to do.',
    ]);
    expect(v.count(`SELECT count(*) FROM payouts WHERE state = 'dead'`)).toBeGreaterThan(5);
  });

  it('whose least sum is more than the change: it joins the next refund, without a word', async () => {
    manners = { 'me@pay.example': 'from 3 sats' };
    await open();
    await buy();
    await minutes(120);
    expect(await v.news()).toEqual([]);
    expect(asked).toEqual(['me@pay.example']);
    await buy(GRASS);
    await v.pass(5);
    expect(paidTo()).toEqual([['me@pay.example', 4]]);
  });
});

describe('keep on, with an address known', () => {
  it('keeps what is theirs for the next step, until keep off', async () => {
    await open({ env: { EVAL_FEE_SATS: '2' } });
    await v.guest.say('keep on');
    await v.pass(1);
    await buy();
    expect(v.guest.heard.at(-1)).toMatch(/\n2 sats kept for you: they pay your next step where they cover it\.$/);
    await v.pass(120);
    expect(asked).toEqual([]);
    await v.guest.say(GRASS);
    await v.pass(1);
    expect((await v.news()).join('\n')).toContain('It is paid from what I keep for you');
    await v.pay(v.guest.heard.at(-1) ?? '');
    await v.pass(60);
    expect(asked).toEqual([]);
    await v.news();
    await v.guest.say('keep off');
    expect((await v.news()).at(-1)).toMatch(/^Paid out: 2 sats to me@pay\.example/);
  });
});

describe('a program', () => {
  let nextId = 0;
  const heard = (): Record<string, unknown>[] =>
    v.guest.heard.flatMap((text) => (text.startsWith('{') ? [JSON.parse(text) as Record<string, unknown>] : []));
  const send = async (method: string, params: unknown): Promise<number> => {
    await v.guest.say(JSON.stringify({ jsonrpc: '2.0', id: ++nextId, method, params }));
    await v.pass();
    return nextId;
  };
  const answerTo = (id: number): unknown => heard().find((message) => message['id'] === id);
  interface Seen {
    id: string;
    invoice: { bolt11: string } | null;
    refund: unknown;
  }
  const jobIn = (message: unknown): Seen => (message as { result: { job: Seen } }).result.job;

  async function buyAsProgram(refund_to?: string): Promise<string> {
    const { id, invoice } = jobIn(
      answerTo(await send('job.create', { request: SKY, ...(refund_to && { refund_to }) })),
    );
    await v.pay(invoice?.bolt11 ?? '');
    await v.pay(jobIn(answerTo(await send('job.get', { id }))).invoice?.bolt11 ?? '');
    return id;
  }

  it('has its answer, or -32007, within ten seconds, whatever else is tried meanwhile', async () => {
    manners = { 'me@pay.example': 'silent', 'dead@pay.example': 'silent' };
    await open();
    const job = await buyAsProgram();
    const first = await send('account.refund', { destination: 'dead@pay.example' });
    await v.pass(2);
    const second = await send('job.refund', { id: job, destination: 'good@pay.example' });
    expect(jobIn(answerTo(second)).refund).toMatchObject({ state: 'pending', destination: 'good@pay.example' });
    await v.pass(9);
    expect(answerTo(first)).toMatchObject({ error: { code: -32010 } });
    // What is on its way, or paid, is said as it is.
    expect(answerTo(await send('account.refund', { destination: 'dead@pay.example' }))).toMatchObject({
      error: { code: -32010 },
    });
  });

  it('that asks again while the first address keeps us waiting: the first is told to try later', async () => {
    manners = { 'me@pay.example': 'down', 'slow@pay.example': 'silent' };
    await open();
    await buyAsProgram();
    const first = await send('account.refund', { destination: 'slow@pay.example' });
    const second = await send('account.refund', { destination: 'slow@pay.example' });
    await v.pass(12);
    for (const id of [first, second]) expect(answerTo(id)).toMatchObject({ error: { code: -32007 } });
  });

  it('is told that its address was given up: the refund failed, and may be asked for again', async () => {
    manners = { 'me@pay.example': 'missing', 'mine@pay.example': 'down' };
    await open();
    const id = await buyAsProgram('mine@pay.example');
    await minutes(65);
    const updates = heard().filter((message) => message['method'] === 'job.updated');
    const before = updates.length;
    // The address in the profile is tried now.
    expect((updates.at(-1) as { params: { job: Seen } }).params.job.refund).toMatchObject({ state: 'pending' });
    await minutes(65);
    const last = heard().filter((message) => message['method'] === 'job.updated');
    expect(last.slice(before).map((message) => (message['params'] as { job: Seen }).job)).toMatchObject([
      { id, refund: { state: 'failed', destination: 'me@pay.example', error: 'given_up', payment_hash: null } },
    ]);
    expect(v.guest.heard.filter((text) => !text.startsWith('{'))).toEqual([]);
    await send('account.set', { refund_to: 'mine@pay.example' });
    expect(jobIn(answerTo(await send('job.get', { id }))).refund).toMatchObject({ state: 'pending', error: null });
    manners = {};
    await v.pass(60);
    expect(paidTo()).toEqual([['mine@pay.example', 2]]);
  });
});

it('a wrong invoice is answered with the way out: the right sum, or an address', async () => {
  await open();
  await v.guest.say('refunds off');
  await buy();
  await v.guest.say(v.invoice(3));
  expect(await v.news()).toEqual([
    'That invoice is for another amount. The money is still yours. Send me an invoice for exactly 2 sats, or a Lightning address.',
  ]);
});
