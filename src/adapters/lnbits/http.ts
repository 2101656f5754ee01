import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { withTimeout, type Clock } from '../../lib/clock.ts';
import { OutsideError } from '../../lib/errors.ts';
import type { Secret } from '../../lib/secret.ts';

/** An answer as it came: `json` is undefined when the body is none (a proxy's HTML, a torn body). Nothing is believed yet. */
export interface HttpAnswer {
  readonly status: number;
  readonly json: unknown;
}

export interface HttpCall {
  readonly method: 'GET' | 'POST';
  /** Path and query below the base URL. Never contains a key. */
  readonly path: string;
  readonly key: Secret | null;
  readonly body?: unknown;
  readonly timeoutMs: number;
  /** What a lost answer means: `unknown` where the call may have moved money, else `unavailable`. */
  readonly lost: 'unavailable' | 'unknown';
}

export type SendHttp = (call: HttpCall, signal: AbortSignal) => Promise<HttpAnswer>;

/** The OpenAPI document, which tells the version, is the largest thing that LNbits says (about 1 MB). */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/**
 * One request on a connection of its own: LNbits drops idle connections after 5 s and others after any 500 without
 * saying so, and a payment posted into such a socket would be an unknown outcome for nothing. Redirects are not
 * followed, they are answers. Throws `OutsideError`: `unavailable` when nothing can have been received, `call.lost`
 * when it may have been.
 */
export function httpSender(baseUrl: string, clock: Clock): SendHttp {
  const base = baseUrl.replace(/\/+$/, '');
  return async (call, signal) => {
    const limit = withTimeout(clock, call.timeoutMs, signal);
    try {
      return await exchange(new URL(base + call.path), call, limit.signal);
    } finally {
      limit.done();
    }
  };
}

function exchange(url: URL, call: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
  const body = call.body === undefined ? undefined : JSON.stringify(call.body);
  return new Promise((resolve, reject) => {
    let connected = false;
    const fail = (cause: unknown): void =>
      reject(
        connected
          ? new OutsideError(call.lost, 'wallet.no_answer', { cause })
          : new OutsideError('unavailable', 'wallet.unreachable', { cause }),
      );
    if (signal.aborted) return fail(signal.reason);
    const send = url.protocol === 'https:' ? tlsRequest : plainRequest;
    const outgoing = send(url, {
      method: call.method,
      agent: false,
      signal,
      headers: {
        accept: 'application/json',
        connection: 'close',
        ...(call.key === null ? {} : { 'x-api-key': call.key.expose() }),
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body).toString() }),
      },
    });
    // From here on bytes may leave. (Over TLS a little later, which errs on the safe side.)
    outgoing.on('socket', (socket) => socket.once('connect', () => (connected = true)));
    outgoing.on('error', fail);
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_BODY_BYTES) outgoing.destroy(new Error('body too long'));
        else chunks.push(chunk);
      });
      incoming.on('error', fail);
      incoming.on('close', () => {
        if (!incoming.complete) return fail(new Error('body cut off'));
        resolve({ status: incoming.statusCode ?? 0, json: parseJson(Buffer.concat(chunks).toString()) });
      });
    });
    outgoing.end(body);
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
