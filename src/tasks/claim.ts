import { statement, type Reader, type Tx } from '../db/index.ts';
import type { UnixSeconds } from '../lib/units.ts';
import type { LaneRule } from './task.ts';

export interface ClaimedRow {
  readonly id: number;
  readonly kind: string;
  readonly lane: string | null;
  readonly payload: string;
  readonly attempt: number;
  readonly tries: number;
  readonly created_at: number;
}

/** The kinds of one pool, and how each goes with others of its lane. */
export type Kinds = ReadonlyMap<string, LaneRule>;

interface Ready {
  readonly id: number;
  readonly kind: string;
  readonly lane: string | null;
  readonly due_at: number;
  readonly turn: number;
}

/** Is anything of these kinds due that may have its turn? Cheap: one look into the index for each kind. */
export function isAnyReady(reader: Reader, kinds: Kinds, now: UnixSeconds): boolean {
  return nextReady(reader, kinds, now) !== undefined;
}

/**
 * Takes the next due task of these kinds, if its lane has room (`TaskKind.lane`). Within a lane the one filed first goes
 * first, of those that are due; where repeats hold the lane, one that has begun goes before all, due or not.
 *
 * Lanes take turns: of each only one that is due is looked at here. The others stand `behind` it, until it is taken and
 * there is room for one more, or until one of the lane ends (`release`): then the next is due, after all that was filed
 * before. So a long queue of one lane is neither in the way of others, nor read again and again.
 *
 * The attempt is counted before it runs, so that a task that kills the process is found out.
 */
export function claim(tx: Tx, kinds: Kinds, now: UnixSeconds): ClaimedRow | undefined {
  for (;;) {
    const next = nextReady(tx, kinds, now);
    if (next === undefined) return undefined;
    if (next.lane === null) return take(tx, next.id);
    const width = kinds.get(next.kind)?.width ?? 1;
    const running = countRunning(tx, next.lane);
    const id = running >= width ? null : firstOfLane(tx, next, next.lane, kinds, now);
    const row = id === null ? undefined : take(tx, id);
    standBehind(tx, next.lane, now);
    if (row === undefined) continue;
    if (running + 1 < width) release(tx, next.lane, now);
    return row;
  }
}

function standBehind(tx: Tx, lane: string, now: UnixSeconds): void {
  const sql = `UPDATE tasks SET behind = 1 WHERE lane = ? AND state = 'waiting' AND behind = 0 AND due_at <= ?`;
  statement(tx, sql).run(lane, now);
}

/** Lets the first that stands behind in a lane be claimed: to be called whenever one of the lane has made room. */
export function release(tx: Tx, lane: string | null, now: UnixSeconds): void {
  if (lane === null) return;
  const sql = `SELECT id FROM tasks WHERE lane = ? AND state = 'waiting' AND behind = 1 ORDER BY id LIMIT 1`;
  const first = statement(tx, sql).get(lane) as { id: number } | undefined;
  if (first === undefined) return;
  // Ids and turns come out of one counter: whatever was filed or let out before goes first.
  statement(tx, `UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'tasks'`).run();
  statement(
    tx,
    `UPDATE tasks SET behind = 0, due_at = ?, turn = (SELECT seq FROM sqlite_sequence WHERE name = 'tasks') WHERE id = ?`,
  ).run(now, first.id);
}

/** The one due longest among the firsts of each kind: each is one step in an index, however many tasks wait. */
function nextReady(reader: Reader, kinds: Kinds, now: UnixSeconds): Ready | undefined {
  const first = statement(
    reader,
    `SELECT id, kind, lane, due_at, turn FROM tasks WHERE kind = ? AND state = 'waiting' AND behind = 0 AND due_at <= ?
     ORDER BY due_at, turn, id LIMIT 1`,
  );
  let next: Ready | undefined;
  for (const kind of kinds.keys()) {
    const row = first.get(kind, now) as Ready | undefined;
    if (row === undefined) continue;
    if (next === undefined || isBefore(row, next)) next = row;
  }
  return next;
}

function isBefore(a: Ready, b: Ready): boolean {
  return a.due_at !== b.due_at ? a.due_at < b.due_at : a.turn !== b.turn ? a.turn < b.turn : a.id < b.id;
}

function countRunning(reader: Reader, lane: string): number {
  const sql = `SELECT count(*) AS n FROM tasks WHERE lane = ? AND state = 'running'`;
  return (statement(reader, sql).get(lane) as { n: number }).n;
}

/** Whose turn it is in this lane, of these kinds; null when one that is not due holds it up. */
function firstOfLane(reader: Reader, next: Ready, lane: string, kinds: Kinds, now: UnixSeconds): number | null {
  const holds = kinds.get(next.kind)?.whileRepeated === 'holds' ? 1 : 0;
  const of = statement(
    reader,
    `SELECT id, kind, due_at FROM tasks WHERE lane = @lane AND state = 'waiting' AND behind = @behind
       AND (due_at <= @now OR (@holds = 1 AND tries > 0)) ORDER BY id LIMIT 1`,
  );
  const [first = next] = [0, 1]
    .flatMap(
      (behind) => (of.get({ lane, now, holds, behind }) as Pick<Ready, 'id' | 'kind' | 'due_at'> | undefined) ?? [],
    )
    .sort((a, b) => a.id - b.id);
  if (first.due_at > now) return null;
  // The lane may reach into other pools: what is due there is claimed there.
  return kinds.has(first.kind) ? first.id : next.id;
}

function take(tx: Tx, id: number): ClaimedRow {
  return statement(
    tx,
    `UPDATE tasks SET state = 'running', behind = 0, attempt = attempt + 1, tries = tries + 1 WHERE id = ?
     RETURNING id, kind, lane, payload, attempt, tries, created_at`,
  ).get(id) as ClaimedRow;
}
