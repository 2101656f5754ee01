import { readErrorDetail, type ErrorDetail } from './faults.ts';

/** The largest answer that is read; an answer of 8,192 tokens is some 50 kB. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** What became of the one request of a call, before the SDK gave it words of its own. */
export interface TransportFailure {
  /** False when the SDK gave up before it tried to send: the key or the address is malformed. */
  readonly tried: boolean;
  /** The HTTP status, where it was no success. */
  readonly status: number | null;
  readonly retryAfter: string | null;
  /** What the body of an error says, where it is one of the API's. */
  readonly detail: ErrorDetail | null;
  /** A success was read to its end. */
  readonly answered: boolean;
  /** Its JSON, where a stream was asked for and the endpoint knows none; else undefined. */
  readonly unstreamed: unknown;
  /** What `fetch` threw. */
  readonly error: unknown;
}

export interface Transport {
  readonly fetch: typeof globalThis.fetch;
  failure(): TransportFailure;
}

/**
 * A `fetch` for one call that follows no redirect (the key must not travel), reads a bounded body, and remembers how
 * it failed: the SDK folds a connection that was never made and an answer that never came into one error.
 */
export function openTransport(streamed: boolean): Transport {
  let failure: TransportFailure = {
    tried: false,
    status: null,
    retryAfter: null,
    detail: null,
    answered: false,
    unstreamed: undefined,
    error: null,
  };
  return {
    failure: () => failure,
    fetch: async (input, init) => {
      failure = { ...failure, tried: true };
      try {
        const response = await fetch(input, { ...init, redirect: 'manual' });
        if (!response.ok) {
          failure = { ...failure, status: response.status, retryAfter: response.headers.get('retry-after') };
        }
        if (streamed && response.ok && isEventStream(response) && response.body !== null) {
          const bounded = response.body.pipeThrough(atMost(MAX_BODY_BYTES));
          return new Response(bounded, { status: response.status, headers: decoded(response.headers) });
        }
        const body = await readBody(response);
        if (response.ok) failure = { ...failure, answered: true, unstreamed: streamed ? parse(body) : undefined };
        else failure = { ...failure, detail: readErrorDetail(parse(body)) };
        return new Response(body, { status: response.status, headers: decoded(response.headers) });
      } catch (error) {
        failure = { ...failure, error };
        throw error;
      }
    },
  };
}

function isEventStream(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith('text/event-stream') === true;
}

/** The body is decoded and may be cut: what the headers say of both is true no more. */
function decoded(from: Headers): Headers {
  const headers = new Headers(from);
  headers.delete('content-encoding');
  headers.delete('content-length');
  return headers;
}

function atMost(bytes: number): TransformStream<Uint8Array, Uint8Array> {
  let size = 0;
  return new TransformStream({
    transform(chunk, controller) {
      size += chunk.byteLength;
      if (size > bytes) controller.error(new Error('answer too large'));
      else controller.enqueue(chunk);
    },
  });
}

function parse(body: Uint8Array | null): unknown {
  try {
    return JSON.parse(Buffer.from(body ?? []).toString()) as unknown;
  } catch {
    return null; // a page of something in between
  }
}

/** @throws Error when the body is larger than `MAX_BODY_BYTES` or ends before its time. */
async function readBody(response: Response): Promise<Uint8Array<ArrayBuffer> | null> {
  if (response.body === null) return null;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw new Error('answer too large');
    chunks.push(chunk);
  }
  return size === 0 ? null : new Uint8Array(Buffer.concat(chunks));
}
