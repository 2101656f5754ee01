import { statement, type Reader } from '../../db/index.ts';
import { createOrderStore, type AtWork } from '../../engine/index.ts';
import type { UnixSeconds } from '../../lib/units.ts';
import type { Demo } from './states.ts';

const demos = createOrderStore<Demo>({ kind: 'demo', table: 'demos', columns: { request_id: 'requestId' } });

export const { load: loadDemo, insert: insertDemo, save: saveDemo, remove: removeDemo } = demos;

const AT_WORK = `state IN ('looking', 'answering')`;
const HOUR = 3600;

/** Free questions that are being looked at or answered. */
export function demosAtWork(reader: Reader): AtWork[] {
  const sql = `SELECT id, owner, state FROM demos WHERE ${AT_WORK} ORDER BY created_at, rowid`;
  const rows = statement(reader, sql).all() as { id: string; owner: string; state: 'looking' | 'answering' }[];
  return rows.map(({ id, owner, state }) => ({
    id,
    owner,
    activity: state === 'looking' ? 'look' : 'answer',
    input: {},
  }));
}

export function countDemosAtWork(reader: Reader): number {
  return (statement(reader, `SELECT count(*) AS n FROM demos WHERE ${AT_WORK}`).get() as { n: number }).n;
}

/** Free questions of this hour that count against their owner: all but those that were given back. */
export function countDemosOf(reader: Reader, owner: string, now: UnixSeconds): number {
  const sql = `SELECT count(*) AS n FROM demos WHERE owner = ? AND created_at > ? AND created_at <= ? AND state <> 'failed'`;
  return (statement(reader, sql).get(owner, now - HOUR, now) as { n: number }).n;
}

/**
 * In how many seconds one more may be asked, where `limit` may be within any hour: the oldest of as many as are allowed
 * is an hour old then. 0: now. What is dated in the future (a clock was put back) does not count: it would for too long.
 */
export function secondsUntilFree(
  reader: Reader,
  { owner, limit, among }: { owner: string | null; limit: number; among: 'all' | 'counted' },
  now: UnixSeconds,
): number {
  const whose = owner === null ? '1' : 'owner = @owner';
  const which = among === 'all' ? '1' : `state <> 'failed'`;
  const row = statement(
    reader,
    `SELECT created_at AS at FROM demos WHERE ${whose} AND created_at <= @now AND ${which} ORDER BY created_at DESC LIMIT 1 OFFSET @skip`,
  ).get({ now, skip: limit - 1, ...(owner === null ? {} : { owner }) }) as { at: number } | undefined;
  return row === undefined ? 0 : Math.max(0, row.at + HOUR - now);
}
