import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { withTimeout, type Clock } from '../../lib/clock.ts';
import { OutsideError } from '../../lib/errors.ts';
import type { Secret } from '../../lib/secret.ts';

/** An answer as it came: `json` is undefined when the body is none (a proxy's HTML, a torn body). Nothing is believed yet. */
export interface JsonAnswer {
  readonly status: number;
  readonly json: unknown;
  /** One of its headers, by lower-case name; null where it is missing or given more than once. */
  readonly header: (name: string) => string | null;
}

export interface JsonCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query below the base URL. Never contains a key. */
  readonly path: string;
  /** The header that proves who asks. */
  readonly key: { readonly header: string; readonly value: Secret } | null;
  readonly body?: { readonly json: unknown } | { readonly form: Secret };
  readonly timeoutMs: number;
  /** What a lost answer means: `unknown` where the call may have changed something, else `unavailable`. */
  readonly lost: 'unavailable' | 'unknown';
}

export type SendJson = (call: JsonCall, signal: AbortSignal) => Promise<JsonAnswer>;

/** The largest thing that any of them says is LNbits' OpenAPI document (about 1 MB), which tells its version. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/**
 * One request on a connection of its own: servers drop idle connections (LNbits after 5 s, and others after any 500)
 * without saying so, and a payment posted into such a socket would be an unknown outcome for nothing. Redirects are not
 * followed, they are answers. Throws `OutsideError`: `unavailable` when nothing can have been received, `call.lost`
 * when it may have been; the message begins with `who` ("wallet.no_answer").
 */
export function jsonSender(who: string, baseUrl: string, clock: Clock): SendJson {
  const base = baseUrl.replace(/\/+$/, '');
  return async (call, signal) => {
    const limit = withTimeout(clock, call.timeoutMs, signal);
    try {
      return await exchange(who, new URL(base + call.path), call, limit.signal);
    } finally {
      limit.done();
    }
  };
}

function exchange(who: string, url: URL, call: JsonCall, signal: AbortSignal): Promise<JsonAnswer> {
  const body = bodyOf(call);
  return new Promise((resolve, reject) => {
    let connected = false;
    const fail = (cause: unknown): void =>
      reject(
        connected
          ? new OutsideError(call.lost, `${who}.no_answer`, { cause })
          : new OutsideError('unavailable', `${who}.unreachable`, { cause }),
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
        ...(call.key === null ? {} : { [call.key.header]: call.key.value.expose() }),
        ...(body === null
          ? {}
          : { 'content-type': body.type, 'content-length': Buffer.byteLength(body.text).toString() }),
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
        resolve({
          status: incoming.statusCode ?? 0,
          json: parseJson(Buffer.concat(chunks).toString()),
          header: (name) => {
            const value = incoming.headers[name];
            return typeof value === 'string' ? value : null;
          },
        });
      });
    });
    outgoing.end(body?.text);
  });
}

function bodyOf(call: JsonCall): { type: string; text: string } | null {
  if (call.body === undefined) return null;
  return 'json' in call.body
    ? { type: 'application/json', text: JSON.stringify(call.body.json) }
    : { type: 'application/x-www-form-urlencoded', text: call.body.form.expose() };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
