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
export function openTransport(): Transport {
  let failure: TransportFailure = {
    tried: false,
    status: null,
    retryAfter: null,
    detail: null,
    answered: false,
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
        const body = await readBody(response);
        failure = { ...failure, answered: response.ok, detail: response.ok ? null : readErrorDetail(parse(body)) };
        const headers = new Headers(response.headers);
        headers.delete('content-encoding'); // already decoded
        headers.delete('content-length');
        return new Response(body, { status: response.status, headers });
      } catch (error) {
        failure = { ...failure, error };
        throw error;
      }
    },
  };
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
