import { statement, type Reader, type Tx } from '../../db/index.ts';
import type { AtWork } from '../../engine/index.ts';
import type { Job } from './states.ts';

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

function fromRow(row: Row): Job {
  // Written by `values` alone, from a Job: the columns and the details together are one.
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
  } as unknown as Job;
}

function values(job: Job): unknown[] {
  const { id, seq, state, owner, dialect, createdAt, updatedAt, requestId, ...details } = job;
  return [id, seq, state, owner, dialect, createdAt, updatedAt, requestId, JSON.stringify(details)];
}

export function loadJob(reader: Reader, id: string): Job | undefined {
  const row = statement(reader, `SELECT ${COLUMNS} FROM jobs WHERE id = ?`).get(id) as Row | undefined;
  return row === undefined ? undefined : fromRow(row);
}

export function insertJob(tx: Tx, job: Job): void {
  statement(tx, `INSERT INTO jobs (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(...values(job));
}

/** @throws when somebody else changed the row since it was loaded at `expectedSeq`. */
export function saveJob(tx: Tx, job: Job, expectedSeq: number): void {
  const { changes } = statement(
    tx,
    `UPDATE jobs SET id = ?, seq = ?, state = ?, owner = ?, dialect = ?, created_at = ?, updated_at = ?, request_id = ?,
       details = ? WHERE id = ? AND seq = ?`,
  ).run(...values(job), job.id, expectedSeq);
  if (changes !== 1) throw new Error('job.changed_meanwhile');
}

export function removeJob(tx: Tx, job: Job): void {
  statement(tx, 'DELETE FROM jobs WHERE id = ?').run(job.id);
}

/** This customer's jobs, newest first; `before` is the id after which to go on. */
export function jobsOfOwner(reader: Reader, owner: string, limit: number, before: string | null = null): Job[] {
  const rows = statement(
    reader,
    `SELECT ${COLUMNS} FROM jobs WHERE owner = @owner
       AND (@before IS NULL OR (created_at, rowid) < (SELECT created_at, rowid FROM jobs WHERE id = @before))
     ORDER BY created_at DESC, rowid DESC LIMIT @limit`,
  ).all({ owner, before, limit }) as Row[];
  return rows.map(fromRow);
}

/** Jobs of this customer in one of these states, newest first. */
export function jobsInState(reader: Reader, owner: string, states: readonly Job['state'][]): Job[] {
  const rows = statement(
    reader,
    `SELECT ${COLUMNS} FROM jobs WHERE owner = ? AND state IN (SELECT value FROM json_each(?)) ORDER BY created_at DESC, rowid DESC`,
  ).all(owner, JSON.stringify(states)) as Row[];
  return rows.map(fromRow);
}

/** Jobs that are being looked at or worked on. */
export function jobsAtWork(reader: Reader): AtWork[] {
  const sql = `SELECT id, owner, state FROM jobs WHERE state IN ('evaluating', 'executing') ORDER BY created_at, id`;
  const rows = statement(reader, sql).all() as { id: string; owner: string; state: 'evaluating' | 'executing' }[];
  return rows.map(({ id, owner, state }) => ({
    id,
    owner,
    activity: state === 'evaluating' ? 'evaluate' : 'execute',
    input: {},
  }));
}
