import { createHandClock, type HandClock } from '../fakes/hand-clock.ts';
import { createScriptedWallet, customerInvoice, type ScriptedWallet } from '../fakes/scripted-wallet.ts';
import { expect } from 'vitest';
import { meet } from '../../src/customers/index.ts';
import type { Database } from '../../src/db/index.ts';
import { balance, heldFor, OPERATOR, post, revenue, verifyBooks, WALLET } from '../../src/ledger/index.ts';
import { noCrashPoints } from '../../src/lib/crash-points.ts';
import { silentLog } from '../../src/lib/log.ts';
import { msats, sats, toMsats } from '../../src/lib/units.ts';
import {
  claimableDebts,
  commitPayout,
  createInvoiceTask,
  createReceiptBook,
  findInvoice,
  findPayout,
  lateInvoiceTask,
  owe,
  sendPayoutTask,
  verifyPayments,
  walletNewsTask,
  watchInvoiceTask,
  watchPayoutTask,
  type PayoutNews,
  type PlatformEvent,
} from '../../src/payments/index.ts';
import { wantInvoice } from '../../src/payments/want-invoice.ts';
import { createWorker, type Worker } from '../../src/tasks/index.ts';
import { freshDatabase, settled } from './fresh-database.ts';

export const OWNER = 'ab'.repeat(32);
export const ORDER = { kind: 'job', id: 'J-4KQ7M' };
export const OPENING = 1_000_000n;
export const CAPS = {
  paymentSats: 50_000,
  dailySats: 200_000,
  inFlight: 5,
  inFlightOfOwner: 2,
  inFlightFloorSats: 0,
  feeDailySats: 1000,
};

/** The tasks of payments on a database in memory, with a wallet that does as a test says; nothing is sold. */
export interface Till {
  readonly database: Database;
  readonly clock: HandClock;
  readonly wallet: ScriptedWallet;
  readonly worker: Worker;
  /** What orders, the customer and the operators were told. */
  readonly events: readonly PlatformEvent[];
  readonly news: readonly PayoutNews[];
  readonly alerts: readonly string[];
  /** The node that is known. */
  payee: string | null;
  /** What may be paid. */
  mayLeave: 'all' | 'covered' | 'nothing';
  readonly caps: typeof CAPS;
  readonly wait: (seconds: number) => Promise<void>;
  /** Many seconds in steps of a minute, for what is not about seconds. */
  readonly waitLong: (seconds: number) => Promise<void>;
  /** The books agree with themselves, with the rows, and with what really moved. */
  readonly check: () => void;
  readonly countOf: (method: string) => number;
  /** Types of the events, in their order. */
  readonly types: () => string[];
  /** Wants an invoice of 10 sats. @returns its id. */
  readonly want: (changes?: { mayFail?: boolean; expirySeconds?: number }) => number;
  readonly hashOf: (invoiceId: number) => string;
  /** From now on an order owes 103 sats back. */
  readonly indebt: () => void;
  /** Commits a payout of everything that is owed; the worker goes at once. @returns its payment hash. */
  readonly payOut: (name?: string, expirySeconds?: number, amountSats?: number) => string;
  /** One order owes this customer so much more, and a payout of exactly that is committed. @returns its payment hash. */
  readonly owes: (orderId: string, owner: string, amountSats: number, changes?: { replyTo: number }) => string;
  readonly stateOf: (paymentHash: string) => string | undefined;
  readonly postedBolt11s: () => string[];
  readonly close: () => Promise<void>;
}

export function openTill(): Till {
  const database = freshDatabase();
  const clock = createHandClock();
  const wallet = createScriptedWallet(clock, OPENING);
  const events: PlatformEvent[] = [];
  const news: PayoutNews[] = [];
  const alerts: string[] = [];
  const caps = { ...CAPS };
  const options = {
    database,
    clock,
    log: silentLog,
    wallet,
    payee: { get: () => till.payee, pin: (key: string) => void (till.payee ??= key) },
    alert: (_tx: unknown, what: string) => void alerts.push(what),
    probeSeconds: 60,
    caps,
    mayLeave: () => till.mayLeave,
    receipts: createReceiptBook('cd'.repeat(32)),
    tell: (_tx: unknown, _payout: unknown, what: PayoutNews) => void news.push(what),
  };
  const worker = createWorker({
    database,
    clock,
    rng: { bytes: (length) => new Uint8Array(length) },
    log: silentLog,
    reach: noCrashPoints,
    onParked: (kind, error) => void alerts.push(`parked ${kind}: ${error}`),
  });
  for (const make of [watchInvoiceTask, lateInvoiceTask]) worker.register(make(options));
  worker.register(createInvoiceTask(options));
  worker.register(walletNewsTask(options));
  for (const make of [sendPayoutTask, watchPayoutTask]) worker.register(make(options));
  worker.register<{ event: PlatformEvent }>({
    kind: 'order.event',
    pool: 'orders',
    leaseSeconds: 30,
    maxAttempts: 1,
    run: async (task) => () => void events.push(task.payload.event),
  });
  database.write((tx) => {
    meet(tx, OWNER, 'nip17', null, clock.now());
    post(tx, {
      debit: WALLET,
      credit: OPERATOR,
      amountMsats: msats(OPENING),
      kind: 'found',
      cause: 'w',
      at: clock.now(),
    });
  });
  worker.start();

  async function wait(seconds: number): Promise<void> {
    await settled();
    for (let second = 0; second < seconds; second++) {
      clock.advance(1000);
      await settled();
    }
  }

  async function waitLong(seconds: number): Promise<void> {
    for (let passed = 0; passed < seconds; passed += 60) {
      clock.advance(59_000);
      await wait(1);
    }
  }

  function check(): void {
    expect([...verifyBooks(database.read), ...verifyPayments(database.read)]).toEqual([]);
    expect(balance(database.read, WALLET)).toBe(wallet.holds.msats);
  }

  function want(changes: { mayFail?: boolean; expirySeconds?: number } = {}): number {
    const { mayFail = true, expirySeconds = 3600 } = changes;
    const wanted = {
      order: ORDER,
      owner: OWNER,
      purpose: 'eval',
      amountSats: sats(10),
      description: 'x',
      expirySeconds,
    };
    const id = database.write((tx) => wantInvoice(tx, { ...wanted, mayFail, replyTo: null, opens: true }, clock.now()));
    worker.poke();
    return id;
  }

  function indebt(): void {
    database.write((tx) => {
      const now = clock.now();
      const at = now;
      wallet.holds.msats += 129_000n;
      post(tx, {
        debit: WALLET,
        credit: heldFor('job', ORDER.id),
        amountMsats: msats(129_000n),
        kind: 'paid_in',
        cause: 'x',
        at,
      });
      post(tx, {
        debit: heldFor('job', ORDER.id),
        credit: revenue('work'),
        amountMsats: msats(26_000n),
        kind: 'e',
        cause: 'x',
        at,
      });
      owe(tx, { order: ORDER, owner: OWNER, amountMsats: toMsats(sats(100)), because: 'change', cause: 'x' }, now);
      owe(tx, { order: ORDER, owner: OWNER, amountMsats: toMsats(sats(3)), because: 'late', cause: 'x' }, now);
    });
  }

  function payOut(name = 'a', expirySeconds = 3600, amountSats = 103): string {
    const { bolt11, paymentHash, expiresAt } = customerInvoice(clock, amountSats, name, expirySeconds);
    database.write((tx) => {
      const debts = claimableDebts(tx, OWNER);
      const payout = {
        paymentHash,
        bolt11,
        owner: OWNER,
        amountMsats: toMsats(sats(amountSats)),
        debts,
        destination: null,
        replyTo: null,
      };
      commitPayout(tx, { ...payout, invoiceExpiresAt: expiresAt }, clock.now());
    });
    worker.poke();
    return paymentHash;
  }

  function owes(orderId: string, owner: string, amountSats: number, changes?: { replyTo: number }): string {
    const { bolt11, paymentHash, expiresAt } = customerInvoice(clock, amountSats, orderId, 2 * 86_400);
    const amountMsats = toMsats(sats(amountSats));
    wallet.holds.msats += amountMsats;
    database.write((tx) => {
      const at = clock.now();
      meet(tx, owner, 'nip17', null, at);
      const [order, held] = [{ kind: 'job', id: orderId }, heldFor('job', orderId)];
      post(tx, { debit: WALLET, credit: held, amountMsats, kind: 'paid_in', cause: orderId, at });
      owe(tx, { order, owner, amountMsats, because: 'change', cause: orderId }, at);
      const debts = claimableDebts(tx, owner).filter((debt) => debt.orderId === orderId);
      const payout = { paymentHash, bolt11, owner, amountMsats, debts, destination: null, replyTo: null };
      commitPayout(tx, { ...payout, ...changes, invoiceExpiresAt: expiresAt }, at);
    });
    worker.poke();
    return paymentHash;
  }

  const till: Till = {
    database,
    clock,
    wallet,
    worker,
    events,
    news,
    alerts,
    payee: null,
    mayLeave: 'all',
    caps,
    wait,
    waitLong,
    check,
    countOf: (method) => wallet.calls.filter((call) => call.method === method).length,
    types: () => events.map((event) => event.type),
    want,
    hashOf: (id) => findInvoice(database.read, id)?.paymentHash ?? '',
    indebt,
    payOut,
    owes,
    stateOf: (hash) => findPayout(database.read, hash)?.state,
    postedBolt11s: () => wallet.calls.filter((call) => call.method === 'pay').map((call) => call.argument),
    close: async () => {
      const stopping = worker.stop(0);
      clock.advance(1);
      await stopping;
      database.close();
    },
  };
  return till;
}
