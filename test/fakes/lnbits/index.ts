import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeInvoice } from '../../../src/bolt11/index.ts';
import type { Network } from '../../../src/ports/wallet.ts';
import type { Answer, Profile } from './answers.ts';
import { Books, type FakeWallet } from './books.ts';
import { Faults, type Fault } from './faults.ts';
import { ScriptedNode, scripts, type PayScript } from './node.ts';
import { debtsOf, Oracle } from './oracle.ts';
import { incomingEvent, refresh, type Instance, type World } from './payments.ts';
import { Push } from './push.ts';
import { route, type Request } from './routes.ts';

export { scripts, type PayScript, type HostileIssue } from './node.ts';
export { unexpectedError, type Fault, type FaultRule } from './faults.ts';
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
  readonly payWaitMs?: number;
  /** Requests a minute, path and address; default none. LNbits' own is 200. */
  readonly rateLimit?: number;
}

/** What the fake holds true, for comparing with the client's ledger (fidelity H4, H6). Amounts in msats, > 0. */
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
  readonly requests: { method: string; path: string; key: string | undefined; body: string }[] = [];
  /** LNbits waits for its first install: every path is redirected (A13). */
  firstInstall = false;
  readonly #world: World;
  readonly #books: Books;
  readonly #rateLimit: number;
  readonly #hits = new Map<string, number[]>();
  #server: Server | null = null;
  #port: number;
  #aheadSeconds = 0;
  #lock: Promise<unknown> = Promise.resolve();

  constructor(options: FakeLnbitsOptions = {}) {
    const clock = options.now ?? (() => Date.now() / 1000);
    const now = (): number => clock() + this.#aheadSeconds;
    this.#books = new Books(options.file ?? null);
    this.node = new ScriptedNode(this.#books, options.network ?? 'bitcoin', now);
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
      onPay: (wallet, invoice, extra) => this.oracle.onPay(wallet, invoice, extra),
    };
    this.oracle = new Oracle(this.#world);
    this.#port = options.port ?? 0;
    this.#rateLimit = options.rateLimit ?? Infinity;
    const [known] = this.#books.wallets;
    this.wallet = known ?? this.addWallet('Timmy', options.fundSats ?? 100_000);
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
    const server = createServer((request, response) => void this.#serve(request, response));
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

  /** The operator's "Admin credit". */
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

  /** The node's stream tells of a payment it did not tell of before (C10). */
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

  /** The ten newest pending rows are looked at, until a look raises (G2). Nothing is announced. */
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

  /** @throws with the list of what the client did that no honest client may do (H1–H5). */
  assertInvariants(): void {
    const violations = this.oracle.violations();
    if (violations.length > 0) throw new Error(`the client broke its rules:\n${violations.join('\n')}`);
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', this.url);
    const method = incoming.method ?? 'GET';
    const fault = this.faults.next(method, url.pathname);
    if (fault?.kind === 'reset_before') return void incoming.socket.resetAndDestroy();
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const header = incoming.headers['x-api-key'];
    const request: Request = {
      method,
      path: url.pathname,
      query: url.searchParams,
      headerKey: typeof header === 'string' ? header : undefined,
      body: Buffer.concat(chunks).toString(),
    };
    this.requests.push({ method, path: request.path, key: request.headerKey, body: request.body });
    this.oracle.onRequest(request);
    await this.#answer(request, response, fault).catch((error: unknown) => {
      process.stderr.write(`fake lnbits: ${error instanceof Error ? (error.stack ?? '') : String(error)}\n`);
      response.destroy();
    });
  }

  async #answer(request: Request, response: ServerResponse, fault: Fault | null): Promise<void> {
    if (this.firstInstall) return void response.writeHead(307, { location: '/first_install' }).end();
    if (fault?.kind === 'instead') {
      return void response
        .writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers })
        .end(fault.body);
    }
    if (this.#overRate(request)) {
      const error = JSON.stringify({ error: `Rate limit exceeded: ${this.#rateLimit} per 1 minute` });
      return void response.writeHead(429, { 'content-type': 'application/json' }).end(error);
    }
    if (fault?.kind === 'silence') {
      const { runAfterMs } = fault;
      if (runAfterMs !== null) setTimeout(() => void this.#route(request), runAfterMs);
      return;
    }
    if (fault?.kind === 'stall') await new Promise((resolve) => setTimeout(resolve, fault.ms));
    const answer = await this.#route(request);
    if (fault?.kind === 'reset_after') return void response.socket?.resetAndDestroy();
    send(response, answer, fault);
  }

  #route(request: Request): Promise<Answer> {
    return route(this.#world, request, (work) => {
      const turn = this.#lock.then(work);
      this.#lock = turn.catch(() => undefined);
      return turn;
    });
  }

  #overRate(request: Request): boolean {
    const since = this.now() - 60;
    const hits = (this.#hits.get(request.path) ?? []).filter((at) => at > since);
    hits.push(this.now());
    if (Number.isFinite(this.#rateLimit)) this.#hits.set(request.path, hits);
    return hits.length > this.#rateLimit;
  }
}

function send(response: ServerResponse, answer: Answer, fault: Fault | null): void {
  const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
  if (fault?.kind === 'garble') {
    const html = '<html><body><h1>502 Bad Gateway</h1></body></html>';
    const [status, type, body] = {
      html_502: [502, 'text/html', html] as const,
      html_200: [200, 'text/html', html] as const,
      truncated: [answer.status, 'application/json', text.slice(0, Math.max(1, text.length - 20))] as const,
      empty: [answer.status, 'application/json', ''] as const,
      wrong_shape: [answer.status, 'application/json', '{"paid":"yes","details":[],"balance":"much"}'] as const,
    }[fault.as];
    return void response.writeHead(status, { 'content-type': type }).end(body);
  }
  response.writeHead(answer.status, { 'content-type': 'application/json' });
  // LNbits drops the connection after an unhandled error, without saying so (A16).
  response.end(text, () => answer.status === 500 && response.socket?.end());
}

/** A started fake. */
export async function startFakeLnbits(options: FakeLnbitsOptions = {}): Promise<FakeLnbits> {
  const fake = new FakeLnbits(options);
  await fake.start();
  return fake;
}
