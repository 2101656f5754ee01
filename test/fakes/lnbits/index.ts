import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeInvoice } from '../../../src/bolt11/index.ts';
import type { Network } from '../../../src/ports/wallet.ts';
import type { Profile } from './answers.ts';
import { Books, type FakeWallet } from './books.ts';
import { Faults } from './faults.ts';
import { Front } from './front.ts';
import { ScriptedNode, type After } from './node.ts';
import { debtsOf, Oracle } from './oracle.ts';
import { incomingEvent, refresh, type Instance, type World } from './payments.ts';
import { Push } from './push.ts';
import { scripts, type PayScript } from './scripts.ts';

export type { HostileIssue } from './node.ts';
export { scripts, type PayScript } from './scripts.ts';
export { requests, unexpectedError, type Fault, type FaultRule } from './faults.ts';
export type { FakeWallet } from './books.ts';
export type { Profile } from './answers.ts';

export interface FakeLnbitsOptions {
  readonly profile?: Profile;
  /** Where the books are kept; null (default) = in memory only. */
  readonly file?: string | null;
  /** 0 (default) picks one. */
  readonly port?: number;
  readonly network?: Network;
  /** What the first wallet holds at first. Default 100,000. */
  readonly fundSats?: number;
  /** Unix seconds, fractions allowed. Default: the machine's clock plus what `advance` added. */
  readonly now?: () => number;
  /** What is slow here is slow by this clock; default the machine's. */
  readonly after?: After;
  readonly payWaitMs?: number;
  /** Requests a minute, path and address; default none. LNbits' own is 200. */
  readonly rateLimit?: number;
}

/** What the fake holds true, for comparing with the client's ledger. Amounts in msats, > 0. */
export interface FakeBooks {
  readonly balanceMsats: number;
  readonly incoming: readonly { paymentHash: string; amountMsats: number; paid: boolean; label: string | null }[];
  readonly outgoing: readonly {
    paymentHash: string;
    amountMsats: number;
    feeMsats: number;
    truth: string;
    debts: readonly string[];
  }[];
}

/**
 * An honest LNbits on 127.0.0.1 with a scripted Lightning node behind it. It answers as the real one was seen to
 * answer, bugs included, in two profiles; it can be told to fail in every way that networks and nodes fail; and it
 * watches its client for anything that could lose money.
 */
export class FakeLnbits {
  readonly wallet: FakeWallet;
  readonly node: ScriptedNode;
  readonly push = new Push();
  readonly faults = new Faults();
  readonly oracle: Oracle;
  readonly instance: Instance;
  readonly #front: Front;
  readonly #world: World;
  readonly #books: Books;
  #server: Server | null = null;
  #port: number;
  #aheadSeconds = 0;

  constructor(options: FakeLnbitsOptions = {}) {
    // Its rows are ordered by microseconds, as there.
    const clock = options.now ?? (() => (performance.timeOrigin + performance.now()) / 1000);
    const now = (): number => clock() + this.#aheadSeconds;
    this.#books = new Books(options.file ?? null);
    const after: After = options.after ?? ((ms, callback) => setTimeout(callback, ms).unref());
    this.node = new ScriptedNode(this.#books, options.network ?? 'bitcoin', now, after);
    this.instance = {
      payWaitMs: options.payWaitMs ?? 5000,
      serviceFee: false,
      onlyIncoming: false,
      secondsBetween: 0,
      dailyLimitSats: null,
    };
    this.#world = {
      profile: options.profile ?? '1.6',
      books: this.#books,
      node: this.node,
      push: this.push,
      instance: this.instance,
      now,
      after,
      onPay: (wallet, invoice, extra) => this.oracle.onPay(wallet, invoice, extra),
    };
    this.oracle = new Oracle(this.#world);
    this.#front = new Front(this.#world, this.faults, this.oracle, options.rateLimit ?? Infinity);
    this.#port = options.port ?? 0;
    const [known] = this.#books.wallets;
    this.wallet = known ?? this.addWallet('Timmy', options.fundSats ?? 100_000);
  }

  /** Every request that was read, whatever became of it. */
  get requests(): Front['requests'] {
    return this.#front.requests;
  }

  /** The clients' ports of the requests that were read and are not answered yet. */
  get unanswered(): ReadonlySet<number> {
    return this.#front.unanswered;
  }

  /** LNbits waits for its first install: every path is redirected. */
  set firstInstall(waits: boolean) {
    this.#front.firstInstall = waits;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get profile(): Profile {
    return this.#world.profile;
  }

  /** Listens, after the sweep that LNbits makes at its start. */
  async start(): Promise<void> {
    await this.sweep();
    const server = createServer((request, response) => void this.#front.serve(request, response));
    server.keepAliveTimeout = 5000;
    this.push.attach(server);
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Refuses connections until `start`, and cuts those that are open. The books stay. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    this.push.drop();
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve())));
  }

  /** Moves the fake's clock ahead. */
  advance(seconds: number): void {
    this.#aheadSeconds += seconds;
  }

  now(): number {
    return this.#world.now();
  }

  addWallet(name: string, fundSats = 0, sharedFrom?: FakeWallet): FakeWallet {
    const wallet = this.#books.addWallet(name, sharedFrom?.id);
    if (fundSats > 0) this.fund(wallet, fundSats);
    return wallet;
  }

  /** The operator's "Admin credit"; less than zero takes away. */
  fund(wallet: FakeWallet, amountSats: number): void {
    const { bolt11, paymentHash, preimage } = this.node.issue(amountSats * 1000, 'Admin credit', 3600);
    const time = this.now();
    this.#books.insert({
      ...{
        checkingId: `internal_${paymentHash}`,
        paymentHash,
        bolt11,
        preimage,
        walletId: wallet.id,
        amount: amountSats * 1000,
        fee: 0,
      },
      ...{
        status: 'success',
        memo: 'Admin credit',
        expiry: null,
        extra: {},
        labels: [],
        externalId: null,
        webhook: null,
        time,
        updatedAt: time,
      },
    });
  }

  /**
   * Somebody out there pays an invoice of ours. False when it cannot be paid. `event: false`: LNbits misses it, and
   * only a look (in 1.6 one before the expiry) finds it; `event: 'later'` waits for `tellLate`.
   */
  payInvoice(bolt11: string, event: boolean | 'later' = true): boolean {
    const invoice = decodeInvoice(bolt11);
    if ('invalid' in invoice || !this.node.receive(invoice.paymentHash)) return false;
    if (event === true) incomingEvent(this.#world, invoice.paymentHash);
    return true;
  }

  /** The node's stream tells of a payment it did not tell of before. */
  tellLate(paymentHash: string): void {
    incomingEvent(this.#world, paymentHash);
  }

  /** An invoice of somebody out there, for a refund; `script` says how its payment goes. */
  receiveInvoice(
    amountMsats: number,
    script: PayScript = scripts.ok,
    options: { expirySeconds?: number; network?: Network } = {},
  ): string {
    return this.node.outsideInvoice(amountMsats, script, options);
  }

  /** The ten newest pending rows are looked at, until a look raises. Nothing is announced. */
  async sweep(): Promise<void> {
    const pending = this.#books.rows
      .filter((row) => row.status === 'pending')
      .slice(-10)
      .reverse();
    for (const row of pending) {
      try {
        await refresh(this.#world, row);
      } catch {
        return;
      }
    }
  }

  books(): FakeBooks {
    const label = (extra: Record<string, unknown>): string | null =>
      typeof extra['timmy_intent'] === 'string' ? extra['timmy_intent'] : null;
    const rows = this.#books.rows.filter((row) => row.walletId === this.wallet.id);
    return {
      balanceMsats: this.#books.balance(this.wallet.id),
      incoming: rows
        .filter((row) => row.amount > 0)
        .map((row) => ({
          paymentHash: row.paymentHash,
          amountMsats: row.amount,
          paid: row.status === 'success',
          label: label(row.extra),
        })),
      outgoing: rows
        .filter((row) => row.amount < 0)
        .map((row) => ({
          paymentHash: row.paymentHash,
          amountMsats: -row.amount,
          feeMsats: -row.fee,
          truth: row.checkingId.startsWith('internal_') ? 'paid' : this.node.truth(row.paymentHash),
          debts: debtsOf(row.extra),
        })),
    };
  }

  /** @throws with the list of what the client did that no honest client may do. */
  assertInvariants(): void {
    const violations = this.oracle.violations();
    if (violations.length > 0) throw new Error(`the client broke its rules:\n${violations.join('\n')}`);
  }
}

/** A started fake. */
export async function startFakeLnbits(options: FakeLnbitsOptions = {}): Promise<FakeLnbits> {
  const fake = new FakeLnbits(options);
  await fake.start();
  return fake;
}
