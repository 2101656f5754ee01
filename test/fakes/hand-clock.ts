import type { Clock } from '../../src/lib/clock.ts';
import { unixSeconds } from '../../src/lib/units.ts';

export interface HandClock extends Clock {
  /** Moves time on and runs what fell due, in order. */
  advance(ms: number): void;
  /** Resolves when a timer of exactly this delay has been set. */
  timerSet(delayMs: number): Promise<void>;
}

/** A clock that only a test moves: a time-out happens when the test says so, never because a machine was slow. */
export function createHandClock(startSeconds = 1_800_000_000): HandClock {
  let nowMs = startSeconds * 1000;
  const timers = new Set<{ at: number; delayMs: number; callback: () => void }>();
  const watchers = new Set<{ delayMs: number; resolve: () => void }>();
  return {
    now: () => unixSeconds(Math.floor(nowMs / 1000)),
    monotonicMs: () => nowMs,
    after(delayMs, callback) {
      const timer = { at: nowMs + delayMs, delayMs, callback };
      timers.add(timer);
      for (const watcher of watchers) if (watcher.delayMs === delayMs) watcher.resolve();
      return () => void timers.delete(timer);
    },
    advance(ms) {
      nowMs += ms;
      for (const timer of [...timers].sort((a, b) => a.at - b.at)) {
        if (timer.at > nowMs || !timers.delete(timer)) continue;
        timer.callback();
      }
    },
    timerSet: (delayMs) =>
      new Promise((resolve) => {
        if ([...timers].some((timer) => timer.delayMs === delayMs)) resolve();
        else watchers.add({ delayMs, resolve });
      }),
  };
}
