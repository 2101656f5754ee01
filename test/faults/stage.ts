import { createHash } from 'node:crypto';
import { createLnbitsWallet } from '../../src/adapters/lnbits/index.ts';
import { decodeInvoice } from '../../src/bolt11/index.ts';
import type { Database } from '../../src/db/index.ts';
import type { Log } from '../../src/lib/log.ts';
import type { Rng } from '../../src/lib/rng.ts';
import { Secret } from '../../src/lib/secret.ts';
import { generateSecretKey } from '../../src/nostr/keys.ts';
import { reconcileSoon } from '../../src/payments/index.ts';
import type { Agent } from '../../src/ports/agent.ts';
import { createFastClock, type FastClock } from '../builders/fast-clock.ts';
import { openGuest } from '../builders/guest.ts';
import { openHouse, RELAY, type Guest, type House } from '../builders/house.ts';
import {
  startFakeLnbits,
  type FakeLnbits,
  type FakeWallet,
  type PayScript,
  type Profile,
} from '../fakes/lnbits/index.ts';
import { createRelayHub } from '../fakes/relay-hub.ts';
import { watchInFlight } from './in-flight.ts';
import { mortalHub, mortalWallet, openLives, type Kill, type Life } from './lives.ts';

export interface StageOptions {
  readonly profile: Profile;
  readonly fundSats?: number;
  readonly env?: Record<string, string>;
  /** Where it is killed, one after the other; from the end of `openStage` on. */
  readonly kills?: readonly Kill[];
  /** What is left to chance (jitter, ids) comes out the same for the same seed. */
  readonly seed?: string;
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
  /** Crash points reached so far, in their order. */
  readonly reached: readonly string[];
  /** The kills that happened. */
  readonly killed: readonly Kill[];
  database(): Database;
  /** Resolves with the customer's next message that matches, and was not waited for before. */
  hears(match: RegExp, seconds?: number): Promise<string>;
  /** Asks for an answer. @returns the invoice that comes. */
  asks(): Promise<string>;
  /** Buys an answer whose change is nearly all that was paid. */
  buy(): Promise<Purchase>;
  /** Sends an invoice for what is owed, which the node will pay as `script` says. */
  refund(amountMsats: number, script?: PayScript, options?: { expirySeconds?: number }): Promise<string>;
  /** `kill -9`, and a new start. */
  kill(): Promise<void>;
  /** Stops in good order and starts anew on the same database. */
  restart(): Promise<void>;
  /** Waits until nothing is left to be done but watching. From then on nobody is killed. */
  quiet(): Promise<void>;
  close(): Promise<void>;
}

/** Uses next to nothing of what was bought, so that the change is worth paying out. */
const thriftyAgent: Agent = {
  kind: 'stub',
  evaluate: async ({ model }) => ({
    accept: true,
    reason: 'Fine.',
    model,
    usage: { inputTokens: 9, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 9 },
  }),
  work: async ({ model }) => ({
    text: 'An answer.',
    cut: false,
    model,
    usage: { inputTokens: 9, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 9 },
  }),
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
    after: (ms, callback) => clock.after(ms, callback),
  });
  fake.oracle.strictKeys = true;
  const inFlight = watchInFlight(fake);
  clock.standWhile(inFlight.isBusy);
  const hub = createRelayHub([RELAY]);
  const rng = seededRng(options.seed ?? '');
  const secretKey = generateSecretKey(rng);
  const errors: string[] = [];

  async function bear(life: Life): Promise<House> {
    const log = logOf(errors, life.death);
    const house = await openHouse({
      env: { ...ENV, ...options.env },
      agent: thriftyAgent,
      wallet: () => mortalWallet(walletOf(fake, clock, rng, log), life.death),
      clock,
      log,
      path: life.path,
      hub: mortalHub(hub, life.death),
      secretKey,
      rng,
      reach: life.reach,
    });
    house.database.write((tx) => reconcileSoon(tx, clock.now()));
    house.timmy.worker.poke();
    return house;
  }

  const lives = await openLives(options.kills ?? [], bear);
  const guest = openGuest({ hub, relay: RELAY, clock }, lives.current.pubkey);
  const read = (sql: string): unknown => lives.current.database.read.$client.prepare(sql).pluck().get();
  await clock.until('the wallet is known', () => read(`SELECT count(*) FROM facts WHERE name = 'wallet'`) === 1);
  lives.arm();

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
    reached: lives.reached,
    killed: lives.killed,
    database: () => lives.current.database,
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
    kill: async () => {
      lives.kill();
      await lives.alive();
    },
    restart: () => clock.during('the restart', lives.restart()),
    quiet: async () => {
      const busy = `SELECT count(*) FROM tasks WHERE state <> 'dead' AND kind NOT IN
        ('invoice.watch', 'invoice.late', 'payout.watch', 'wallet.reconcile', 'housekeeping', 'refund.auto',
         'bootstrap.look', 'bootstrap.sweep')`;
      await clock
        .until('quiet', () => read(busy) === 0, 900)
        .catch((error: unknown) => {
          const left = lives.current.database.read.$client.prepare(
            `SELECT kind, state, due_at, tries, error FROM tasks`,
          );
          throw new Error(`${String(error)}: ${JSON.stringify(left.all())}`);
        });
      lives.disarm();
    },
    close: async () => {
      await clock.during('the end', lives.close());
      clock.stop();
      inFlight.stop();
      await fake.stop();
    },
  };
}

/** Bytes that look like chance and come out the same for the same seed. */
export function seededRng(seed: string): Rng {
  let block = 0;
  let rest = Buffer.alloc(0);
  return {
    bytes: (length) => {
      while (rest.length < length) {
        const next = createHash('sha256').update(`${seed}:${block++}`).digest();
        rest = Buffer.concat([rest, next]);
      }
      const taken = new Uint8Array(rest.subarray(0, length));
      rest = rest.subarray(length);
      return taken;
    },
  };
}

function walletOf(fake: FakeLnbits, clock: FastClock, rng: Rng, log: Log): ReturnType<typeof createLnbitsWallet> {
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

function logOf(errors: string[], death: AbortSignal): Log {
  return {
    debug() {},
    info() {},
    warn() {},
    error: (event, fields) => {
      if (!death.aborted) errors.push(`${event} ${JSON.stringify(fields ?? {})}`);
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
