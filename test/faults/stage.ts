import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLnbitsWallet } from '../../src/adapters/lnbits/index.ts';
import { decodeInvoice } from '../../src/bolt11/index.ts';
import type { Database } from '../../src/db/index.ts';
import { OutsideError } from '../../src/lib/errors.ts';
import type { Log } from '../../src/lib/log.ts';
import { Secret } from '../../src/lib/secret.ts';
import { generateSecretKey } from '../../src/nostr/keys.ts';
import { reconcileSoon } from '../../src/payments/index.ts';
import type { Agent } from '../../src/ports/agent.ts';
import type { Wallet } from '../../src/ports/wallet.ts';
import { createFastClock, type FastClock } from '../builders/fast-clock.ts';
import { openHouse, RELAY, rng, type Guest, type House } from '../builders/house.ts';
import {
  startFakeLnbits,
  type FakeLnbits,
  type FakeWallet,
  type PayScript,
  type Profile,
} from '../fakes/lnbits/index.ts';
import { createRelayHub, type RelayHub } from '../fakes/relay-hub.ts';

export interface StageOptions {
  readonly profile: Profile;
  readonly fundSats?: number;
  readonly env?: Record<string, string>;
  /** Crash points to be killed at, one after the other, each as soon as the life before it has been revived. */
  readonly kills?: readonly string[];
}

export interface Purchase {
  readonly id: string;
  readonly paidMsats: number;
  readonly changeMsats: number;
}

/** One customer, one Timmy that may die at any moment, and an LNbits that may do anything, under one fast clock. */
export interface Stage {
  readonly clock: FastClock;
  readonly fake: FakeLnbits;
  readonly guest: Guest;
  /** What went wrong inside: errors that were logged. None is expected, whatever is broken outside. */
  readonly errors: readonly string[];
  /** The kills that happened. */
  readonly killed: readonly string[];
  database(): Database;
  /** Resolves with the customer's next message that matches, and was not waited for before. */
  hears(match: RegExp, seconds?: number): Promise<string>;
  /** Asks for an answer. @returns the invoice that comes. */
  asks(): Promise<string>;
  /** Buys an answer whose change is nearly all that was paid. */
  buy(): Promise<Purchase>;
  /** Sends an invoice for what is owed, which the node will pay as `script` says. */
  refund(amountMsats: number, script?: PayScript, options?: { expirySeconds?: number }): Promise<string>;
  /** Stops in good order and starts anew on the same database. */
  restart(): Promise<void>;
  /** Waits until nothing is left to be done but watching. */
  quiet(): Promise<void>;
  close(): Promise<void>;
}

/** Uses next to nothing of what was bought, so that the change is worth paying out. */
const thriftyAgent: Agent = {
  kind: 'stub',
  evaluate: async ({ model }) => ({ accept: true, reason: 'Fine.', model, usage: { inputTokens: 9, outputTokens: 9 } }),
  work: async ({ model }) => ({ text: 'An answer.', cut: false, model, usage: { inputTokens: 9, outputTokens: 9 } }),
};

const ENV = {
  DO_MONTHLY_COST_USD: '0',
  OUTPUT_TOKENS_SHORT_EST: '8000',
  JOB_ONE_INVOICE: 'always',
  REFUND_ASK_MIN_SATS: '1000000',
};

export async function openStage(options: StageOptions): Promise<Stage> {
  const clock = createFastClock();
  const fake = await startFakeLnbits({
    profile: options.profile,
    fundSats: options.fundSats ?? 1000,
    now: () => clock.seconds(),
    payWaitMs: 40,
  });
  fake.oracle.strictKeys = true;
  const dir = mkdtempSync(join(tmpdir(), 'timmy-faults-'));
  const hub = createRelayHub([RELAY]);
  const secretKey = generateSecretKey(rng);
  const errors: string[] = [];
  const killed: string[] = [];
  const kills = [...(options.kills ?? [])];
  const buried: Promise<void>[] = [];
  let lives = 0;
  let file = join(dir, 'life-0.db');
  let alive = live(file);
  let current = await alive;
  const guest = await current.guest();

  async function live(path: string): Promise<House> {
    const life: Life = { house: null, ended: false };
    const log = logOf(errors, life);
    const house = await openHouse({
      env: { ...ENV, ...options.env },
      agent: thriftyAgent,
      wallet: () => mortal(walletOf(fake, clock, log), life),
      clock,
      log,
      path,
      hub: mortalHub(hub, life),
      secretKey,
      reach: (point) => {
        if (!life.ended && life.house !== null && point === kills[0]) kill(life, life.house);
      },
    });
    life.house = house;
    house.database.write((tx) => reconcileSoon(tx, clock.now()));
    house.timmy.worker.poke();
    return house;
  }

  /** As `kill -9`: of this life only what is committed by now, and what was sent outside, goes on. */
  function kill(life: Life, house: House): void {
    killed.push(kills.shift() ?? '');
    life.ended = true;
    lives += 1;
    const path = join(dir, `life-${lives}.db`);
    writeFileSync(path, house.database.read.$client.serialize());
    alive = live(path).then((next) => {
      buried.push(house.close());
      current = next;
      file = path;
      return next;
    });
  }

  const read = (sql: string): unknown => current.database.read.$client.prepare(sql).pluck().get();
  await clock.until('the wallet is known', () => read(`SELECT count(*) FROM facts WHERE name = 'wallet'`) === 1);

  const hears: Stage['hears'] = async (match, seconds = 900) => {
    let text: string | null = null;
    void guest.hears(match).then((found) => (text = found));
    await clock
      .until(`hearing ${match.source}`, () => text !== null, seconds)
      .catch((error: unknown) => {
        throw new Error(`${String(error)}\nheard:\n${guest.heard.join('\n')}`);
      });
    return text ?? '';
  };

  const asks = async (): Promise<string> => {
    await guest.say(`job Why is the sky blue, question ${guest.heard.length}?`);
    return hears(/^lnbc/);
  };

  return {
    clock,
    fake,
    guest,
    errors,
    killed,
    database: () => current.database,
    hears,
    asks,
    buy: async () => {
      const bolt11 = await asks();
      if (!fake.payInvoice(bolt11)) throw new Error('the invoice could not be paid');
      return bought(await hears(/ yours\. receipt/));
    },
    refund: async (amountMsats, script, more) => {
      const bolt11 = fake.receiveInvoice(amountMsats, script, more);
      await guest.say(`refund ${bolt11}`);
      await hears(/^Paying out /);
      return hashOf(bolt11);
    },
    restart: async () => {
      await alive;
      await current.close();
      current = await (alive = live(file));
    },
    quiet: async () => {
      await alive;
      const busy = `SELECT count(*) FROM tasks WHERE state <> 'dead' AND kind NOT IN
        ('invoice.watch', 'payout.watch', 'wallet.reconcile', 'housekeeping', 'refund.auto')`;
      await clock
        .until('quiet', () => read(busy) === 0, 900)
        .catch((error: unknown) => {
          const left = current.database.read.$client.prepare(`SELECT kind, state, due_at, tries, error FROM tasks`);
          throw new Error(`${String(error)}: ${JSON.stringify(left.all())}`);
        });
    },
    close: async () => {
      await alive;
      await Promise.all([...buried, current.close()]);
      clock.stop();
      await fake.stop();
      rmSync(dir, { recursive: true });
    },
  };
}

interface Life {
  /** Null while it is being born. */
  house: House | null;
  ended: boolean;
}

function walletOf(fake: FakeLnbits, clock: FastClock, log: Log): Wallet {
  return createLnbitsWallet({
    url: fake.url,
    invoiceKey: new Secret(fake.wallet.inkey),
    adminKey: new Secret(fake.wallet.adminkey),
    network: 'bitcoin',
    clock,
    rng,
    log,
  });
}

/** The dead call nobody. */
function mortal(wallet: Wallet, life: Life): Wallet {
  return new Proxy(wallet, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown =>
        life.ended && name !== 'watch'
          ? Promise.reject(new OutsideError('unavailable', 'wallet.dead'))
          : (value as (...all: unknown[]) => unknown).apply(target, args);
    },
  });
}

function mortalHub(hub: RelayHub, life: Life): RelayHub {
  return {
    ...hub,
    connect: () => {
      const relays = hub.connect();
      return {
        ...relays,
        publish: async (url, event, signal) =>
          life.ended ? { outcome: 'later', why: 'unreachable' } : relays.publish(url, event, signal),
      };
    },
  };
}

function logOf(errors: string[], life: Life): Log {
  return {
    debug() {},
    info() {},
    warn() {},
    error: (event, fields) => {
      if (!life.ended) errors.push(`${event} ${JSON.stringify(fields ?? {})}`);
    },
  };
}

/** What the last lines of an answer say. */
export function bought(answer: string): Purchase {
  const [, paid = '', change = '', id = ''] = /(\d+) paid, \d+ used, (\d+) yours\. receipt (J-\w+)/.exec(answer) ?? [];
  return { id, paidMsats: Number(paid) * 1000, changeMsats: Number(change) * 1000 };
}

export function hashOf(bolt11: string): string {
  const invoice = decodeInvoice(bolt11);
  if ('invalid' in invoice) throw new Error(invoice.invalid);
  return invoice.paymentHash;
}

/** Another wallet of the same LNbits asks something of it. */
export async function asNeighbour({ fake }: Stage, wallet: FakeWallet, body: object): Promise<{ bolt11?: string }> {
  const answer = await fetch(`${fake.url}/api/v1/payments`, {
    method: 'POST',
    headers: { 'x-api-key': wallet.adminkey, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as { bolt11?: string };
}
