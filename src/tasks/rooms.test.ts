import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase, settled } from '../../test/builders/fresh-database.ts';
import { createHandClock, type HandClock } from '../../test/fakes/hand-clock.ts';
import type { Database } from '../db/index.ts';
import { noCrashPoints } from '../lib/crash-points.ts';
import { silentLog } from '../lib/log.ts';
import { countTasks, createWorker, schedule, WIDTHS, type Pool, type Worker } from './index.ts';

const POOLS = Object.keys(WIDTHS) as Pool[];
const FLOOD = 200;

let database: Database;
let clock: HandClock;
let worker: Worker;
let done: string[];

/** A kind for each pool that works at once, and one that never ends before its lease does. */
beforeEach(() => {
  database = freshDatabase();
  clock = createHandClock();
  done = [];
  const rng = { bytes: (length: number) => new Uint8Array(length) };
  worker = createWorker({
    database,
    clock,
    rng,
    log: silentLog,
    reach: noCrashPoints,
    onParked: (kind) => done.push(`parked ${kind}`),
  });
  for (const pool of POOLS) {
    const room = {
      pool,
      leaseSeconds: 60,
      maxAttempts: Infinity,
      lane: { width: 2, whileRepeated: 'steps_aside' },
    } as const;
    worker.register<string>({
      ...room,
      kind: `${pool}.quick`,
      run: async (task) => () => void done.push(task.payload),
    });
    worker.register<string>({
      ...room,
      kind: `${pool}.endless`,
      run: (_task, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('lease over')), { once: true });
        }),
    });
  }
});

afterEach(async () => {
  const stopped = worker.stop(0);
  await settled();
  clock.advance(1);
  await stopped;
  database.close();
});

function owe(kind: string, name: string, lane: string | null = null): void {
  const now = clock.now();
  database.write((tx) => schedule(tx, { kind, payload: name, lane, dueAt: now, now }));
}

async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    clock.advance(1000);
    await settled();
  }
}

describe.each(POOLS)('%s full of what never ends', (flooded) => {
  it('takes nothing of the others: they go on at once', async () => {
    for (let n = 0; n < FLOOD; n++) owe(`${flooded}.endless`, `e${n}`);
    worker.start();
    await settled();
    expect(countTasks(database.read)).toMatchObject({ running: WIDTHS[flooded] });
    const others = POOLS.filter((pool) => pool !== flooded);
    for (const pool of others) owe(`${pool}.quick`, pool);
    worker.poke();
    await pass(1);
    expect(done.toSorted()).toEqual(others.toSorted());
  });

  it('goes on itself, a lease at a time, where its tasks end with their lease', async () => {
    owe(`${flooded}.endless`, 'e');
    worker.start();
    await settled();
    for (let n = 0; n < WIDTHS[flooded]; n++) owe(`${flooded}.quick`, `q${n}`);
    await pass(62);
    expect(done).toHaveLength(WIDTHS[flooded]);
  });
});

describe('one customer who floods a room that is shared', () => {
  const shared = POOLS.filter((pool) => WIDTHS[pool] > 2);

  it.each(shared)('has a share of %s, and the next one is served at once', async (pool) => {
    worker.start();
    for (let n = 0; n < FLOOD; n++) owe(`${pool}.endless`, `e${n}`, 'flooder');
    worker.poke();
    await pass(3);
    expect(countTasks(database.read)).toMatchObject({ running: 2 });
    owe(`${pool}.quick`, 'honest', 'honest');
    worker.poke();
    await settled();
    expect(done).toEqual(['honest']);
  });

  it('takes turns with the next one where theirs are quick: a queue is not all before who comes later', async () => {
    for (let n = 0; n < FLOOD; n++) owe('intake.quick', `f${n}`, `flooder ${n % 40}`);
    owe('intake.quick', 'honest', 'honest');
    worker.start();
    await settled();
    await pass(1);
    expect(done).toHaveLength(FLOOD + 1);
    // After the first two of each of 40 lanes, not after all of them.
    expect(done.indexOf('honest')).toBeLessThan(FLOOD / 2);
  });
});
