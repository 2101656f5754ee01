import type { Clock } from '../../lib/clock.ts';
import { OutsideError } from '../../lib/errors.ts';
import { RunAgain } from '../../tasks/index.ts';

/** How often a call to the model may be repeated. */
export interface ModelCallRules {
  readonly clock: Clock;
  /** `MODEL_RETRY_SECONDS`: refusals before work are repeated for so long after the first one. */
  readonly retrySeconds: number;
}

export interface CallRun {
  /** Calls begun that may have cost tokens, this one included. */
  readonly attempt: number;
  readonly tries: number;
  /** What the run before wanted remembered. */
  readonly memory: unknown;
}

export type CallResult<T> = { readonly done: T } | { readonly failed: string };

/** Calls that may have cost tokens, at most. */
const MAX_ATTEMPTS = 2;
const RETRY_WAITS = [1, 2, 4, 8, 15];

/** What a refused call wants remembered. Time in our own queue, and time we were down, are in neither part of it. */
interface Refused {
  /** So long we have tried: the calls themselves, and the waits between them that we asked for. Milliseconds. */
  readonly triedMs: number;
}

/**
 * One call under the rules: an attempt is a call that may have cost tokens, two at most; a refusal before work is no
 * attempt and is repeated with backoff until the time is over. An answer that will not get better is not asked twice.
 *
 * @throws RunAgain to be called again later.
 */
export async function callModel<T>(
  rules: ModelCallRules,
  run: CallRun,
  call: () => Promise<T>,
): Promise<CallResult<T>> {
  if (run.attempt > MAX_ATTEMPTS) return { failed: 'model.lost' };
  const startedMs = rules.clock.monotonicMs();
  try {
    return { done: await call() };
  } catch (error) {
    if (!(error instanceof OutsideError)) throw error;
    if (error.fault === 'unavailable') {
      const later = again(rules, run, error, rules.clock.monotonicMs() - startedMs);
      if (later === null) return { failed: 'model.unavailable' };
      throw later;
    }
    const final = error.message === 'model.refused' || error.message === 'model.bad_request';
    if (final || run.attempt >= MAX_ATTEMPTS) return { failed: error.message };
    // A plain error keeps the attempt counted; the worker repeats it.
    throw new AttemptLost(error.message);
  }
}

/** An attempt that may have cost tokens came to nothing: the task is put back with the attempt counted. */
export class AttemptLost extends Error {
  constructor(code: string) {
    super(code);
    this.name = 'AttemptLost';
  }
}

/** When to try again, or null when the time is over. */
function again(rules: ModelCallRules, run: CallRun, error: OutsideError, tookMs: number): RunAgain | null {
  const before = isRefused(run.memory) ? run.memory.triedMs : null;
  // The time begins with the first refusal.
  const triedMs = before === null ? 0 : before + tookMs;
  const leftSeconds = rules.retrySeconds - triedMs / 1000;
  if (leftSeconds <= 0) return null;
  const wanted = Math.max(RETRY_WAITS[run.tries - 1] ?? 15, error.retryAfterSeconds ?? 0);
  const wait = Math.max(1, Math.min(wanted, Math.ceil(leftSeconds)));
  return new RunAgain(wait, { triedMs: triedMs + wait * 1000 } satisfies Refused);
}

function isRefused(memory: unknown): memory is Refused {
  return typeof memory === 'object' && memory !== null && 'triedMs' in memory && typeof memory.triedMs === 'number';
}
