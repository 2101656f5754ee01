import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from './answers.ts';
import type { Fault, Faults } from './faults.ts';
import type { Oracle } from './oracle.ts';
import type { World } from './payments.ts';
import { route, type Request } from './routes.ts';

/** The HTTP side of the fake: faults, rate limit, and the one lock of the database behind which all requests wait. */
export class Front {
  readonly requests: { method: string; path: string; key: string | undefined; body: string }[] = [];
  readonly unanswered = new Set<number>();
  firstInstall = false;
  readonly #world: World;
  readonly #faults: Faults;
  readonly #oracle: Oracle;
  readonly #rateLimit: number;
  readonly #hits = new Map<string, number[]>();
  /** Never answered, and run before the next of their kind. */
  #held: Request[] = [];
  #lock: Promise<unknown> = Promise.resolve();

  constructor(world: World, faults: Faults, oracle: Oracle, rateLimit: number) {
    this.#world = world;
    this.#faults = faults;
    this.#oracle = oracle;
    this.#rateLimit = rateLimit;
  }

  /** Reads one request, does to it what the faults say, and answers it. */
  async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', 'http://127.0.0.1');
    const method = incoming.method ?? 'GET';
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
    } catch {
      // Gone before it had said all: nothing is done for it.
      return;
    }
    const header = incoming.headers['x-api-key'];
    const request: Request = {
      method,
      path: url.pathname,
      query: url.searchParams,
      headerKey: typeof header === 'string' ? header : undefined,
      body: Buffer.concat(chunks).toString(),
    };
    const fault = this.#faults.next(request);
    if (fault?.kind === 'reset_before') return void incoming.socket.resetAndDestroy();
    this.requests.push({ method, path: request.path, key: request.headerKey, body: request.body });
    this.#oracle.onRequest(request);
    const port = incoming.socket.remotePort ?? 0;
    this.unanswered.add(port);
    response.once('close', () => this.unanswered.delete(port));
    await this.#answer(request, response, fault).catch((error: unknown) => {
      process.stderr.write(`fake lnbits: ${error instanceof Error ? (error.stack ?? '') : String(error)}\n`);
      response.destroy();
    });
    if (response.writableEnded || response.destroyed) this.unanswered.delete(port);
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
      if (runAfterMs === 'before_next') this.#held.push(request);
      else if (runAfterMs !== null) this.#world.after(runAfterMs, () => void this.#route(request));
      return;
    }
    if (fault?.kind === 'stall') await new Promise<void>((resolve) => this.#world.after(fault.ms, resolve));
    for (const held of this.#held.filter((other) => kindOf(other) === kindOf(request))) {
      this.#held = this.#held.filter((other) => other !== held);
      await this.#route(held);
    }
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
    const since = this.#world.now() - 60;
    const hits = (this.#hits.get(request.path) ?? []).filter((at) => at > since);
    hits.push(this.#world.now());
    if (Number.isFinite(this.#rateLimit)) this.#hits.set(request.path, hits);
    return hits.length > this.#rateLimit;
  }
}

const kindOf = ({ method, path, body }: Request): string => `${method} ${path} ${String(/"out":\s*true/.test(body))}`;

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
  // LNbits drops the connection after an unhandled error, without saying so.
  response.end(text, () => answer.status === 500 && response.socket?.end());
}
