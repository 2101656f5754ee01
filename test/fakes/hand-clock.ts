import type { MachineClock } from '../../src/lib/steady-clock.ts';
import { unixSeconds } from '../../src/lib/units.ts';

export interface HandClock extends MachineClock {
  /** Moves time on and runs what fell due, in order. */
  advance(ms: number): void;
  /** Somebody sets the wall clock: it jumps, and no time passes. */
  stepWall(seconds: number): void;
  /** The machine sleeps: time passes, but not for the monotonic clock and not for timers. */
  sleepMachine(seconds: number): void;
  /** Resolves when a timer of exactly this delay has been set. */
  timerSet(delayMs: number): Promise<void>;
}

/** A clock that only a test moves: a time-out happens when the test says so, never because a machine was slow. */
export function createHandClock(startSeconds = 1_800_000_000): HandClock {
  let nowMs = startSeconds * 1000;
  let steppedMs = 0;
  let sleptMs = 0;
  const timers = new Set<{ at: number; delayMs: number; callback: () => void }>();
  const watchers = new Set<{ delayMs: number; resolve: () => void }>();
  return {
    now: () => unixSeconds(Math.floor((nowMs + steppedMs + sleptMs) / 1000)),
    monotonicMs: () => nowMs,
    uptimeMs: () => nowMs + sleptMs,
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
    stepWall: (seconds) => void (steppedMs += seconds * 1000),
    sleepMachine: (seconds) => void (sleptMs += seconds * 1000),
    timerSet: (delayMs) =>
      new Promise((resolve) => {
        if ([...timers].some((timer) => timer.delayMs === delayMs)) resolve();
        else watchers.add({ delayMs, resolve });
      }),
  };
}
