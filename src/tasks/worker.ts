import type { Database, Tx } from '../db/index.ts';
import { backoffMs } from '../lib/backoff.ts';
import { withTimeout, type Cancel, type Clock } from '../lib/clock.ts';
import type { ReachCrashPoint } from '../lib/crash-points.ts';
import { OutsideError } from '../lib/errors.ts';
import { errorFields, type Log } from '../lib/log.ts';
import type { Rng } from '../lib/rng.ts';
import { plusSeconds, type UnixSeconds } from '../lib/units.ts';
import { claim, finish, park, putBack, voidLeases, type ClaimedRow } from './store.ts';
import { RunAgain, type Commit, type Pool, type Task, type TaskKind } from './task.ts';

export interface WorkerOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  readonly reach: ReachCrashPoint;
  /** How many tasks of each pool run side by side. */
  readonly width: Readonly<Record<Pool, number>>;
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
/**
 * What is begun there may cost money when it is begun again: the count of attempts must survive a power cut. Elsewhere
 * a lost claim only means that the task is still waiting, and each hop of a message waits for the disk once, not twice.
 */
const COSTLY: ReadonlySet<Pool> = new Set<Pool>(['payouts', 'model']);

/**
 * The loop that does everything Timmy owes: claim (noted) → act (may be killed anywhere) → commit, together
 * with the task's end, in one transaction. Killed before the commit: it runs again. Killed after: it is done.
 */
export function createWorker(options: WorkerOptions): Worker {
  const { database, clock, rng, log, reach } = options;
  const kinds = new Map<string, TaskKind<unknown>>();
  const kindsOfPool = new Map<Pool, string>();
  const running = new Map<number, { done: Promise<void>; abort: () => void }>();
  const busy: Record<Pool, number> = {
    orders: 0,
    deliveries: 0,
    invoices: 0,
    wallet: 0,
    late: 0,
    payouts: 0,
    model: 0,
  };
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
    for (const [pool, names] of kindsOfPool) {
      while (busy[pool] < options.width[pool]) {
        const take = (tx: Tx): ClaimedRow | undefined => claim(tx, names, clock.now());
        const row = COSTLY.has(pool) ? database.write(take) : database.writeUnsynced(take);
        if (row === undefined) break;
        begin(pool, row);
      }
    }
  }

  function begin(pool: Pool, row: ClaimedRow): void {
    const kind = kinds.get(row.kind);
    if (kind === undefined) throw new Error(`no such task kind: ${row.kind}`);
    const task: Task<unknown> = {
      id: row.id,
      kind: row.kind,
      payload: JSON.parse(row.payload) as unknown,
      attempt: row.attempt,
      tries: row.tries,
      createdAt: row.created_at as UnixSeconds,
    };
    busy[pool] += 1;
    const stop = new AbortController();
    const lease = withTimeout(clock, kind.leaseSeconds * 1000, stop.signal);
    const done = runTask(kind, task, lease.signal).finally(() => {
      lease.done();
      busy[pool] -= 1;
      running.delete(task.id);
      poke();
    });
    running.set(task.id, { done, abort: () => stop.abort(new Error('stopping')) });
  }

  async function runTask(kind: TaskKind<unknown>, task: Task<unknown>, signal: AbortSignal): Promise<void> {
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
        if (finish(tx, task.id)) commit(tx);
      });
    } catch (error) {
      return failed(kind, task, error, signal);
    }
    reach(`${kind.kind}:committed`);
  }

  function failed(kind: TaskKind<unknown>, task: Task<unknown>, error: unknown, signal: AbortSignal): void {
    const now = clock.now();
    if (error instanceof RunAgain) {
      const options = { countAttempt: false, payload: error.payload };
      return database.write((tx) => putBack(tx, task.id, plusSeconds(now, error.seconds), null, options));
    }
    if (error instanceof OutsideError || (stopped && signal.aborted)) {
      const wait = Math.ceil(backoffMs(task.tries, 1000, 60_000, rng) / 1000);
      const seconds = error instanceof OutsideError ? Math.max(wait, error.retryAfterSeconds ?? 0) : 0;
      log.debug('task.put_back', { kind: kind.kind, task: task.id, seconds, ...errorFields(error) });
      const code = error instanceof OutsideError ? error.message : 'stopping';
      // What our own stop broke off may have cost something outside: it counts. What the outside refused does not.
      const countAttempt = !(error instanceof OutsideError);
      return database.write((tx) => putBack(tx, task.id, plusSeconds(now, seconds), code, { countAttempt }));
    }
    const fields = errorFields(error);
    const code = typeof fields['code'] === 'string' ? fields['code'] : String(fields['error']);
    log.error('task.failed', { kind: kind.kind, task: task.id, attempt: task.attempt, ...fields });
    if (task.attempt >= kind.maxAttempts) {
      try {
        database.write((tx) => {
          park(tx, task.id, code);
          kind.parked?.(tx, task);
        });
      } catch (second) {
        // It must not come back at every start: parked without what was owed for it; a person looks.
        log.error('task.parking_failed', { kind: kind.kind, task: task.id, ...errorFields(second) });
        database.write((tx) => park(tx, task.id, code));
      }
      options.onParked(kind.kind, code);
      return;
    }
    const seconds = Math.ceil(backoffMs(task.attempt, 1000, 300_000, rng) / 1000);
    database.write((tx) => putBack(tx, task.id, plusSeconds(now, seconds), code, { countAttempt: true }));
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
      const pools = new Map<Pool, string[]>();
      for (const kind of kinds.values()) pools.set(kind.pool, [...(pools.get(kind.pool) ?? []), kind.kind]);
      for (const [pool, names] of pools) kindsOfPool.set(pool, JSON.stringify(names));
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
