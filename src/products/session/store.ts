import { statement, type Reader, type Tx } from '../../db/index.ts';
import { debtsOf } from '../../payments/index.ts';
import type { Session } from './states.ts';

interface Row {
  readonly id: string;
  readonly seq: number;
  readonly state: string;
  readonly owner: string;
  readonly dialect: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly token_hash: string | null;
  readonly details: string;
}

const COLUMNS = 'id, seq, state, owner, dialect, created_at, updated_at, token_hash, details';

function fromRow(row: Row): Session {
  // Written by `values` alone, from a Session: the columns and the details together are one.
  return {
    ...(JSON.parse(row.details) as object),
    id: row.id,
    seq: row.seq,
    state: row.state,
    owner: row.owner,
    dialect: row.dialect,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    tokenHash: row.token_hash,
  } as unknown as Session;
}

function values(session: Session): unknown[] {
  const { id, seq, state, owner, dialect, createdAt, updatedAt, tokenHash, ...details } = session;
  return [id, seq, state, owner, dialect, createdAt, updatedAt, tokenHash, JSON.stringify(details)];
}

export function loadSession(reader: Reader, id: string): Session | undefined {
  const row = statement(reader, `SELECT ${COLUMNS} FROM sessions WHERE id = ?`).get(id) as Row | undefined;
  return row === undefined ? undefined : fromRow(row);
}

export function insertSession(tx: Tx, session: Session): void {
  statement(tx, `INSERT INTO sessions (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(...values(session));
}

/** @throws when somebody else changed the row since it was loaded at `expectedSeq`. */
export function saveSession(tx: Tx, session: Session, expectedSeq: number): void {
  const { changes } = statement(
    tx,
    `UPDATE sessions SET id = ?, seq = ?, state = ?, owner = ?, dialect = ?, created_at = ?, updated_at = ?,
       token_hash = ?, details = ? WHERE id = ? AND seq = ?`,
  ).run(...values(session), session.id, expectedSeq);
  if (changes !== 1) throw new Error('session.changed_meanwhile');
}

export function removeSession(tx: Tx, session: Session): void {
  statement(tx, 'DELETE FROM sessions WHERE id = ?').run(session.id);
}

/** This customer's sessions, newest first. */
export function sessionsOfOwner(reader: Reader, owner: string, limit: number): Session[] {
  const rows = statement(
    reader,
    `SELECT ${COLUMNS} FROM sessions WHERE owner = ? ORDER BY created_at DESC, rowid DESC LIMIT ?`,
  ).all(owner, limit) as Row[];
  return rows.map(fromRow);
}

/** The one session of this customer that waits for its deposit or lives. */
export function openSessionOf(reader: Reader, owner: string): Session | undefined {
  const row = statement(
    reader,
    `SELECT ${COLUMNS} FROM sessions WHERE owner = ? AND state IN ('awaiting_payment', 'active', 'paused')`,
  ).get(owner) as Row | undefined;
  return row === undefined ? undefined : fromRow(row);
}

/** The session that this token opens. `hash`: sha256 of the token, hex. */
export function sessionOfToken(reader: Reader, hash: string): Session | undefined {
  const row = statement(
    reader,
    `SELECT ${COLUMNS} FROM sessions WHERE token_hash = ? AND state IN ('active', 'paused')`,
  ).get(hash) as Row | undefined;
  return row === undefined ? undefined : fromRow(row);
}

/** The newest session of this customer of which something is owed back, else the newest. */
export function newestThatOwes(reader: Reader, owner: string): Session | undefined {
  const past = sessionsOfOwner(reader, owner, 10);
  const owes = (id: string): boolean => debtsOf(reader, id).some(({ state }) => state === 'owed');
  return past.find(({ id }) => owes(id)) ?? past[0];
}
