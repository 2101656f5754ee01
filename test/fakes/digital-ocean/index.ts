import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Faults, type Fault } from '../lnbits/faults.ts';
import { Books, LAGS, type FakeDroplet, type Lags } from './books.ts';
import type { Answer, Request } from './answers.ts';
import { route, scopeOf } from './routes.ts';

export { type Bill, type DropletScript, type FakeDroplet, type Lags } from './books.ts';
export type { Fault, FaultRule } from '../lnbits/faults.ts';

export interface FakeDigitalOceanOptions {
  /** Unix seconds, fractions allowed. Default: the machine's clock plus what `advance` added. */
  readonly now?: () => number;
  /** By whose clock a droplet becomes active for `onActive`; default the machine's. */
  readonly after?: (ms: number, callback: () => void) => unknown;
  readonly lags?: Partial<Lags>;
  readonly token?: string;
  /** What the token may do; default all. */
  readonly scopes?: readonly string[];
  readonly perHour?: number;
  readonly perMinute?: number;
}

/** The requests of a client that rents nodes, for `faults`. */
export const calls = {
  createDroplet: { method: 'POST', path: /^\/v2\/droplets$/ },
  deleteDroplet: { method: 'DELETE', path: /^\/v2\/droplets\/\d+$/ },
  droplet: { method: 'GET', path: /^\/v2\/droplets\/\d+$/ },
  droplets: { method: 'GET', path: /^\/v2\/droplets$/ },
  createKey: { method: 'POST', path: /^\/v2\/account\/keys$/ },
  deleteKey: { method: 'DELETE', path: /^\/v2\/account\/keys\// },
  createVolume: { method: 'POST', path: /^\/v2\/volumes$/ },
  deleteVolume: { method: 'DELETE', path: /^\/v2\/volumes\// },
  any: { path: /^/ },
} as const;

/**
 * A Digital Ocean on 127.0.0.1 that keeps its own books of what exists and what it costs, lags as the real one does and
 * worse, makes two droplets when asked twice, and can fail before and after everything it does.
 */
export class FakeDigitalOcean {
  readonly books: Books;
  readonly faults = new Faults();
  readonly token: string;
  /** Every request that was read, without its body: that may hold a node's claim. */
  readonly requests: { method: string; path: string; status: number }[] = [];
  readonly violations: string[] = [];
  /** Told of each droplet that becomes active, once. */
  onActive: (droplet: FakeDroplet) => void = () => {};
  readonly #options: FakeDigitalOceanOptions;
  readonly #lags: Lags;
  readonly #hits: number[] = [];
  #held: Request[] = [];
  #server: Server | null = null;
  #port = 0;
  #aheadSeconds = 0;

  constructor(options: FakeDigitalOceanOptions = {}) {
    this.#options = options;
    this.token = options.token ?? `dop_v1_${'0f'.repeat(32)}`;
    this.#lags = { ...LAGS, ...options.lags };
    const clock = options.now ?? (() => (performance.timeOrigin + performance.now()) / 1000);
    this.books = new Books(() => clock() + this.#aheadSeconds, this.#lags);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve())));
  }

  /** Moves its clock ahead; what became active meanwhile is told. */
  advance(seconds: number): void {
    this.#aheadSeconds += seconds;
    this.tell();
  }

  /** Tells of droplets that have become active since. */
  tell(): void {
    for (const droplet of this.books.droplets) {
      if (droplet.wasTold || droplet.deletedAt !== null || this.books.status(droplet) !== 'active') continue;
      droplet.wasTold = true;
      this.onActive(droplet);
    }
  }

  /** Somebody destroys it in the web console: at once, and for good. */
  destroyOutside(id: number): void {
    const droplet = this.books.droplets.find((other) => other.id === id);
    if (droplet?.deletedAt !== null) return;
    droplet.deletedAt = this.books.now() - this.#lags.gone;
    this.books.note('droplet destroyed by somebody', String(id), droplet.name);
  }

  /** It is given another address. */
  moveAddress(id: number, address: string): void {
    const droplet = this.books.droplets.find((other) => other.id === id);
    if (droplet !== undefined) droplet.address = address;
  }

  /** @throws with what the client did that no honest client may do. */
  assertInvariants(): void {
    if (this.violations.length > 0) throw new Error(`the client broke its rules:\n${this.violations.join('\n')}`);
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', this.url);
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const [method, body] = [incoming.method ?? 'GET', Buffer.concat(chunks).toString()];
    const request: Request = { method, path: url.pathname, query: url.searchParams, body };
    const fault = this.faults.next(request);
    if (fault?.kind === 'reset_before') return void incoming.socket.resetAndDestroy();
    if (fault?.kind === 'silence') {
      const { runAfterMs } = fault;
      if (runAfterMs === 'before_next') this.#held.push(request);
      else if (runAfterMs !== null) this.#later(runAfterMs, () => this.#run(request, incoming));
      return;
    }
    if (fault?.kind === 'instead') {
      this.requests.push({ method, path: request.path, status: fault.status });
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
      return void response.end(fault.body);
    }
    if (fault?.kind === 'stall') await new Promise<void>((resolve) => this.#later(fault.ms, resolve));
    for (const held of this.#held.splice(0)) this.#run(held, incoming);
    const answer = this.#run(request, incoming);
    this.requests.push({ method, path: request.path, status: answer.status });
    if (fault?.kind === 'reset_after') return void incoming.socket.resetAndDestroy();
    send(response, { ...answer, ...garbled(answer, fault) }, this.#limits());
  }

  #run(request: Request, incoming: IncomingMessage): Answer {
    const now = this.books.now();
    const { perMinute = 250, perHour = 5000, scopes } = this.#options;
    if (this.#since(now - 60) >= perMinute)
      return {
        ...tooMany,
        headers: { 'retry-after': String(Math.max(1, Math.ceil(this.#oldest(now - 60) + 60 - now))) },
      };
    if (this.#since(now - 3600) >= perHour) return tooMany;
    this.#hits.push(now);
    if (incoming.headers.authorization !== `Bearer ${this.token}`)
      return { status: 401, body: { id: 'unauthorized', message: 'Unable to authenticate you' } };
    if (scopes !== undefined && !scopes.includes(scopeOf(request)))
      return { status: 403, body: { id: 'forbidden', message: 'You are missing the required permission' } };
    const isJson = incoming.headers['content-type']?.startsWith('application/json') === true;
    if (request.body !== '' && !isJson) return { status: 415, body: { id: 'unsupported', message: 'JSON, please' } };
    const before = this.books.droplets.length;
    const answer = route(this.books, request, (violation) => this.violations.push(violation));
    if (this.books.droplets.length > before) this.#later(this.#lags.active * 1000, () => this.tell());
    return answer;
  }

  #later(ms: number, callback: () => void): void {
    const after = this.#options.after ?? ((delay: number, run: () => void) => void setTimeout(run, delay).unref());
    after(ms, callback);
  }

  #since(from: number): number {
    return this.#hits.filter((at) => at > from).length;
  }

  #oldest(from: number): number {
    return this.#hits.find((at) => at > from) ?? from;
  }

  #limits(): Record<string, string> {
    const { perHour = 5000 } = this.#options;
    const hourAgo = this.books.now() - 3600;
    return {
      'ratelimit-limit': String(perHour),
      'ratelimit-remaining': String(Math.max(0, perHour - this.#since(hourAgo))),
      'ratelimit-reset': String(Math.ceil(this.#oldest(hourAgo) + 3600)),
    };
  }
}

const tooMany: Answer = {
  status: 429,
  body: { id: 'too_many_requests', message: 'API Rate limit exceeded.' },
};

function garbled(answer: Answer, fault: Fault | null): Partial<Answer> {
  if (fault?.kind !== 'garble') return {};
  const html = '<html><body><h1>502 Bad Gateway</h1></body></html>';
  const text = JSON.stringify(answer.body);
  const made: Record<typeof fault.as, Partial<Answer>> = {
    html_502: { status: 502, body: html },
    html_200: { status: 200, body: html },
    truncated: { body: text.slice(0, Math.max(1, text.length - 20)) },
    empty: { body: '' },
    wrong_shape: { body: '{"droplet":{"id":"one"},"droplets":7,"meta":{}}' },
  };
  return made[fault.as];
}

function send(response: ServerResponse, answer: Answer, limits: Record<string, string>): void {
  const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
  const headers = { 'content-type': 'application/json', 'x-request-id': crypto.randomUUID(), ...limits };
  response.writeHead(answer.status, { ...headers, ...answer.headers });
  response.end(answer.status === 204 ? undefined : text);
}

/** A started fake. */
export async function startFakeDigitalOcean(options: FakeDigitalOceanOptions = {}): Promise<FakeDigitalOcean> {
  const fake = new FakeDigitalOcean(options);
  await fake.start();
  return fake;
}
