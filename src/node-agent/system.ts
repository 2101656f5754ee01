import { randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { ReachCrashPoint } from '../lib/crash-points.ts';
import type { Log, LogFields } from '../lib/log.ts';
import type { Rng } from '../lib/rng.ts';
import { unixSeconds } from '../lib/units.ts';

/** The machine's own clock: the one place of the agent that reads it. */
export const systemClock: Clock = {
  now: () => unixSeconds(Math.floor(Date.now() / 1000)),
  monotonicMs: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, Math.min(delayMs, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};

export const systemRng: Rng = { bytes: (length) => new Uint8Array(randomBytes(length)) };

/** One line for each event, for the journal, which adds the time: `level event key=value …`. */
export function journal(write: (line: string) => void): Log {
  const say =
    (level: string) =>
    (event: string, fields: LogFields = {}): void => {
      const said = Object.entries(fields).filter(([, value]) => value !== undefined);
      write(`${[level, event, ...said.map(([key, value]) => `${key}=${JSON.stringify(value)}`)].join(' ')}\n`);
    };
  return { debug() {}, info: say('info'), warn: say('warn'), error: say('error') };
}

/** Kills this process (SIGKILL) when a test's point (`name` or `name#n`) is reached for the n-th time. Unset: nothing. */
export function crashPoints(wish: string | undefined): ReachCrashPoint {
  if (wish === undefined) return () => {};
  const [name, times] = wish.split('#');
  let left = Number(times ?? 1);
  return (point) => {
    if (point !== name) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
  };
}
