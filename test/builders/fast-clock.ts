import type { Clock } from '../../src/lib/clock.ts';
import { unixSeconds } from '../../src/lib/units.ts';

export interface FastClock extends Clock {
  /** Unix seconds with fractions, for fakes. */
  seconds(): number;
  /** Lets so many of its seconds pass. */
  pass(seconds: number): Promise<void>;
  /** Moves time on at once: for days in which nothing happens. What fell due meanwhile runs late, as after a sleep. */
  skip(seconds: number): void;
  /** Resolves when `check` holds, looked at before each step. @throws naming `what` when it does not within `seconds`. */
  until(what: string, check: () => boolean, seconds?: number): Promise<void>;
  /** Lets time pass until this has settled, and hands on what came of it. */
  during<T>(what: string, promise: Promise<T>): Promise<T>;
  /** Time stands still while `isBusy` says so: something is between two sockets, where this clock cannot see it. */
  standWhile(isBusy: () => boolean): void;
  stop(): void;
}

/** So many turns of the event loop without a look at the clock, and nothing is left that would go on by itself. */
const QUIET_TURNS = 3;

interface Waiter {
  readonly what: string;
  readonly check: () => boolean;
  readonly endMs: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * A clock that knows no wall: it moves while a test waits for something on it, from one timer straight to the next, and
 * only when nothing is in flight. So a slow machine has no slower time, and nothing times out there that would not on a
 * fast one.
 */
export function createFastClock(startSeconds = 1_800_000_000): FastClock {
  let nowMs = startSeconds * 1000;
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  const waiters = new Set<Waiter>();
  const busy: (() => boolean)[] = [];
  let wasRead = false;
  let isMoving = false;
  let stopped = false;

  function fire(): void {
    const due = [...timers].filter((timer) => timer.at <= nowMs).sort((a, b) => a.at - b.at);
    for (const timer of due) if (timers.delete(timer)) timer.callback();
  }

  /** Resolves when nothing goes on by itself any more. */
  async function settled(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS && !stopped; quiet++) {
      wasRead = false;
      await new Promise((resolve) => setImmediate(resolve));
      if (wasRead || busy.some((isBusy) => isBusy())) quiet = -1;
    }
  }

  /** @returns whether somebody has what they waited for. */
  function answer(): boolean {
    const before = waiters.size;
    for (const waiter of [...waiters]) {
      try {
        if (waiter.check()) waiter.resolve();
        else if (nowMs >= waiter.endMs) waiter.reject(new Error(`not in time: ${waiter.what}`));
        else continue;
      } catch (error) {
        waiter.reject(error instanceof Error ? error : new Error(String(error)));
      }
      waiters.delete(waiter);
    }
    return waiters.size < before;
  }

  async function move(): Promise<void> {
    if (isMoving) return;
    isMoving = true;
    for (;;) {
      await settled();
      if (stopped || waiters.size === 0) break;
      if (answer()) continue;
      const next = [...timers, ...waiters].map((one) => ('at' in one ? one.at : one.endMs));
      nowMs = Math.max(nowMs, Math.min(...next));
      fire();
    }
    isMoving = false;
  }

  const waitFor = (what: string, check: () => boolean, endMs: number): Promise<void> =>
    new Promise((resolve, reject) => {
      waiters.add({ what, check, endMs, resolve, reject });
      void move();
    });
  const until: FastClock['until'] = (what, check, seconds = 600) =>
    waitFor(`${what} (${seconds} s)`, check, nowMs + seconds * 1000);

  return {
    now: () => {
      wasRead = true;
      return unixSeconds(Math.floor(nowMs / 1000));
    },
    seconds: () => nowMs / 1000,
    monotonicMs: () => {
      wasRead = true;
      return nowMs;
    },
    after(delayMs, callback) {
      wasRead = true;
      const timer = { at: nowMs + delayMs, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    pass: (seconds) => {
      const endMs = nowMs + seconds * 1000;
      return waitFor('time', () => nowMs >= endMs, endMs);
    },
    skip: (seconds) => {
      nowMs += seconds * 1000;
    },
    until,
    during: async (what, promise) => {
      let isOver = false;
      const over = (): void => void (isOver = true);
      promise.then(over, over);
      await until(what, () => isOver, 3600);
      return promise;
    },
    standWhile: (isBusy) => void busy.push(isBusy),
    stop: () => {
      stopped = true;
      timers.clear();
      waiters.clear();
    },
  };
}
