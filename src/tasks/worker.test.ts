import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase, settled } from '../../test/builders/fresh-database.ts';
import { createHandClock, type HandClock } from '../../test/fakes/hand-clock.ts';
import type { Database } from '../db/index.ts';
import { noCrashPoints } from '../lib/crash-points.ts';
import { OutsideError } from '../lib/errors.ts';
import { silentLog } from '../lib/log.ts';
import { plusSeconds } from '../lib/units.ts';
import { claim, type NewTask } from './store.ts';
import { cancelTask, countTasks, createWorker, hasten, RunAgain, schedule, type Task, type TaskKind } from './index.ts';

type Run = TaskKind<{ name: string }>['run'];

let database: Database;
let clock: HandClock;
/** What was done, in order of its commits. */
let done: string[];
let parked: string[];

beforeEach(() => {
  database = freshDatabase();
  clock = createHandClock();
  done = [];
  parked = [];
});
afterEach(() => database.close());

const rng = { bytes: (length: number) => new Uint8Array(length) };

function worker(kinds: readonly Partial<TaskKind<{ name: string }>>[], width = 2) {
  const made = createWorker({
    database,
    clock,
    rng,
    log: silentLog,
    reach: noCrashPoints,
    width: { orders: width, deliveries: width, invoices: 1, wallet: width, late: 1, payouts: 1, model: 1 },
    onParked: (kind, error) => parked.push(`${kind}: ${error}`),
  });
  for (const kind of kinds) {
    made.register({
      kind: 'do',
      pool: 'orders',
      leaseSeconds: 30,
      maxAttempts: 3,
      run: async (task: Task<{ name: string }>) => () => void done.push(task.payload.name),
      ...kind,
    });
  }
  return made;
}

function owe(name: string, more: Partial<NewTask> = {}): void {
  const now = clock.now();
  database.write((tx) => schedule(tx, { kind: 'do', payload: { name }, dueAt: now, now, ...more }));
}

/** Goes on in time, second by second, as the worker's own polling does. */
async function wait(seconds: number): Promise<void> {
  await settled();
  for (let second = 0; second < seconds; second++) {
    clock.advance(1000);
    await settled();
  }
}

const rows = (): unknown[] =>
  database.read.$client.prepare("SELECT payload ->> 'name' AS name, state, attempt, tries, error FROM tasks").all();

describe('claiming', () => {
  it('takes what is due, in the order of due time and then of filing', async () => {
    owe('later', { dueAt: plusSeconds(clock.now(), 2) });
    owe('b');
    owe('c');
    owe('a', { dueAt: plusSeconds(clock.now(), -5) });
    worker([{}], 1).start();
    await wait(1);
    expect(done).toEqual(['a', 'b', 'c']);
    await wait(2);
    expect(done).toEqual(['a', 'b', 'c', 'later']);
    expect(rows()).toEqual([]);
  });

  it('runs one of a lane at a time, in order, whatever its due time; others pass it', async () => {
    const gates = new Map<string, () => void>();
    const run: Run = async (task) => {
      if (task.payload.name.startsWith('slow')) {
        await new Promise<void>((resolve) => gates.set(task.payload.name, resolve));
      }
      return () => void done.push(task.payload.name);
    };
    owe('slow1', { lane: 'x' });
    owe('second', { lane: 'x', dueAt: plusSeconds(clock.now(), -9) });
    owe('other', { lane: 'y' });
    const w = worker([{ run }]);
    w.start();
    await wait(2);
    // `second` was due first by time, but `slow1` was filed before it.
    expect(done).toEqual(['other']);
    gates.get('slow1')?.();
    await settled();
    expect(done).toEqual(['other', 'slow1', 'second']);
  });

  it('a task not yet due holds up nobody in its lane, one that is being repeated does', async () => {
    let failures = 1;
    const run: Run = async (task) => {
      if (task.payload.name === 'fails once' && failures-- > 0) throw new RunAgain(5);
      return () => void done.push(task.payload.name);
    };
    owe('tomorrow', { lane: 'x', dueAt: plusSeconds(clock.now(), 86_400) });
    owe('fails once', { lane: 'x' });
    owe('after it', { lane: 'x' });
    worker([{ run }]).start();
    await wait(3);
    expect(done).toEqual([]);
    await wait(3);
    expect(done).toEqual(['fails once', 'after it']);
  });

  it('fills each pool by itself', async () => {
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    const held: Run = async (task) => {
      await gate;
      return () => void done.push(task.payload.name);
    };
    owe('m1', { kind: 'think' });
    owe('m2', { kind: 'think' });
    owe('o1');
    owe('o2');
    worker([{}, { kind: 'think', pool: 'model', run: held }]).start();
    await settled();
    expect(done).toEqual(['o1', 'o2']);
    expect(countTasks(database.read)).toEqual({ waiting: 1, running: 1, dead: 0 });
    open();
    await settled();
    expect(done).toEqual(['o1', 'o2', 'm1', 'm2']);
  });

  it('never gives one task to two workers', () => {
    for (let n = 0; n < 20; n++) owe(String(n), { lane: n % 2 === 0 ? null : `lane ${n % 5}` });
    const taken = new Set<number>();
    for (;;) {
      const row = database.write((tx) => claim(tx, '["do"]', clock.now()));
      if (row === undefined) break;
      expect(taken.has(row.id)).toBe(false);
      taken.add(row.id);
    }
    // Ten without a lane, and one of each of five lanes.
    expect(taken.size).toBe(15);
  });
});

describe('keys', () => {
  it('one waiting task for each: scheduled again, it moves', async () => {
    owe('first', { key: 'k', dueAt: plusSeconds(clock.now(), 100) });
    owe('second', { key: 'k', dueAt: plusSeconds(clock.now(), 2) });
    worker([{}]).start();
    await wait(3);
    expect(done).toEqual(['second']);
  });

  it('can be cancelled and hastened while it waits; hastened never means later', async () => {
    const at = plusSeconds(clock.now(), 50);
    owe('cancelled', { key: 'c', dueAt: at });
    owe('hastened', { key: 'h', dueAt: at });
    owe('soon', { key: 's', dueAt: plusSeconds(clock.now(), 1) });
    database.write((tx) => {
      cancelTask(tx, 'c');
      hasten(tx, 'h', clock.now());
      hasten(tx, 's', at);
    });
    worker([{}]).start();
    await wait(2);
    expect(done).toEqual(['hastened', 'soon']);
    expect(rows()).toEqual([]);
  });

  it('a task can file its own successor in its commit', async () => {
    const run: Run = async (task) => (tx) => {
      done.push(task.payload.name);
      const now = clock.now();
      const next = { kind: 'do', payload: { name: 'again' }, key: 'k', dueAt: plusSeconds(now, 1), now };
      if (done.length < 3) schedule(tx, next);
    };
    owe('first', { key: 'k' });
    worker([{ run }]).start();
    await wait(4);
    expect(done).toEqual(['first', 'again', 'again']);
  });
});

describe('what goes wrong', () => {
  it('RunAgain keeps attempts, counts tries, and may replace the payload', async () => {
    const seen: Task<{ name: string }>[] = [];
    const run: Run = async (task) => {
      seen.push(task);
      if (seen.length < 5) throw new RunAgain(1, { name: `${task.payload.name}.` });
      return () => void done.push(task.payload.name);
    };
    owe('x');
    worker([{ run }]).start();
    await wait(6);
    expect(done).toEqual(['x....']);
    expect(seen.map((task) => [task.attempt, task.tries])).toEqual([1, 2, 3, 4, 5].map((tries) => [1, tries]));
  });

  it('trouble outside keeps attempts too, backs off, and waits as long as it was told to', async () => {
    let runs = 0;
    const run: Run = async () => {
      if (runs++ === 0) throw new OutsideError('unavailable', 'wallet.down', { retryAfterSeconds: 20 });
      return () => void done.push('x');
    };
    owe('x');
    worker([{ run, maxAttempts: 1 }]).start();
    await wait(1);
    expect(rows()).toEqual([{ name: 'x', state: 'waiting', attempt: 0, tries: 1, error: 'wallet.down' }]);
    await wait(18);
    expect(done).toEqual([]);
    await wait(2);
    expect(done).toEqual(['x']);
  });

  it('a bug is tried again, then parked with what is owed for it, and the operator told', async () => {
    const run: Run = async () => {
      throw new TypeError('a bug');
    };
    const onParking: TaskKind<{ name: string }>['parked'] = (tx, task) => {
      done.push(`parked ${task.payload.name}`);
      schedule(tx, { kind: 'do', payload: { name: 'apology' }, dueAt: clock.now(), now: clock.now() });
    };
    owe('x', { key: 'k' });
    worker([{ run, parked: onParking }]).start();
    await wait(10);
    expect(done[0]).toBe('parked x');
    expect(parked[0]).toBe('do: TypeError');
    expect(rows()[0]).toEqual({ name: 'x', state: 'dead', attempt: 3, tries: 3, error: 'TypeError' });
  });

  it('a bug in the parking itself parks all the same', async () => {
    const broken = (): never => {
      throw new Error('a second bug');
    };
    owe('x');
    owe('y');
    const run: Run = async (task) => {
      if (task.payload.name === 'x') throw new Error('a bug');
      return () => void done.push('y');
    };
    worker([{ run, parked: broken, maxAttempts: 1 }]).start();
    await wait(1);
    expect(rows()).toMatchObject([{ name: 'x', state: 'dead' }]);
    expect(done).toEqual(['y']);
    expect(parked).toEqual(['do: Error']);
  });

  it('a dead letter frees its lane and its key', async () => {
    const run: Run = async (task) => {
      if (task.payload.name === 'x') throw new Error('a bug');
      return () => void done.push(task.payload.name);
    };
    owe('x', { lane: 'l', key: 'k' });
    owe('y', { lane: 'l' });
    worker([{ run, maxAttempts: 1 }]).start();
    await wait(1);
    owe('z', { key: 'k' });
    await wait(1);
    expect(done).toEqual(['y', 'z']);
  });

  it('a commit that throws leaves nothing behind and runs again', async () => {
    let runs = 0;
    const run: Run = async () => (tx) => {
      const now = clock.now();
      schedule(tx, { kind: 'do', payload: { name: 'made twice?' }, key: 'made', dueAt: plusSeconds(now, 999), now });
      if (++runs < 3) throw new Error('constraint');
      done.push('committed');
    };
    owe('x');
    worker([{ run }]).start();
    await settled();
    expect(rows()).toEqual([{ name: 'x', state: 'waiting', attempt: 1, tries: 1, error: 'Error' }]);
    await wait(10);
    expect(done).toEqual(['committed']);
    expect(rows()).toMatchObject([{ name: 'made twice?' }]);
  });

  it('a run that died with its process counts; the task that kills it every time is parked unrun', async () => {
    owe('poison');
    for (let crash = 1; crash <= 3; crash++) {
      // Claimed, and then the process was gone: the row is as it was left.
      expect(database.write((tx) => claim(tx, '["do"]', clock.now()))?.attempt).toBe(crash);
      database.write((tx) => tx.$client.exec(`UPDATE tasks SET state = 'waiting'`));
    }
    worker([{}]).start();
    await wait(1);
    expect(done).toEqual([]);
    expect(rows()).toMatchObject([{ name: 'poison', state: 'dead' }]);
  });

  it('at start, leases of the dead are void', async () => {
    owe('left running');
    database.write((tx) => claim(tx, '["do"]', clock.now()));
    worker([{}]).start();
    await settled();
    expect(done).toEqual(['left running']);
  });

  it('the signal fires when the lease ends', async () => {
    const run: Run = (_task, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new OutsideError('unknown', 'timed.out')), { once: true });
      });
    owe('x');
    worker([{ run, leaseSeconds: 3 }]).start();
    await wait(2);
    expect(countTasks(database.read, ['do']).running).toBe(1);
    await wait(1);
    expect(rows()).toMatchObject([{ state: 'waiting', error: 'timed.out' }]);
  });
});

describe('stopping', () => {
  it('takes no more, lets the running one finish', async () => {
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    const run: Run = async (task) => {
      await gate;
      return () => void done.push(task.payload.name);
    };
    owe('a');
    owe('b');
    const w = worker([{ run }], 1);
    w.start();
    const stopped = w.stop(5000);
    open();
    await stopped;
    expect(done).toEqual(['a']);
    expect(rows()).toMatchObject([{ name: 'b', state: 'waiting', attempt: 0 }]);
  });

  it('fires the signals after the grace; what is broken off is due at once, and counts', async () => {
    const run: Run = (_task, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('broken off')), { once: true });
      });
    owe('a');
    const w = worker([{ run }]);
    w.start();
    const stopped = w.stop(5000);
    await settled();
    clock.advance(5000);
    await stopped;
    // It may have cost something outside, so it is a run like any other.
    expect(rows()).toEqual([{ name: 'a', state: 'waiting', attempt: 1, tries: 1, error: 'stopping' }]);
  });
});
