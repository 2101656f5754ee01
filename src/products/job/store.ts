import { statement, type Reader } from '../../db/index.ts';
import { createOrderStore, type AtWork } from '../../engine/index.ts';
import type { Job } from './states.ts';

const jobs = createOrderStore<Job>({ kind: 'job', table: 'jobs', columns: { request_id: 'requestId' } });

export const { load: loadJob, insert: insertJob, save: saveJob, remove: removeJob } = jobs;

/** This customer's jobs, newest first; `before` is the id after which to go on. */
export function jobsOfOwner(reader: Reader, owner: string, limit: number, before: string | null = null): Job[] {
  return jobs.all(
    reader,
    `owner = @owner AND (@before IS NULL OR (created_at, rowid) < (SELECT created_at, rowid FROM jobs WHERE id = @before))
     ORDER BY created_at DESC, rowid DESC LIMIT @limit`,
    { owner, before, limit },
  );
}

/** Jobs of this customer in one of these states, newest first. */
export function jobsInState(reader: Reader, owner: string, states: readonly Job['state'][]): Job[] {
  const where = 'owner = ? AND state IN (SELECT value FROM json_each(?)) ORDER BY created_at DESC, rowid DESC';
  return jobs.all(reader, where, owner, JSON.stringify(states));
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
