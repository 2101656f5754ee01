import { statement, type Reader, type Tx } from '../../../src/db/index.ts';
import type { AtWork } from '../../../src/engine/index.ts';
import type { Echo } from './states.ts';

/** In `src/` this is `schema.ts` and a migration. The first seven columns and both indexes are every product's. */
export const ECHO_TABLE = `
  CREATE TABLE echoes (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, state TEXT NOT NULL, owner TEXT NOT NULL,
    dialect TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    request_id INTEGER, result_id INTEGER, paid_by INTEGER);
  CREATE INDEX echoes_owner ON echoes (owner, created_at);
  CREATE INDEX echoes_state ON echoes (state);`;

const COLUMNS = `id, seq, state, owner, dialect, created_at AS createdAt, updated_at AS updatedAt,
  request_id AS requestId, result_id AS resultId, paid_by AS paidBy`;

export function loadEcho(reader: Reader, id: string): Echo | undefined {
  return statement(reader, `SELECT ${COLUMNS} FROM echoes WHERE id = ?`).get(id) as Echo | undefined;
}

export function insertEcho(tx: Tx, echo: Echo): void {
  const { id, seq, state, owner, dialect, createdAt, updatedAt, requestId, resultId, paidBy } = echo;
  statement(tx, 'INSERT INTO echoes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)').run(
    ...[id, seq, state, owner, dialect, createdAt, updatedAt, requestId, resultId, paidBy],
  );
}

/** @throws when somebody else changed the row since it was loaded at `expectedSeq`. */
export function saveEcho(tx: Tx, echo: Echo, expectedSeq: number): void {
  const { changes } = statement(
    tx,
    `UPDATE echoes SET seq = @seq, state = @state, updated_at = @updatedAt, request_id = @requestId,
       result_id = @resultId, paid_by = @paidBy WHERE id = @id AND seq = @expectedSeq`,
  ).run({ ...echo, expectedSeq });
  if (changes !== 1) throw new Error('echo.changed_meanwhile');
}

export function removeEcho(tx: Tx, { id }: Echo): void {
  statement(tx, 'DELETE FROM echoes WHERE id = ?').run(id);
}

/** Whose state waits for the activity: where its task was lost, it is made again. */
export function echoesAtWork(reader: Reader): AtWork[] {
  const rows = statement(
    reader,
    `SELECT id, owner FROM echoes WHERE state = 'reversing' ORDER BY created_at, id`,
  ).all();
  return (rows as { id: string; owner: string }[]).map((row) => ({ ...row, activity: 'reverse', input: {} }));
}
