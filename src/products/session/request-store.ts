import { statement, type Reader, type Tx } from '../../db/index.ts';
import type { AtWork } from '../../engine/index.ts';
import { balance, heldFor } from '../../ledger/index.ts';
import { msats, sats, wholeSats, type Sats } from '../../lib/units.ts';
import type { Request } from './request-states.ts';

interface Row {
  readonly id: string;
  readonly seq: number;
  readonly state: string;
  readonly owner: string;
  readonly session_id: string;
  readonly dialect: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly request_id: number | null;
  readonly result_id: number | null;
  readonly talk: number;
  readonly charged_sats: number;
  readonly details: string;
}

const COLUMNS =
  'id, seq, state, owner, session_id, dialect, created_at, updated_at, request_id, result_id, talk, charged_sats, details';

function fromRow(row: Row): Request {
  // Written by `values` alone, from a Request: the columns and the details together are one.
  return {
    ...(JSON.parse(row.details) as object),
    id: row.id,
    seq: row.seq,
    state: row.state,
    owner: row.owner,
    sessionId: row.session_id,
    dialect: row.dialect,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    requestId: row.request_id,
    resultId: row.result_id,
    talk: row.talk,
    chargedSats: row.charged_sats,
  } as unknown as Request;
}

function values(request: Request): unknown[] {
  const { id, seq, state, owner, sessionId, dialect, createdAt, updatedAt, requestId, ...rest } = request;
  const { resultId, talk, chargedSats, ...details } = rest;
  return [
    ...[id, seq, state, owner, sessionId, dialect, createdAt, updatedAt, requestId],
    ...[resultId, talk, chargedSats, JSON.stringify(details)],
  ];
}

export function loadRequest(reader: Reader, id: string): Request | undefined {
  const row = statement(reader, `SELECT ${COLUMNS} FROM requests WHERE id = ?`).get(id) as Row | undefined;
  return row === undefined ? undefined : fromRow(row);
}

export function insertRequest(tx: Tx, request: Request): void {
  statement(tx, `INSERT INTO requests (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(
    ...values(request),
  );
}

/** @throws when somebody else changed the row since it was loaded at `expectedSeq`. */
export function saveRequest(tx: Tx, request: Request, expectedSeq: number): void {
  const { changes } = statement(
    tx,
    `UPDATE requests SET id = ?, seq = ?, state = ?, owner = ?, session_id = ?, dialect = ?, created_at = ?,
       updated_at = ?, request_id = ?, result_id = ?, talk = ?, charged_sats = ?, details = ? WHERE id = ? AND seq = ?`,
  ).run(...values(request), request.id, expectedSeq);
  if (changes !== 1) throw new Error('request.changed_meanwhile');
}

export function removeRequest(tx: Tx, request: Request): void {
  statement(tx, 'DELETE FROM requests WHERE id = ?').run(request.id);
}

/** The request of this customer in this session that waits, for its turn or for a top-up. */
export function waitingRequestOf(reader: Reader, sessionId: string, owner: string): Request | undefined {
  const row = statement(
    reader,
    `SELECT ${COLUMNS} FROM requests WHERE session_id = ? AND owner = ? AND state = 'waiting' ORDER BY n LIMIT 1`,
  ).get(sessionId, owner) as Row | undefined;
  return row === undefined ? undefined : fromRow(row);
}

/** The newest request of this customer that waits, in whatever session. */
export function newestWaitingOf(reader: Reader, owner: string): Request | undefined {
  const row = statement(
    reader,
    `SELECT ${COLUMNS} FROM requests WHERE owner = ? AND state = 'waiting' ORDER BY n DESC LIMIT 1`,
  ).get(owner) as Row | undefined;
  return row === undefined ? undefined : fromRow(row);
}

/** Requests of this session that wait, the oldest first. */
export function waitingIn(reader: Reader, sessionId: string): string[] {
  const sql = `SELECT id FROM requests WHERE session_id = ? AND state = 'waiting' ORDER BY n LIMIT 100`;
  return statement(reader, sql).pluck().all(sessionId) as string[];
}

/** Is a request of this customer at work in this session? */
export function isBusyIn(reader: Reader, sessionId: string, owner: string): boolean {
  const sql = `SELECT 1 FROM requests WHERE session_id = ? AND owner = ? AND state IN ('evaluating', 'executing') LIMIT 1`;
  return statement(reader, sql).get(sessionId, owner) !== undefined;
}

export function requestsAtWork(reader: Reader): AtWork[] {
  const sql = `SELECT id, owner, state FROM requests WHERE state IN ('evaluating', 'executing') ORDER BY created_at, id`;
  const rows = statement(reader, sql).all() as { id: string; owner: string; state: 'evaluating' | 'executing' }[];
  return rows.map(({ id, owner, state }) => ({
    id,
    owner,
    activity: state === 'evaluating' ? 'evaluate' : 'execute',
    input: {},
  }));
}

/** What a session holds. Sats. */
export interface Balance {
  /** In its own account. */
  readonly freeSats: Sats;
  /** Set aside by requests at work. */
  readonly heldSats: Sats;
  /** Charged so far. */
  readonly spentSats: Sats;
  readonly requests: number;
  /** What the last answer cost; null: there was none. */
  readonly lastSats: Sats | null;
}

export function balanceOf(reader: Reader, sessionId: string): Balance {
  const row = statement(
    reader,
    `SELECT coalesce(sum(charged_sats), 0) AS spent, count(*) AS n,
       coalesce(sum(CASE WHEN state IN ('evaluating', 'executing') THEN details ->> '$.need.sats' ELSE 0 END), 0) AS held,
       (SELECT charged_sats FROM requests WHERE session_id = @id AND state = 'complete' ORDER BY updated_at DESC, n DESC LIMIT 1) AS last
     FROM requests WHERE session_id = @id`,
  ).get({ id: sessionId }) as { spent: number; n: number; held: number; last: number | null };
  return {
    freeSats: wholeSats(msats(balance(reader, heldFor('session', sessionId)))),
    heldSats: sats(row.held),
    spentSats: sats(row.spent),
    requests: row.n,
    lastSats: row.last === null ? null : sats(row.last),
  };
}
