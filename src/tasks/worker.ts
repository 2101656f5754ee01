import type { Database, Tx } from '../db/index.ts';
import { backoffMs } from '../lib/backoff.ts';
import { withTimeout, type Cancel, type Clock } from '../lib/clock.ts';
import type { ReachCrashPoint } from '../lib/crash-points.ts';
import { OutsideError } from '../lib/errors.ts';
import { errorFields, type Log } from '../lib/log.ts';
import type { Rng } from '../lib/rng.ts';
import { plusSeconds, type UnixSeconds } from '../lib/units.ts';
import { claim, isAnyReady, type ClaimedRow, type Kinds } from './claim.ts';
import { COSTLY, WIDTHS, type Pool } from './pools.ts';
import { finish, park, putBack, voidLeases, type PutBack } from './store.ts';
import { ONE_BY_ONE, RunAgain, type Commit, type LaneRule, type Task, type TaskKind } from './task.ts';

export interface WorkerOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  readonly reach: ReachCrashPoint;
  /** How many tasks of a pool run side by side, where it is not as in `WIDTHS`. */
  readonly width?: Partial<Readonly<Record<Pool, number>>>;
  /** A task was parked: a person should look. */
  readonly onParked: (kind: string, error: string) => void;
}

export interface Worker {
  /** Adds a kind. Before `start` only. */
  // The payload type is the kind's own affair: what it scheduled is what it gets back.
  register<P>(kind: TaskKind<P>): void;
  start(): void;
  /** Looks for due work soon; call after a commit made outside the worker. */
  poke(): void;
  /** Takes no more work, fires the signals of what runs after `graceMs`, and resolves when all has ended. */
  stop(graceMs: number): Promise<void>;
}

const POLL_MS = 1000;

/** A task with the lane it has a place in. */
type Running = Task<unknown> & { readonly lane: string | null };

const laneOf = (kind: TaskKind<unknown>): LaneRule => kind.lane ?? ONE_BY_ONE;
/**
 * The loop that does everything Timmy owes: claim (noted) → act (may be killed anywhere) → commit, together
 * with the task's end, in one transaction. Killed before the commit: it runs again. Killed after: it is done.
 */
export function createWorker(options: WorkerOptions): Worker {
  const { database, clock, rng, log, reach } = options;
  const kinds = new Map<string, TaskKind<unknown>>();
  const width: Readonly<Record<Pool, number>> = { ...WIDTHS, ...options.width };
  const kindsOfPool = new Map<Pool, Map<string, LaneRule>>();
  const running = new Map<number, { done: Promise<void>; abort: () => void }>();
  const busy = new Map<Pool, number>();
  let stopped = true;
  let poked = false;
  let cancelPoll: Cancel = () => {};

  function poke(): void {
    if (stopped || poked) return;
    poked = true;
    queueMicrotask(() => {
      poked = false;
      if (!stopped) fill();
    });
  }

  function fill(): void {
    for (const [pool, of] of kindsOfPool) {
      while ((busy.get(pool) ?? 0) < width[pool]) {
        const row = next(pool, of);
        if (row === undefined) break;
        begin(pool, row);
      }
    }
  }

  function next(pool: Pool, of: Kinds): ClaimedRow | undefined {
    const now = clock.now();
    if (!isAnyReady(database.read, of, now)) return undefined;
    const take = (tx: Tx): ClaimedRow | undefined => claim(tx, of, now);
    return COSTLY.has(pool) ? database.write(take) : database.writeUnsynced(take);
  }

  function begin(pool: Pool, row: ClaimedRow): void {
    const kind = kinds.get(row.kind);
    if (kind === undefined) throw new Error(`no such task kind: ${row.kind}`);
    const task: Running = {
      id: row.id,
      kind: row.kind,
      lane: row.lane,
      payload: JSON.parse(row.payload) as unknown,
      attempt: row.attempt,
      tries: row.tries,
      createdAt: row.created_at as UnixSeconds,
    };
    busy.set(pool, (busy.get(pool) ?? 0) + 1);
    const stop = new AbortController();
    const lease = withTimeout(clock, kind.leaseSeconds * 1000, stop.signal);
    const done = runTask(kind, task, lease.signal).finally(() => {
      lease.done();
      busy.set(pool, (busy.get(pool) ?? 1) - 1);
      running.delete(task.id);
      poke();
    });
    running.set(task.id, { done, abort: () => stop.abort(new Error('stopping')) });
  }

  async function runTask(kind: TaskKind<unknown>, task: Running, signal: AbortSignal): Promise<void> {
    let commit: Commit;
    try {
      reach(`${kind.kind}:acting`);
      if (task.attempt > kind.maxAttempts) throw new Error('crashed too often');
      commit = await kind.run(task, signal);
      reach(`${kind.kind}:acted`);
    } catch (error) {
      return failed(kind, task, error, signal);
    }
    try {
      database.write((tx) => {
        if (finish(tx, task, clock.now())) commit(tx);
      });
    } catch (error) {
      return failed(kind, task, error, signal);
    }
    reach(`${kind.kind}:committed`);
  }

  function failed(kind: TaskKind<unknown>, task: Running, error: unknown, signal: AbortSignal): void {
    const now = clock.now();
    const stepsAside = laneOf(kind).whileRepeated === 'steps_aside';
    const again = (seconds: number, how: Omit<PutBack, 'dueAt' | 'stepsAside'>): void =>
      database.write((tx) => putBack(tx, task, { ...how, dueAt: plusSeconds(now, seconds), stepsAside }, now));
    if (error instanceof RunAgain) {
      return again(error.seconds, { error: null, countAttempt: false, payload: error.payload });
    }
    if (error instanceof OutsideError || (stopped && signal.aborted)) {
      const wait = Math.ceil(backoffMs(task.tries, 1000, 60_000, rng) / 1000);
      const seconds = error instanceof OutsideError ? Math.max(wait, error.retryAfterSeconds ?? 0) : 0;
      log.debug('task.put_back', { kind: kind.kind, task: task.id, seconds, ...errorFields(error) });
      const code = error instanceof OutsideError ? error.message : 'stopping';
      // What our own stop broke off may have cost something outside: it counts. What the outside refused does not.
      return again(seconds, { error: code, countAttempt: !(error instanceof OutsideError) });
    }
    const fields = errorFields(error);
    const code = typeof fields['code'] === 'string' ? fields['code'] : String(fields['error']);
    log.error('task.failed', { kind: kind.kind, task: task.id, attempt: task.attempt, ...fields });
    if (task.attempt >= kind.maxAttempts) {
      try {
        database.write((tx) => {
          park(tx, task, code, now);
          kind.parked?.(tx, task);
        });
      } catch (second) {
        // It must not come back at every start: parked without what was owed for it; a person looks.
        log.error('task.parking_failed', { kind: kind.kind, task: task.id, ...errorFields(second) });
        database.write((tx) => park(tx, task, code, now));
      }
      options.onParked(kind.kind, code);
      return;
    }
    const seconds = Math.ceil(backoffMs(task.attempt, 1000, 300_000, rng) / 1000);
    again(seconds, { error: code, countAttempt: true });
  }

  function poll(): void {
    cancelPoll = clock.after(POLL_MS, () => {
      if (stopped) return;
      fill();
      poll();
    });
  }

  return {
    register: (kind) => {
      if (kinds.has(kind.kind)) throw new Error(`task kind registered twice: ${kind.kind}`);
      kinds.set(kind.kind, kind);
    },
    start: () => {
      for (const kind of kinds.values()) {
        const of = kindsOfPool.get(kind.pool) ?? new Map<string, LaneRule>();
        kindsOfPool.set(kind.pool, of.set(kind.kind, laneOf(kind)));
      }
      const voided = database.write(voidLeases);
      if (voided > 0) log.info('task.leases_voided', { count: voided });
      stopped = false;
      fill();
      poll();
    },
    poke,
    stop: async (graceMs) => {
      stopped = true;
      cancelPoll();
      const cancel = clock.after(graceMs, () => {
        for (const task of running.values()) task.abort();
      });
      await Promise.all([...running.values()].map((task) => task.done));
      cancel();
    },
  };
}
