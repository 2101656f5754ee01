import { z } from 'zod';
import { AgentError, NO_USAGE } from '../../ports/agent.ts';

/**
 * What a failed call means, in the terms of `ports/agent.ts`. The SDK's error classes are told apart by shape, so
 * that this file needs no import of it.
 */

/** What an error body says of itself: the API's `{type: "error", error: {type, message, details?: {error_code}}}`, or a gateway's. */
export interface ErrorDetail {
  readonly type: string;
  /** Foreign text: matched, never shown or logged. */
  readonly message: string;
  readonly code: string | null;
  /** The status that the body names by a number, as some gateways do inside a success. */
  readonly status: number | null;
}

const errorSchema = z.object({
  type: z.literal('error'),
  error: z.object({
    type: z.string(),
    message: z.string().catch(''),
    details: z
      .object({ error_code: z.string().nullish().catch(null) })
      .nullish()
      .catch(null),
  }),
});

/** The shape of OpenAI's API, which gateways (LiteLLM, OpenRouter) answer with on the Messages API too. */
const gatewayErrorSchema = z.object({
  error: z.object({
    message: z.string(),
    type: z.string().nullish().catch(null),
    code: z.union([z.string(), z.int()]).nullish().catch(null),
  }),
});

/** The error that this body is, whatever status it came with; null when it is none. */
export function readErrorDetail(body: unknown): ErrorDetail | null {
  const error = errorSchema.safeParse(body);
  if (error.success) {
    const { type, message, details } = error.data.error;
    return { type, message, code: details?.error_code ?? null, status: null };
  }
  const foreign = gatewayErrorSchema.safeParse(body);
  if (!foreign.success) return null;
  const { type, message, code } = foreign.data.error;
  // LiteLLM writes the status as text.
  const status = Number(/^[45]\d\d$/.exec(String(code))?.[0] ?? NaN);
  return {
    type: type ?? '',
    message,
    code: typeof code === 'string' ? code : null,
    status: Number.isNaN(status) ? null : status,
  };
}

/** Some limits of the account have no code of their own: their text is all there is (claude-code#88711). */
const ACCOUNT_LIMIT = /reached your specified|credit balance is too low|organization.{0,20}on.hold/i;

/** Limits of spending: waiting does not help, somebody has to raise them or pay in. */
const SPENDING_CODES = /spend_limit_reached$|^organization_on_hold$/;

/** An endpoint that gave up waiting for its model: whether that is billed is not documented. */
const GAVE_UP: readonly number[] = [504, 524];

/** An HTTP answer that was no success, with what its body says. A body that is no error of the API is a page of something between. */
export function faultOfStatus(
  status: number,
  retryAfter: string | null,
  nowMs: number,
  detail: ErrorDetail | null = null,
): AgentError {
  const retryAfterSeconds = parseRetryAfter(retryAfter, nowMs);
  const unavailable = (code: string): AgentError =>
    new AgentError('unavailable', code, {
      usage: GAVE_UP.includes(status) ? null : NO_USAGE,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    });
  if (status === 402 || (detail !== null && isSpendingLimit(detail))) return unavailable('model.spending_limit');
  if (status === 429) return unavailable('model.rate_limited');
  if (status === 529) return unavailable('model.overloaded');
  if (status >= 500 || status === 408 || status === 409) return unavailable('model.down');
  if (status === 401) return unavailable('model.key_refused');
  if (status === 403) return unavailable(detail === null ? 'model.down' : 'model.key_refused');
  if (status === 404) return unavailable(detail === null ? 'model.wrong_address' : 'model.no_such_model');
  if (status < 400) return unavailable('model.wrong_address');
  return new AgentError('rejected', 'model.bad_request', { usage: NO_USAGE });
}

function isSpendingLimit({ type, code, message }: ErrorDetail): boolean {
  return type === 'billing_error' || SPENDING_CODES.test(code ?? '') || ACCOUNT_LIMIT.test(message);
}

const STATUS_OF_TYPE: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/** An error inside an HTTP 200 counts as the status that it names, else as 502. */
export function faultOfDetail(detail: ErrorDetail): AgentError {
  return faultOfStatus(detail.status ?? STATUS_OF_TYPE[detail.type] ?? 502, null, 0, detail);
}

/**
 * A call that brought no answer. Where it surely never reached the model nothing was spent; else it may have been.
 * `cause` is kept for a debugger and never logged.
 */
export function faultOfConnection(cause: unknown, timedOut: boolean): AgentError {
  if (neverSent(cause)) return new AgentError('unavailable', 'model.unreachable', { cause, usage: NO_USAGE });
  return new AgentError('unknown', timedOut ? 'model.timeout' : 'model.connection_lost', { cause });
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
