import fc from 'fast-check';
import { expect, it } from 'vitest';
import { freshDatabase, settled } from '../../test/builders/fresh-database.ts';
import { createHandClock } from '../../test/fakes/hand-clock.ts';
import { noCrashPoints } from '../lib/crash-points.ts';
import { silentLog } from '../lib/log.ts';
import { createSteadyClock } from '../lib/steady-clock.ts';
import { plusSeconds, unixSeconds } from '../lib/units.ts';
import { createWorker, putBackDueDates, schedule } from './index.ts';

const DAY = 86_400;

it('a clock put back leaves every wait as long as it was, and what is first, first', () => {
  const database = freshDatabase();
  const now = unixSeconds(1_800_000_000);
  const file = (key: string, dueAt: number): void =>
    database.write((tx) => schedule(tx, { kind: 'k', payload: {}, key, dueAt: unixSeconds(dueAt), now }));
  file('soon', now + 60);
  file('late', now - 60);
  file('first', 0);
  database.write((tx) => putBackDueDates(tx, DAY, plusSeconds(now, -DAY)));
  const rows = database.read.$client.prepare('SELECT key, due_at, created_at FROM tasks ORDER BY due_at').raw().all();
  const back = now - DAY;
  expect(rows).toEqual([
    ['first', 0, back],
    ['late', back - 60, back],
    ['soon', back + 60, back],
  ]);
  database.close();
});

it('under any steps and sleeps each task runs once: not before its time, and put off by sleep alone', async () => {
  const action = fc.oneof(
    fc.record({ type: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 30 }) }),
    fc.record({ type: fc.constant('sleep' as const), seconds: fc.constantFrom(10, 3600, 20 * DAY) }),
    fc.record({
      type: fc.constant('step' as const),
      seconds: fc.constantFrom(400, -400, 20 * DAY, -20 * DAY),
    }),
  );
  const waits = fc.array(fc.integer({ min: 0, max: 120 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 20 }), waits, async (actions, dues) => {
      const database = freshDatabase();
      const machine = createHandClock();
      const clock = createSteadyClock(machine);
      const elapsed = (): number => Math.floor(machine.uptimeMs?.() ?? 0) / 1000 - 1_800_000_000;
      const runs: { due: number; at: number }[] = [];
      /** The machine slept until then: what fell due in between runs then. */
      const wakes: { from: number; to: number }[] = [];
      const worker = createWorker({
        database,
        clock,
        rng: { bytes: (length) => new Uint8Array(length) },
        log: silentLog,
        reach: noCrashPoints,
        width: { orders: 4, model: 1 },
        onParked: () => {},
      });
      worker.register<{ due: number }>({
        kind: 'do',
        pool: 'orders',
        leaseSeconds: 30,
        maxAttempts: 1,
        run: ({ payload }) => Promise.resolve(() => void runs.push({ due: payload.due, at: elapsed() })),
      });
      const start = clock.now();
      database.write((tx) => {
        for (const due of dues)
          schedule(tx, { kind: 'do', payload: { due }, dueAt: plusSeconds(start, due), now: start });
      });
      worker.start();
      const pass = async (seconds: number): Promise<void> => {
        for (let second = 0; second < seconds; second++) {
          machine.advance(1000);
          clock.observe(() => {});
          await settled();
        }
      };
      let stepped = 0;
      for (const one of actions) {
        if (one.type === 'pass') await pass(one.seconds);
        else if (one.type === 'sleep') {
          const from = elapsed();
          machine.sleepMachine(one.seconds);
          wakes.push({ from, to: elapsed() });
        } else {
          // Set wrong, and right again at the next turn: it never stands for ten minutes.
          machine.stepWall(stepped === 0 ? one.seconds : -stepped);
          stepped = stepped === 0 ? one.seconds : 0;
        }
      }
      await pass(130);
      const stopped = worker.stop(1000);
      await stopped;
      expect(runs.map(({ due }) => due).sort((a, b) => a - b)).toEqual([...dues].sort((a, b) => a - b));
      for (const { due, at } of runs) {
        expect(at).toBeGreaterThanOrEqual(due - 1);
        let latest = due;
        for (const { from, to } of wakes) if (from <= latest + 2 && to > latest) latest = to;
        expect(at).toBeLessThanOrEqual(latest + 3);
      }
      database.close();
    }),
    { numRuns: 25 },
  );
});
