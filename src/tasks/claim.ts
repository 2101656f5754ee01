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
}

/** Is anything of these kinds due that may have its turn? Cheap: one look into the index for each kind. */
export function isAnyReady(reader: Reader, kinds: Kinds, now: UnixSeconds): boolean {
  return nextReady(reader, kinds, now) !== undefined;
}

/**
 * Takes the next due task of these kinds, if its lane has room (`TaskKind.lane`). Within a lane the one filed first goes
 * first, of those that are due; where repeats hold the lane, one that has begun goes before all, due or not. The others
 * of a full lane step `behind`, out of the index that claims read, and each end lets one of them out again (`release`),
 * due from then: so a long queue of one lane costs others nothing, and lanes take turns.
 *
 * The attempt is counted before it runs, so that a task that kills the process is found out.
 */
export function claim(tx: Tx, kinds: Kinds, now: UnixSeconds): ClaimedRow | undefined {
  for (;;) {
    const next = nextReady(tx, kinds, now);
    if (next === undefined) return undefined;
    if (next.lane === null) return take(tx, next.id);
    const id = firstOfLane(tx, next, next.lane, kinds, now);
    if (id !== null) return take(tx, id);
    statement(
      tx,
      `UPDATE tasks SET behind = 1 WHERE lane = ? AND state = 'waiting' AND behind = 0 AND due_at <= ?`,
    ).run(next.lane, now);
  }
}

/** Lets the first that stands behind in a lane be claimed: to be called whenever one of the lane has made room. */
export function release(tx: Tx, lane: string | null, now: UnixSeconds): void {
  if (lane === null) return;
  statement(
    tx,
    `UPDATE tasks SET behind = 0, due_at = ? WHERE id =
       (SELECT id FROM tasks WHERE lane = ? AND state = 'waiting' AND behind = 1 ORDER BY id LIMIT 1)`,
  ).run(now, lane);
}

/** The one due longest among the firsts of each kind: each is one step in an index, however many tasks wait. */
function nextReady(reader: Reader, kinds: Kinds, now: UnixSeconds): Ready | undefined {
  const first = statement(
    reader,
    `SELECT id, kind, lane, due_at FROM tasks WHERE kind = ? AND state = 'waiting' AND behind = 0 AND due_at <= ?
     ORDER BY due_at, id LIMIT 1`,
  );
  let next: Ready | undefined;
  for (const kind of kinds.keys()) {
    const row = first.get(kind, now) as Ready | undefined;
    if (row === undefined) continue;
    const isBefore = next === undefined || row.due_at < next.due_at || (row.due_at === next.due_at && row.id < next.id);
    if (isBefore) next = row;
  }
  return next;
}

/** Whose turn it is in this lane, of these kinds; null when the lane has no room. */
function firstOfLane(tx: Tx, next: Ready, lane: string, kinds: Kinds, now: UnixSeconds): number | null {
  const rule = kinds.get(next.kind);
  if (rule === undefined) return null;
  const running = statement(tx, `SELECT count(*) AS n FROM tasks WHERE lane = ? AND state = 'running'`).get(lane);
  if ((running as { n: number }).n >= rule.width) return null;
  const first = statement(
    tx,
    `SELECT id, kind, due_at FROM tasks WHERE lane = @lane AND state = 'waiting'
       AND (due_at <= @now OR (@holds = 1 AND tries > 0)) ORDER BY id LIMIT 1`,
  ).get({ lane, now, holds: rule.whileRepeated === 'holds' ? 1 : 0 }) as Omit<Ready, 'lane'>;
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
