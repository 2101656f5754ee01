import { statement, type Reader, type Tx } from '../../db/index.ts';
import type { AtWork } from '../../engine/index.ts';
import type { UnixSeconds } from '../../lib/units.ts';
import type { Demo } from './states.ts';

interface Row {
  readonly id: string;
  readonly seq: number;
  readonly state: string;
  readonly owner: string;
  readonly dialect: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly request_id: number | null;
  readonly details: string;
}

const COLUMNS = 'id, seq, state, owner, dialect, created_at, updated_at, request_id, details';
const AT_WORK = `state IN ('looking', 'answering')`;
const HOUR = 3600;

function fromRow(row: Row): Demo {
  // Written by `values` alone, from a Demo: the columns and the details together are one.
  return {
    ...(JSON.parse(row.details) as object),
    id: row.id,
    seq: row.seq,
    state: row.state,
    owner: row.owner,
    dialect: row.dialect,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    requestId: row.request_id,
  } as unknown as Demo;
}

function values(demo: Demo): unknown[] {
  const { id, seq, state, owner, dialect, createdAt, updatedAt, requestId, ...details } = demo;
  return [id, seq, state, owner, dialect, createdAt, updatedAt, requestId, JSON.stringify(details)];
}

export function loadDemo(reader: Reader, id: string): Demo | undefined {
  const row = statement(reader, `SELECT ${COLUMNS} FROM demos WHERE id = ?`).get(id) as Row | undefined;
  return row === undefined ? undefined : fromRow(row);
}

export function insertDemo(tx: Tx, demo: Demo): void {
  statement(tx, `INSERT INTO demos (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(...values(demo));
}

/** @throws when somebody else changed the row since it was loaded at `expectedSeq`. */
export function saveDemo(tx: Tx, demo: Demo, expectedSeq: number): void {
  const { changes } = statement(
    tx,
    `UPDATE demos SET id = ?, seq = ?, state = ?, owner = ?, dialect = ?, created_at = ?, updated_at = ?, request_id = ?,
       details = ? WHERE id = ? AND seq = ?`,
  ).run(...values(demo), demo.id, expectedSeq);
  if (changes !== 1) throw new Error('demo.changed_meanwhile');
}

export function removeDemo(tx: Tx, demo: Demo): void {
  statement(tx, 'DELETE FROM demos WHERE id = ?').run(demo.id);
}

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
