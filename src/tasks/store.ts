import { statement, type Reader, type Tx } from '../db/index.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { release } from './claim.ts';

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
  const { lane = null, key = null, dueAt, now } = task;
  const payload = JSON.stringify(task.payload);
  if (key !== null && moveTask(tx, key, payload, dueAt, now)) return;
  statement(
    tx,
    `INSERT INTO tasks (kind, lane, key, payload, state, due_at, turn, attempt, tries, created_at)
     VALUES (?, ?, ?, ?, 'waiting', ?, coalesce((SELECT seq + 1 FROM sqlite_sequence WHERE name = 'tasks'), 1), 0, 0, ?)
     ON CONFLICT (key) DO NOTHING`,
  ).run(task.kind, lane, key, payload, dueAt, now);
}

/** @returns false when no task of this key waits. */
function moveTask(tx: Tx, key: string, payload: string, dueAt: UnixSeconds, now: UnixSeconds): boolean {
  const moved = statement(
    tx,
    `UPDATE tasks SET payload = ?, due_at = ?, behind = 0 WHERE key = ? AND state = 'waiting' RETURNING lane`,
  ).get(payload, dueAt, key) as { lane: string | null } | undefined;
  // It may have had its turn, and be due later now.
  if (moved !== undefined) release(tx, moved.lane, now);
  return moved !== undefined;
}

/** Forgets the waiting task of this key, if there is one. */
export function cancelTask(tx: Tx, key: string, now: UnixSeconds): void {
  const gone = statement(tx, `DELETE FROM tasks WHERE key = ? AND state = 'waiting' RETURNING lane`).get(key);
  if (gone !== undefined) release(tx, (gone as { lane: string | null }).lane, now);
}

/** Makes the waiting task of this key due at `at`, if it would be due later. */
export function hasten(tx: Tx, key: string, at: UnixSeconds): void {
  statement(tx, `UPDATE tasks SET due_at = ? WHERE key = ? AND state = 'waiting' AND due_at > ?`).run(at, key, at);
}

/** Ends a task. @returns false when it is not ours any more: then nothing may be committed. */
export function finish(tx: Tx, { id, lane }: Claimed, now: UnixSeconds): boolean {
  const { changes } = statement(tx, `DELETE FROM tasks WHERE id = ? AND state = 'running'`).run(id);
  release(tx, lane, now);
  return changes === 1;
}

/** What the worker holds of a task it runs. */
export interface Claimed {
  readonly id: number;
  readonly lane: string | null;
}

export interface PutBack {
  readonly dueAt: UnixSeconds;
  /** Our own code for what went wrong. */
  readonly error: string | null;
  readonly countAttempt: boolean;
  /** Others of its lane may pass it. */
  readonly stepsAside: boolean;
  readonly payload?: unknown;
}

/** Has a task that ran run again later. */
export function putBack(tx: Tx, { id, lane }: Claimed, how: PutBack, now: UnixSeconds): void {
  statement(
    tx,
    `UPDATE tasks SET state = 'waiting', due_at = ?, error = ?, attempt = attempt - ?, payload = coalesce(?, payload)
     WHERE id = ? AND state = 'running'`,
  ).run(
    how.dueAt,
    how.error,
    how.countAttempt ? 0 : 1,
    how.payload === undefined ? null : JSON.stringify(how.payload),
    id,
  );
  if (how.stepsAside) release(tx, lane, now);
}

/** Sets a task aside for a person. */
export function park(tx: Tx, { id, lane }: Claimed, error: string, now: UnixSeconds): void {
  statement(tx, `UPDATE tasks SET state = 'dead', error = ?, key = NULL WHERE id = ? AND state = 'running'`).run(
    error,
    id,
  );
  release(tx, lane, now);
}

/**
 * At start all leases are void: the lock on the data directory proves that nobody holds one. Nor does anything stand
 * behind what ran then: lanes may have another width by now. @returns how many leases there were.
 */
export function voidLeases(tx: Tx): number {
  statement(tx, `UPDATE tasks SET behind = 0 WHERE behind = 1 AND state = 'waiting'`).run();
  return statement(tx, `UPDATE tasks SET state = 'waiting' WHERE state = 'running'`).run().changes;
}

export interface TaskCounts {
  readonly waiting: number;
  readonly running: number;
  readonly dead: number;
}

/** What was set aside after too many failures, by kind. */
export function deadTasks(reader: Reader): Readonly<Record<string, number>> {
  const rows = statement(reader, `SELECT kind, count(*) AS n FROM tasks WHERE state = 'dead' GROUP BY kind`).all();
  return Object.fromEntries((rows as { kind: string; n: number }[]).map(({ kind, n }) => [kind, n]));
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
