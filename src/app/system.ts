import { randomBytes } from 'node:crypto';
import type { ReachCrashPoint } from '../lib/crash-points.ts';
import type { Rng } from '../lib/rng.ts';
import type { MachineClock } from '../lib/steady-clock.ts';
import { unixSeconds } from '../lib/units.ts';
import { appendFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** The machine's own clock. The one place of the daemon that reads it. */
export const systemClock: MachineClock = {
  now: () => unixSeconds(Math.floor(Date.now() / 1000)),
  monotonicMs: () => performance.now(),
  after: (delayMs, callback) => {
    // Node counts at most 2^31 ms; nobody here waits longer than days.
    const timer = setTimeout(callback, Math.min(delayMs, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
  uptimeMs,
};

/**
 * Counts sleep, other than the monotonic clock: `/proc/uptime`, and CLOCK_BOOTTIME in whole seconds where our unit hides
 * that file (`ProcSubset=pid`). Null: the system does not say, and a sleep is seen as a step.
 */
function uptimeMs(): number | null {
  try {
    return uptime() * 1000;
  } catch {
    return null;
  }
}

export const systemRng: Rng = { bytes: (length) => new Uint8Array(randomBytes(length)) };

/**
 * The crash points of tests (`TIMMY_CRASH_AT`): `name` or `name#n` kills this process (SIGKILL) when the point is
 * reached (for the n-th time); `record:FILE` notes every point as it is reached first. Unset: nothing.
 */
export function crashPoints(wish: string | undefined): ReachCrashPoint {
  if (wish === undefined) return () => {};
  const recorded = /^record:(.+)$/.exec(wish)?.[1];
  if (recorded !== undefined) {
    const seen = new Set<string>();
    return (point) => {
      if (seen.has(point)) return;
      seen.add(point);
      appendFileSync(recorded, `${point}\n`);
    };
  }
  const match = /^(.+?)(?:#(\d+))?$/.exec(wish);
  const name = match?.[1] ?? wish;
  let left = Number(match?.[2] ?? 1);
  return (point) => {
    if (point !== name) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
  };
}
