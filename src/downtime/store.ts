import { statement, type Reader, type Tx } from '../db/index.ts';
import { plusSeconds, unixSeconds, type UnixSeconds } from '../lib/units.ts';
import type { OutageWhy } from './schema.ts';

export interface Outage {
  readonly why: OutageWhy;
  readonly from: UnixSeconds;
  /** Null: it goes on. */
  readonly to: UnixSeconds | null;
}

/** So many outages are remembered, the longest: a crash every few seconds must not push out the month before. */
const KEPT = 500;
const KEPT_SECONDS = 400 * 86_400;

/** Notes an outage that is over. One without a length is none. */
export function recordOutage(tx: Tx, why: OutageWhy, from: UnixSeconds, to: UnixSeconds): void {
  if (to <= from) return;
  statement(tx, 'INSERT INTO outages (why, from_at, to_at) VALUES (?, ?, ?)').run(why, from, to);
  statement(
    tx,
    `DELETE FROM outages WHERE to_at < ? OR (to_at IS NOT NULL AND id NOT IN
       (SELECT id FROM outages WHERE to_at IS NOT NULL ORDER BY to_at - from_at DESC, id DESC LIMIT ${KEPT}))`,
  ).run(to - KEPT_SECONDS);
}

/** Notes that an outage began at `from`. @returns false where one of its kind goes on already. */
export function beginOutage(tx: Tx, why: OutageWhy, from: UnixSeconds): boolean {
  const begun = statement(
    tx,
    `INSERT INTO outages (why, from_at, to_at) SELECT @why, @from, NULL
     WHERE NOT EXISTS (SELECT 1 FROM outages WHERE why = @why AND to_at IS NULL)`,
  ).run({ why, from });
  return begun.changes === 1;
}

/** Ends the outage of this kind that goes on. @returns it, or null where there was none. */
export function endOutage(tx: Tx, why: OutageWhy, at: UnixSeconds): Outage | null {
  const open = statement(tx, `DELETE FROM outages WHERE why = ? AND to_at IS NULL RETURNING from_at AS "from"`).get(
    why,
  ) as { from: UnixSeconds } | undefined;
  if (open === undefined) return null;
  recordOutage(tx, why, open.from, at);
  return { why, from: open.from, to: at };
}

/** What was going on when the process ended went on until then at least; from then on we were down. */
export function endAllOutages(tx: Tx, at: UnixSeconds): void {
  statement(tx, 'UPDATE outages SET to_at = max(from_at, ?) WHERE to_at IS NULL').run(at);
}

/** The newest first. */
export function recentOutages(reader: Reader, limit: number): Outage[] {
  return statement(
    reader,
    'SELECT why, from_at AS "from", to_at AS "to" FROM outages ORDER BY from_at DESC, id DESC LIMIT ?',
  ).all(limit) as Outage[];
}

/** A time in which we could not serve, whatever the reasons: those that overlap are one. */
interface Gap {
  readonly from: number;
  readonly to: number;
}

/** All gaps up to `until`, oldest first, apart from each other. */
function gaps(reader: Reader, until: UnixSeconds): Gap[] {
  const rows = statement(
    reader,
    `SELECT from_at AS "from", min(coalesce(to_at, @until), @until) AS "to" FROM outages WHERE from_at < @until ORDER BY from_at`,
  ).all({ until }) as Gap[];
  const apart: Gap[] = [];
  for (const row of rows) {
    const last = apart.at(-1);
    if (last === undefined || row.from > last.to) apart.push(row);
    else apart[apart.length - 1] = { from: last.from, to: Math.max(last.to, row.to) };
  }
  return apart;
}

/** Seconds between `from` and `to` in which we could not serve, each counted once. */
export function awaySeconds(reader: Reader, from: UnixSeconds, to: UnixSeconds): number {
  return gaps(reader, to).reduce((sum, gap) => sum + Math.max(0, gap.to - Math.max(gap.from, from)), 0);
}

/** Could we not serve at this moment? */
export function wasAway(reader: Reader, at: UnixSeconds): boolean {
  return (
    statement(reader, 'SELECT 1 FROM outages WHERE from_at <= @at AND (to_at IS NULL OR to_at >= @at) LIMIT 1').get({
      at,
    }) !== undefined
  );
}

/**
 * The moment since which we have been there for `seconds`, up to `now`: a term of so long that began before it is over.
 * The one question for every "within so long" of a customer's.
 */
export function reachingBack(reader: Reader, now: UnixSeconds, seconds: number): UnixSeconds {
  let left = seconds;
  let cursor: number = now;
  for (const gap of gaps(reader, now).reverse()) {
    const served = cursor - gap.to;
    if (left <= served) break;
    left -= served;
    cursor = gap.from;
  }
  return unixSeconds(Math.max(0, cursor - left));
}

/**
 * When a term from `since` to `deadline` is over for a customer, as far as is known at `now`: later by every second in
 * which we could not serve, those within the added time included.
 */
export function extendedDeadline(
  reader: Reader,
  since: UnixSeconds,
  deadline: UnixSeconds,
  now: UnixSeconds,
): UnixSeconds {
  let left = deadline - since;
  let cursor: number = since;
  for (const gap of gaps(reader, now)) {
    if (gap.to <= cursor) continue;
    const served = Math.max(0, gap.from - cursor);
    if (left <= served) break;
    left -= served;
    cursor = gap.to;
  }
  return plusSeconds(unixSeconds(cursor), left);
}
