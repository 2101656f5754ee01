import { statement, type Reader, type Tx } from '../db/index.ts';
import type { UnixSeconds } from '../lib/units.ts';

export interface NewTask {
  readonly kind: string;
  readonly payload: unknown;
  readonly dueAt: UnixSeconds;
  readonly now: UnixSeconds;
  readonly lane?: string | null;
  /** With a key: a waiting task of that key is moved to this payload and time instead of a second one being made. */
  readonly key?: string;
}

/** Files a task; it runs after the transaction has committed. */
export function schedule(tx: Tx, task: NewTask): void {
  statement(
    tx,
    `INSERT INTO tasks (kind, lane, key, payload, state, due_at, attempt, tries, created_at)
     VALUES (?, ?, ?, ?, 'waiting', ?, 0, 0, ?)
     ON CONFLICT (key) DO UPDATE SET payload = excluded.payload, due_at = excluded.due_at WHERE state = 'waiting'`,
  ).run(task.kind, task.lane ?? null, task.key ?? null, JSON.stringify(task.payload), task.dueAt, task.now);
}

/** Forgets the waiting task of this key, if there is one. */
export function cancelTask(tx: Tx, key: string): void {
  statement(tx, `DELETE FROM tasks WHERE key = ? AND state = 'waiting'`).run(key);
}

/** Makes the waiting task of this key due at `at`, if it would be due later. */
export function hasten(tx: Tx, key: string, at: UnixSeconds): void {
  statement(tx, `UPDATE tasks SET due_at = ? WHERE key = ? AND state = 'waiting' AND due_at > ?`).run(at, key, at);
}

export interface ClaimedRow {
  readonly id: number;
  readonly kind: string;
  readonly payload: string;
  readonly attempt: number;
  readonly tries: number;
  readonly created_at: number;
}

/**
 * Takes the next due task of these kinds whose lane is free: no other of the lane runs, and none before it in the
 * lane is due or has begun. The attempt is counted before it runs, so that a task that kills the process is found out.
 */
export function claim(tx: Tx, kinds: string, now: UnixSeconds): ClaimedRow | undefined {
  return statement(
    tx,
    `UPDATE tasks SET state = 'running', attempt = attempt + 1, tries = tries + 1 WHERE id = (
       SELECT t.id FROM tasks t
       WHERE t.state = 'waiting' AND t.due_at <= @now AND t.kind IN (SELECT value FROM json_each(@kinds))
         AND (t.lane IS NULL OR NOT EXISTS (
           SELECT 1 FROM tasks b WHERE b.lane = t.lane AND b.id <> t.id
             AND (b.state = 'running' OR (b.state = 'waiting' AND b.id < t.id AND (b.due_at <= @now OR b.tries > 0)))))
       ORDER BY t.due_at, t.id LIMIT 1)
     RETURNING id, kind, payload, attempt, tries, created_at`,
  ).get({ now, kinds }) as ClaimedRow | undefined;
}

/** Ends a task. @returns false when it is not ours any more: then nothing may be committed. */
export function finish(tx: Tx, id: number): boolean {
  return statement(tx, `DELETE FROM tasks WHERE id = ? AND state = 'running'`).run(id).changes === 1;
}

export function putBack(
  tx: Tx,
  id: number,
  dueAt: UnixSeconds,
  error: string | null,
  options: { countAttempt: boolean; payload?: unknown },
): void {
  statement(
    tx,
    `UPDATE tasks SET state = 'waiting', due_at = ?, error = ?, attempt = attempt - ?, payload = coalesce(?, payload)
     WHERE id = ? AND state = 'running'`,
  ).run(
    dueAt,
    error,
    options.countAttempt ? 0 : 1,
    options.payload === undefined ? null : JSON.stringify(options.payload),
    id,
  );
}

export function park(tx: Tx, id: number, error: string): void {
  statement(tx, `UPDATE tasks SET state = 'dead', error = ?, key = NULL WHERE id = ? AND state = 'running'`).run(
    error,
    id,
  );
}

/** At start all leases are void: the lock on the data directory proves that nobody holds one. @returns how many there were. */
export function voidLeases(tx: Tx): number {
  return statement(tx, `UPDATE tasks SET state = 'waiting' WHERE state = 'running'`).run().changes;
}

export interface TaskCounts {
  readonly waiting: number;
  readonly running: number;
  readonly dead: number;
}

/** How many tasks there are, of these kinds or of all. */
export function countTasks(reader: Reader, kinds?: readonly string[]): TaskCounts {
  const rows = statement(
    reader,
    `SELECT state, count(*) AS n FROM tasks WHERE @kinds IS NULL OR kind IN (SELECT value FROM json_each(@kinds)) GROUP BY state`,
  ).all({ kinds: kinds === undefined ? null : JSON.stringify(kinds) }) as { state: keyof TaskCounts; n: number }[];
  const counts = { waiting: 0, running: 0, dead: 0 };
  for (const row of rows) counts[row.state] = row.n;
  return counts;
}
