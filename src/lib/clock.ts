import type { UnixSeconds } from './units.ts';

/**
 * Time as a port: nothing below `app/` may read the machine's clock or set a timer of its own, so
 * that the whole daemon can run in a simulator under a clock that a test moves.
 */
export interface Clock {
  /** Wall clock, for dates that are stored or sent. May jump. */
  now(): UnixSeconds;
  /** Monotonic milliseconds, for timeouts and durations only. */
  monotonicMs(): number;
  /** Runs `callback` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, callback: () => void): Cancel;
}

export type Cancel = () => void;

/** Resolves after `delayMs`, or at once when `signal` fires; never rejects. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', wake);
      resolve();
    });
    const wake = (): void => {
      cancel();
      resolve();
    };
    signal?.addEventListener('abort', wake, { once: true });
  });
}

/** A signal that fires after `timeoutMs` or with `parent`, whichever comes first. `done` frees the timer. */
export function withTimeout(
  clock: Clock,
  timeoutMs: number,
  parent?: AbortSignal,
): { signal: AbortSignal; done: () => void } {
  const controller = new AbortController();
  const cancel = clock.after(timeoutMs, () => controller.abort(new Error('timeout')));
  const follow = (): void => controller.abort(parent?.reason);
  if (parent?.aborted) follow();
  parent?.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    done: () => {
      cancel();
      parent?.removeEventListener('abort', follow);
    },
  };
}
