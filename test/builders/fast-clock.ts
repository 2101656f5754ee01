import type { Clock } from '../../src/lib/clock.ts';
import { unixSeconds } from '../../src/lib/units.ts';

export interface FastClock extends Clock {
  /** Unix seconds with fractions, for fakes. */
  seconds(): number;
  /** Lets so many of its seconds pass. */
  pass(seconds: number): Promise<void>;
  /** Moves time on at once: for days in which nothing happens. What fell due meanwhile runs late, as after a sleep. */
  skip(seconds: number): void;
  /** Resolves when `check` holds, looked at with every tick. @throws naming `what` when it does not within `seconds`. */
  until(what: string, check: () => boolean, seconds?: number): Promise<void>;
  stop(): void;
}

const TICK_REAL_MS = 1;

/**
 * A clock that runs about two hundred times faster than the wall's, and not by it: each tick is one turn of the event
 * loop. Where the machine is slow, its time is slow as well, so that nothing times out that would not on a fast one.
 */
export function createFastClock(tickMs = 240, startSeconds = 1_800_000_000): FastClock {
  let nowMs = startSeconds * 1000;
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  const watchers = new Set<() => void>();

  function moveOn(ms: number): void {
    nowMs += ms;
    const due = [...timers].filter((timer) => timer.at <= nowMs).sort((a, b) => a.at - b.at);
    for (const timer of due) if (timers.delete(timer)) timer.callback();
    for (const look of [...watchers]) look();
  }
  let stopped = false;
  const tick = (): void => {
    moveOn(tickMs);
    if (!stopped) setTimeout(tick, TICK_REAL_MS);
  };
  setTimeout(tick, TICK_REAL_MS);

  const until: FastClock['until'] = (what, check, seconds = 600) => {
    const end = nowMs + seconds * 1000;
    return new Promise((resolve, reject) => {
      const look = (): void => {
        try {
          if (check()) resolve();
          else if (nowMs >= end) reject(new Error(`not within ${seconds} s: ${what}`));
          else return;
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
        watchers.delete(look);
      };
      watchers.add(look);
      look();
    });
  };
  return {
    now: () => unixSeconds(Math.floor(nowMs / 1000)),
    seconds: () => nowMs / 1000,
    monotonicMs: () => nowMs,
    after(delayMs, callback) {
      const timer = { at: nowMs + delayMs, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    pass: async (seconds) => {
      const end = nowMs + seconds * 1000;
      await until('time', () => nowMs >= end, seconds + 1);
    },
    skip: (seconds) => moveOn(seconds * 1000),
    until,
    stop: () => {
      stopped = true;
      timers.clear();
      watchers.clear();
    },
  };
}
