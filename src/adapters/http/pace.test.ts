import { expect, test } from 'vitest';
import type { Clock } from '../../lib/clock.ts';
import { unixSeconds } from '../../lib/units.ts';
import { Pace, type Urgency } from './pace.ts';

/** A clock that a test moves. */
function handClock(): Clock & { advance(ms: number): Promise<void> } {
  let nowMs = 0;
  let timers: { at: number; callback: () => void }[] = [];
  return {
    now: () => unixSeconds(0),
    monotonicMs: () => nowMs,
    after: (delayMs, callback) => {
      const timer = { at: nowMs + delayMs, callback };
      timers.push(timer);
      return () => (timers = timers.filter((other) => other !== timer));
    },
    advance: async (ms) => {
      const until = nowMs + ms;
      for (;;) {
        const due = timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        timers = timers.filter((timer) => timer !== due);
        nowMs = due.at;
        due.callback();
      }
      nowMs = until;
      await Promise.resolve();
    },
  };
}

const forever = new AbortController().signal;

test('a burst, then two a second; payments first', async () => {
  const clock = handClock();
  const pace = new Pace('wallet', clock, 2, 3);
  const left: string[] = [];
  const call = (name: string, urgency: Urgency): void => void pace.turn(urgency, forever).then(() => left.push(name));
  for (const name of ['a', 'b', 'c', 'd', 'e']) call(name, 'other');
  call('pay', 'payment');
  await clock.advance(0);
  expect(left).toEqual(['a', 'b', 'c']);
  await clock.advance(500);
  expect(left.slice(3)).toEqual(['pay']);
  await clock.advance(1000);
  expect(left.slice(4)).toEqual(['d', 'e']);
  await clock.advance(60_000);
  expect(left.slice(6)).toEqual([]);
  for (const name of ['f', 'g', 'h', 'i']) call(name, 'other');
  await clock.advance(0);
  expect(left.slice(6)).toEqual(['f', 'g', 'h']);
});

test('who gives up while waiting has sent nothing and takes no turn', async () => {
  const clock = handClock();
  const pace = new Pace('wallet', clock, 2, 1);
  await pace.turn('other', forever);
  const impatient = new AbortController();
  const given = pace.turn('payment', impatient.signal);
  let second = false;
  void pace.turn('other', forever).then(() => (second = true));
  impatient.abort();
  await expect(given).rejects.toMatchObject({ fault: 'unavailable', message: 'wallet.queue' });
  await clock.advance(500);
  expect(second).toBe(true);
});
