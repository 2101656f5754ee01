import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStubWallet } from '../../src/adapters/stubs/wallet/index.ts';
import { recentOutages } from '../../src/downtime/index.ts';
import { OutsideError } from '../../src/lib/errors.ts';
import type { Log, LogFields } from '../../src/lib/log.ts';
import type { Secret } from '../../src/lib/secret.ts';
import { plusSeconds, unixSeconds, type UnixSeconds } from '../../src/lib/units.ts';
import { encodeNpub, generateSecretKey } from '../../src/nostr/keys.ts';
import { verifyEverything } from '../../src/operator/verify.ts';
import { closures } from '../../src/payments/index.ts';
import type { PriceReading } from '../../src/ports/btc-price.ts';
import type { RelayState } from '../../src/ports/relays.ts';
import { schedule } from '../../src/tasks/index.ts';
import { RELAY, rng, type Guest } from '../builders/house.ts';
import { createHandClock, type HandClock } from '../fakes/hand-clock.ts';
import { createRelayHub, type RelayHub } from '../fakes/relay-hub.ts';
import { createSlowAgent, visit, type SlowAgent, type Visit } from './visit.ts';

const DAY = 86_400;
const ACCOUNT = '{"jsonrpc":"2.0","id":1,"method":"account.set","params":{"refund_to":"r@pay.example"}}';
const REQUEST = 'Why is the sky blue? Explain it to a child.';

let clock: HandClock;
let hub: RelayHub;
let secretKey: Secret<Uint8Array>;
let dir: string;
let agent: SlowAgent;
let v: Visit;
/** What is wrong outside just now. */
let outside: { relayRefuses: boolean; addressFails: boolean; state: RelayState['state'] };

beforeEach(async () => {
  clock = createHandClock();
  outside = { relayRefuses: false, addressFails: false, state: 'subscribed' };
  hub = frail(createRelayHub([RELAY]));
  secretKey = generateSecretKey(rng);
  dir = mkdtempSync(join(tmpdir(), 'timmy-time-'));
  await open();
});
afterEach(async () => {
  await v.close();
  rmSync(dir, { recursive: true });
});

async function open(more: Parameters<typeof visit>[0] = {}): Promise<void> {
  agent = createSlowAgent();
  const lnurl = {
    resolve: () => Promise.resolve(),
    invoice: async (_address: string, amountMsats: bigint) => {
      if (outside.addressFails) throw new OutsideError('unavailable', 'lnurl.down');
      // Their clock is right, whatever ours says.
      return v.invoice(Number(amountMsats / 1000n), unixSeconds(Math.floor(clock.monotonicMs() / 1000)));
    },
  };
  const env = { LIMIT_COMMANDS_BURST: '100', TIMMY_OPERATOR_NPUBS: '' };
  v = await visit({ clock, hub, secretKey, agent, lnurl, env, path: join(dir, 'timmy.db'), ...more });
}

/** Stops, and starts again so much later. */
async function downFor(seconds: number, meanwhile: () => Promise<void> = async () => {}): Promise<void> {
  await v.close();
  clock.advance(seconds * 1000);
  await meanwhile();
  await open();
  await v.pass(5);
}

function frail(inner: RelayHub): RelayHub {
  const connect = (): ReturnType<RelayHub['connect']> => {
    const relays = inner.connect();
    return {
      ...relays,
      publish: (relay, event, signal) =>
        outside.relayRefuses
          ? Promise.resolve({ outcome: 'later', why: 'unreachable' })
          : relays.publish(relay, event, signal),
      states: () => [{ url: RELAY, state: outside.state, syncedAt: null, failures: 0 }],
    };
  };
  return { ...inner, connect };
}

const jobOf = (guest: Guest): string => /J-[0-9A-Z]{5}/.exec(guest.heard.join(' '))?.[0] ?? '';
const invoiceIn = (guest: Guest): string => guest.heard.filter((text) => text.startsWith('lnbcrt')).at(-1) ?? '';

async function asks(text = REQUEST, of?: Guest): Promise<Guest> {
  const guest = of ?? (await v.house.guest());
  await guest.say(text);
  await v.pass(3);
  return guest;
}

async function pays(guest: Guest): Promise<void> {
  await v.pay(invoiceIn(guest));
  await v.pass(2);
}

/** The model says what it was asked; so long may it take. */
async function modelAnswers(): Promise<void> {
  agent.letGo();
  await v.pass(4);
}

async function buys(guest: Guest): Promise<void> {
  await asks(REQUEST, guest);
  for (let step = 0; step < 2; step++) {
    await pays(guest);
    await modelAnswers();
  }
}

const jobs = (): unknown[] =>
  v.house.database.read.$client.prepare('SELECT state FROM jobs ORDER BY rowid').pluck().all();
const broken = (startedAt: UnixSeconds): unknown[] =>
  verifyEverything(v.house.database.read, { now: clock.now(), startedAt });
const outages = (): string[] =>
  recentOutages(v.house.database.read, 9).map(({ why, from, to }) => `${why} ${(to ?? clock.now()) - from}`);

function scheduleHousekeeping(seconds: number): void {
  const now = clock.now();
  v.house.database.write((tx) =>
    schedule(tx, { kind: 'housekeeping', payload: {}, key: 'housekeeping', dueAt: plusSeconds(now, seconds), now }),
  );
}

const housekeepingIn = (): number => v.count(`SELECT due_at FROM tasks WHERE kind = 'housekeeping'`) - clock.now();

describe('31 days down', () => {
  it('and open for business by itself: nothing lost, no one forgotten', async () => {
    const startedAt = clock.now();
    const rich = await v.house.guest();
    await asks(ACCOUNT, rich);
    outside.addressFails = true;
    await buys(rich);
    const waiting = await asks();
    const before = invoiceIn(waiting);
    const paid = await asks();
    await pays(paid);
    const unanswered = await v.house.guest();
    outside.relayRefuses = true;
    await asks('status', unanswered);
    const late = await v.house.guest();
    expect(jobs()).toEqual(['complete', 'awaiting_eval_payment', 'evaluating']);
    expect([unanswered.heard.length, late.heard.length]).toEqual([0, 0]);

    await downFor(31 * DAY, async () => {
      outside.addressFails = false;
      await late.say(REQUEST, clock.now() - 20 * DAY);
    });
    outside.relayRefuses = false;
    expect(broken(startedAt)).toEqual([]);
    scheduleHousekeeping(0);
    await v.pass(60);
    expect(closures(v.house.database.read)).toEqual([]);
    expect(outages()[0]).toMatch(/^down 26784\d\d$/);
    expect(invoiceIn(waiting)).not.toBe(before);
    expect(invoiceIn(late)).not.toBe('');
    await modelAnswers();
    await pays(paid);
    await modelAnswers();
    await pays(waiting);
    await modelAnswers();
    await buys(await v.house.guest());
    await v.pass(3600);
    expect(jobs()).toEqual(['complete', 'expired', 'complete', 'expired', 'complete']);
    expect(v.count(`SELECT count(*) FROM payouts WHERE state = 'paid'`)).toBe(1);
    expect(unanswered.heard.length).toBe(1);
    expect(broken(startedAt)).toEqual([]);
  });

  it('leaves the seven days in which an expired job can be reopened', async () => {
    const guest = await asks();
    await v.pass(3700);
    expect(jobs()).toEqual(['expired']);
    await v.pass(10);
    await downFor(31 * DAY);
    const before = invoiceIn(guest);
    await asks(`invoice ${jobOf(guest)}`, guest);
    expect(invoiceIn(guest)).not.toBe(before);
    expect(jobs()).toEqual(['awaiting_eval_payment']);
  });

  it('does nothing twice for a program that asks again', async () => {
    const create = (id: number, params: object): string =>
      JSON.stringify({ jsonrpc: '2.0', id, method: 'job.create', params: { request: REQUEST, ...params } });
    const guest = await asks(create(7, {}));
    await asks(create(8, { key: 'k' }), guest);
    await downFor(31 * DAY);
    scheduleHousekeeping(0);
    await v.pass(5);
    await asks(create(7, {}), guest);
    await asks(create(9, { key: 'k' }), guest);
    expect(v.count('SELECT count(*) FROM jobs')).toBe(2);
    expect(guest.heard.filter((text) => text.includes('"id":7'))).toHaveLength(2);
  });
});

describe('a sleep of three hours', () => {
  it('in the middle of work: it goes on, and what ran out is replaced unasked', async () => {
    const startedAt = clock.now();
    const waiting = await asks();
    const paid = await asks();
    await pays(paid);
    const before = invoiceIn(waiting);
    clock.sleepMachine(3 * 3600);
    await v.pass(20);
    expect(outages()).toEqual(['asleep 10800']);
    expect(invoiceIn(waiting)).not.toBe(before);
    expect(broken(startedAt)).toEqual([]);
    await modelAnswers();
    await pays(paid);
    await modelAnswers();
    expect(jobs()).toEqual(['awaiting_eval_payment', 'complete']);
    expect(v.broken()).toEqual([]);
  });
});

describe('a clock twenty days wrong', () => {
  it.each([20 * DAY, -20 * DAY])('(%i s) for five minutes: nothing lapses, nothing is put off', async (step) => {
    const startedAt = clock.now();
    const rich = await v.house.guest();
    await buys(rich);
    const waiting = await asks();
    const paid = await asks();
    await pays(paid);
    scheduleHousekeeping(60);
    const heard = waiting.heard.length;
    clock.stepWall(step);
    const other = await v.house.guest();
    await other.say(REQUEST);
    await v.pass(120);
    expect(jobs()).toEqual(['complete', 'awaiting_eval_payment', 'evaluating', 'awaiting_eval_payment']);
    expect(v.count(`SELECT max(attempt) FROM tasks WHERE kind = 'job.evaluate'`)).toBe(1);
    await asks('refund r@pay.example', rich);
    await modelAnswers();
    await pays(paid);
    await v.pass(171);
    clock.stepWall(-step);
    await v.pass(60);
    expect(waiting.heard.length).toBe(heard);
    expect(housekeepingIn()).toBeGreaterThan(0);
    expect(housekeepingIn()).toBeLessThanOrEqual(3600);
    expect(outages()).toEqual([]);
    await modelAnswers();
    await pays(waiting);
    await modelAnswers();
    await v.pass(600);
    expect(v.count(`SELECT count(*) FROM payouts WHERE state = 'paid'`)).toBe(1);
    expect(closures(v.house.database.read)).toEqual([]);
    expect(broken(startedAt)).toEqual([]);
  });

  it('for good, ahead: it is followed, and customers have that much longer', async () => {
    const waiting = await asks();
    const before = invoiceIn(waiting);
    clock.stepWall(20 * DAY);
    await v.pass(630);
    expect(outages()).toEqual([`clock ${20 * DAY}`]);
    expect(invoiceIn(waiting)).not.toBe(before);
    await buys(await v.house.guest());
    expect(jobs()).toEqual(['awaiting_eval_payment', 'complete']);
    expect(v.broken()).toEqual([]);
  });

  it('is followed within a minute where a price source has the same time', async () => {
    await v.close();
    let behind = 0;
    const read = (): Promise<PriceReading[]> => {
      const date = plusSeconds(clock.now(), -behind);
      return Promise.resolve([{ source: 'x', usdMicros: 100_000_000_000n, date }]);
    };
    await open({ priceSources: { count: 1, read } });
    behind = 20 * DAY;
    clock.stepWall(20 * DAY);
    await v.pass(1300);
    expect(outages()).toEqual([expect.stringMatching(/^down/)]);
    behind = 0;
    await v.pass(80);
    expect(outages()[0]).toBe(`clock ${20 * DAY}`);
  });

  it('for good, behind: it is followed, and nothing waits longer than it would have', async () => {
    scheduleHousekeeping(3600);
    const waiting = await asks();
    clock.stepWall(-20 * DAY);
    await v.pass(630);
    expect(housekeepingIn()).toBeLessThanOrEqual(3600 - 630);
    expect(outages()).toEqual([]);
    await pays(waiting);
    await modelAnswers();
    await pays(waiting);
    await modelAnswers();
    expect(jobs()).toEqual(['complete']);
    expect(v.broken()).toEqual([]);
  });

  it('followed and taken back: messages are dated now again, and alerts are told', async () => {
    await v.close();
    const operator = await v.house.guest();
    await open({ env: { TIMMY_OPERATOR_NPUBS: encodeNpub(operator.pubkey) } });
    const guest = await asks();
    clock.stepWall(20 * DAY);
    await v.pass(630);
    await asks('status', guest);
    clock.stepWall(-20 * DAY);
    await v.pass(630);
    await asks('status', guest);
    expect(v.count('SELECT max(sent_at) FROM outbox WHERE id = (SELECT max(id) FROM outbox)')).toBeLessThan(
      clock.now() + 10,
    );
    expect(v.count('SELECT max(at) FROM told')).toBeLessThanOrEqual(clock.now());
    expect(operator.heard.filter((text) => text.includes('jumped by more'))).toHaveLength(2);
    expect(operator.heard.filter((text) => text.includes('put back and stays so'))).toHaveLength(1);
  });

  it('at the wallet alone: nothing is sold meanwhile, and no one has to open the shop again', async () => {
    const ahead = createHandClock(clock.now() + 20 * DAY);
    await v.close();
    await open({ wallet: (database) => createStubWallet({ database, network: 'regtest', clock: ahead, rng }) });
    const guest = await asks();
    await v.pass(40);
    expect(invoiceIn(guest)).toBe('');
    expect(closures(v.house.database.read)).toEqual([]);
    await v.close();
    await open();
    await asks(REQUEST, guest);
    expect(invoiceIn(guest)).not.toBe('');
  });
});

it('what happens to time is in the log, and the operator hears of it once', async () => {
  const logged: string[] = [];
  const line = (event: string, fields?: LogFields): void =>
    void (/^(clock|downtime)/.test(event) && logged.push(`${event} ${JSON.stringify(fields ?? {})}`));
  const log: Log = { debug: line, info: line, warn: line, error: line };
  await v.close();
  const operator = await v.house.guest();
  await open({ log, env: { TIMMY_OPERATOR_NPUBS: encodeNpub(operator.pubkey) } });
  for (let time = 0; time < 2; time++) {
    clock.stepWall(20 * DAY);
    await v.pass(60);
    clock.stepWall(-20 * DAY);
    await v.pass(5);
  }
  clock.sleepMachine(3 * 3600);
  await v.pass(5);
  expect(logged).toEqual([
    expect.stringMatching(/^downtime.recorded {"why":"down",/),
    ...[1, 2].flatMap(() => ['clock.stepped {"seconds":1728000,"followed":"not yet"}', 'clock.returned {}']),
    'clock.slept {"seconds":10800}',
    expect.stringMatching(/^downtime.recorded {"why":"asleep",.*"seconds":10800}/),
  ]);
  expect(operator.heard.map((text) => text.slice(0, 40))).toEqual(
    [
      "Alert: The machine's clock jumped by more",
      "Alert: The machine's clock is right again",
      'Alert: The machine slept for more than t',
    ].map((text) => text.slice(0, 40)),
  );
});

describe('deafness', () => {
  it('of four days is remembered; what was written meanwhile is answered, what is older is not', async () => {
    const guest = await v.house.guest();
    outside.state = 'waiting';
    await v.pass(62);
    expect(outages()).toEqual(['deaf 61']);
    clock.advance(4 * DAY * 1000);
    await v.pass(1);
    outside.state = 'subscribed';
    await v.pass(2);
    expect(outages()).toEqual([expect.stringMatching(/^deaf 3456\d\d$/)]);
    await guest.say(REQUEST, clock.now() - 5 * DAY);
    await guest.say('Name three colours of the evening sky.', clock.now() - 8 * DAY);
    await v.pass(5);
    expect(v.count('SELECT count(*) FROM jobs')).toBe(1);
    expect(guest.heard.some((text) => text.includes('more than three days old'))).toBe(true);
  });

  it('of a moment is none', async () => {
    for (let drop = 0; drop < 10; drop++) {
      outside.state = drop % 2 === 0 ? 'waiting' : 'subscribed';
      await v.pass(30);
    }
    outside.state = 'subscribed';
    await v.pass(2);
    expect(outages()).toEqual([]);
  });
});
