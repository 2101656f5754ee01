import { OutsideError } from '../../lib/errors.ts';

/**
 * What a failed call means, in the terms of `ports/agent.ts`. The SDK's error classes are told apart by shape, so
 * that this file needs no import of it.
 */

/** An HTTP answer that was no success. Its body is foreign text and is looked at by nobody. */
export function faultOfStatus(status: number, retryAfter: string | null, nowMs: number): OutsideError {
  const retryAfterSeconds = parseRetryAfter(retryAfter, nowMs);
  const options = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  if (status === 429) return new OutsideError('unavailable', 'model.rate_limited', options);
  if (status === 529) return new OutsideError('unavailable', 'model.overloaded', options);
  if (status >= 500 || status === 408 || status === 409) return new OutsideError('unavailable', 'model.down', options);
  return new OutsideError('rejected', 'model.config');
}

/**
 * A call that brought no answer. Where it surely never reached the model nothing was spent; else it may have been.
 * `cause` is kept for a debugger and never logged.
 */
export function faultOfConnection(cause: unknown, timedOut: boolean): OutsideError {
  if (neverSent(cause)) return new OutsideError('unavailable', 'model.unreachable', { cause });
  return new OutsideError('unknown', timedOut ? 'model.timeout' : 'model.connection_lost', { cause });
}

/** Whole seconds of a `retry-after` header (seconds or an HTTP date), 0 … one hour. */
export function parseRetryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d{1,9}(\.\d+)?$/.test(header.trim()) ? Number(header) : (Date.parse(header) - nowMs) / 1000;
  return Number.isFinite(seconds) ? Math.min(3600, Math.max(0, Math.ceil(seconds))) : undefined;
}

/** Errors of resolving, connecting and shaking hands: they come before the first byte of a request. */
const BEFORE_SENDING = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

function neverSent(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const { code, syscall } = at as Error & { code?: unknown; syscall?: unknown };
    if (typeof code === 'string' && BEFORE_SENDING.has(code)) return true;
    if (syscall === 'connect' || syscall === 'getaddrinfo') return true;
  }
  return false;
}
