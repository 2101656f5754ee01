import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { withTimeout, type Clock } from '../../lib/clock.ts';

const TIMEOUT_MS = 15_000;
/** A list of forty peers is a tenth of it. Bytes. */
const MAX_BODY_BYTES = 1024 * 1024;

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/**
 * Asks a program of this machine. LND signs its certificate itself: on a loopback address it is taken as it is, for
 * who could stand between has the machine already. Null: no whole answer within 15 s. No redirects.
 */
export async function httpCall(
  clock: Clock,
  url: string,
  { body, login }: { readonly body?: string; readonly login?: string } = {},
): Promise<HttpAnswer | null> {
  if (!URL.canParse(url)) return null;
  const { protocol, hostname } = new URL(url);
  const isLocal = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(hostname);
  const limit = withTimeout(clock, TIMEOUT_MS);
  const options = {
    method: body === undefined ? 'GET' : 'POST',
    signal: limit.signal,
    agent: false as const,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      ...(login !== undefined && { authorization: `Basic ${Buffer.from(login).toString('base64')}` }),
    },
    ...(isLocal && { rejectUnauthorized: false }),
  };
  return new Promise<HttpAnswer | null>((resolve) => {
    const call = (protocol === 'https:' ? requestTls : requestPlain)(url, options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_BODY_BYTES) call.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      response.on('error', () => resolve(null));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    call.on('error', () => resolve(null));
    call.end(body);
  }).finally(limit.done);
}
