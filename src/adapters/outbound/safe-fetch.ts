import { request as requestHttp, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { OutsideError } from '../../lib/errors.ts';
import { withTimeout } from '../../lib/clock.ts';
import { checkUrl, pinnedLookup, resolveChecked, type DoorRules } from './door.ts';

export const CONNECT_TIMEOUT_MS = 2000;
export const TOTAL_TIMEOUT_MS = 4000;
export const MAX_ANSWER_BYTES = 32 * 1024;

export interface SafeFetchOptions extends DoorRules {
  /** A certificate authority (PEM) to trust instead of the system's; for tests. */
  readonly ca?: string;
}

/** What came back; any status but a redirect. */
export interface SafeAnswer {
  readonly status: number;
  readonly body: string;
}

export type SafeFetch = (url: string, signal: AbortSignal) => Promise<SafeAnswer>;

/**
 * The one door through which a stranger's URL is fetched, lest they reach our own network through us. GET only; https only; every address behind
 * the name public; connected to exactly the addresses that were checked; no redirect; 2 s to resolve, 2 s to connect,
 * 4 s in all, 32 KiB.
 * Throws OutsideError: `rejected` (`outbound.bad_url`, `.no_such_host`, `.forbidden_address`, `.redirected`,
 * `.too_large`) or `unavailable` (`outbound.dns`, `.unreachable`, `.timeout`).
 */
export function createSafeFetch(options: SafeFetchOptions): SafeFetch {
  return async (text, parent) => {
    const url = checkUrl(text, options);
    const total = withTimeout(options.clock, TOTAL_TIMEOUT_MS, parent);
    try {
      const addresses = await resolveChecked(url, options);
      if (total.signal.aborted) throw new OutsideError('unavailable', 'outbound.timeout');
      return await get(url, addresses, options, total.signal);
    } finally {
      total.done();
    }
  };
}

async function get(
  url: URL,
  addresses: readonly string[],
  { clock, ca }: SafeFetchOptions,
  signal: AbortSignal,
): Promise<SafeAnswer> {
  const connecting = withTimeout(clock, CONNECT_TIMEOUT_MS, signal);
  const request: RequestOptions & { ca?: string } = {
    method: 'GET',
    agent: false, // a connection of its own: a pooled one was made to who knows whom
    lookup: pinnedLookup(addresses),
    headers: { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'timmy' },
    maxHeaderSize: 16 * 1024,
    signal,
    ...(ca === undefined ? {} : { ca }),
  };
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent: ClientRequest = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, request, resolve);
      connecting.signal.addEventListener('abort', () => sent.destroy(new Error('timeout')), { once: true });
      sent.once('socket', (socket) =>
        socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', connecting.done),
      );
      sent.once('error', reject);
      sent.end();
    });
    const status = response.statusCode ?? 0;
    if (status >= 300 && status < 400) {
      response.destroy();
      throw new OutsideError('rejected', 'outbound.redirected');
    }
    return { status, body: await readBody(response) };
  } catch (error) {
    if (error instanceof OutsideError) throw error;
    const code = connecting.signal.aborted || signal.aborted ? 'outbound.timeout' : 'outbound.unreachable';
    throw new OutsideError('unavailable', code, { cause: error });
  } finally {
    connecting.done();
  }
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    // Throwing out of the loop destroys the response and its connection.
    if (size > MAX_ANSWER_BYTES) throw new OutsideError('rejected', 'outbound.too_large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
