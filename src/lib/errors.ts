/**
 * Three kinds of trouble, and nothing else: a `Refusal` is a value (the customer asked for what cannot be),
 * an `OutsideError` comes from an adapter, a `ConfigError` stops the start. Everything else is a bug.
 */

/** Why a customer's wish is refused; each has its JSON-RPC number (`REFUSAL_ERROR`). */
export type RefusalCode =
  | 'invalid_params'
  | 'not_found'
  | 'bad_state'
  | 'rate_limited'
  | 'too_large'
  | 'out_of_bounds'
  | 'balance_too_low'
  | 'unavailable'
  | 'bad_destination'
  | 'busy'
  | 'already_paid';

/** A polite no: `text` says what happened, what it means for the money, and what to send next. */
export interface Refusal {
  readonly refusal: RefusalCode;
  readonly text: string;
  /** Machine-readable detail for JSON-RPC (`data`); never secrets. */
  readonly data?: Readonly<Record<string, unknown>>;
}

export function refuse(refusal: RefusalCode, text: string, data?: Readonly<Record<string, unknown>>): Refusal {
  return data === undefined ? { refusal, text } : { refusal, text, data };
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'refusal' in value;
}

/**
 * What went wrong outside. `unavailable`: nothing happened there, try later. `rejected`: they said a final no.
 * `unknown`: it may have happened; look it up, never simply do it again.
 */
export type OutsideFault = 'unavailable' | 'rejected' | 'unknown';

/** Thrown by adapters only. `message` is a short code of ours: foreign text goes to `cause`, which is never logged. */
export class OutsideError extends Error {
  readonly fault: OutsideFault;
  readonly retryAfterSeconds: number | undefined;

  constructor(fault: OutsideFault, message: string, options: { cause?: unknown; retryAfterSeconds?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'OutsideError';
    this.fault = fault;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** The configuration is wrong: every mistake at once, so that one edit mends it. The CLI exits 3. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
