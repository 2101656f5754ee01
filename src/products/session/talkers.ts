import { statement, type Reader, type Tx } from '../../db/index.ts';
import type { Session } from './states.ts';
import { loadSession } from './store.ts';

/** Keys that may hold a session's token at the same time. */
export const MAX_HOLDERS = 20;

/** Which conversation of this key in this session goes on. */
export function talkOf(reader: Reader, sessionId: string, npub: string): number {
  const sql = 'SELECT talk FROM session_talkers WHERE session_id = ? AND npub = ?';
  return (statement(reader, sql).pluck().get(sessionId, npub) as number | undefined) ?? 0;
}

/** `new`: what was said is not given to the model again. */
export function beginTalk(tx: Tx, sessionId: string, npub: string): void {
  statement(
    tx,
    `INSERT INTO session_talkers (session_id, npub, talk) VALUES (?, ?, 1)
     ON CONFLICT (session_id, npub) DO UPDATE SET talk = talk + 1, remembered_from = 0`,
  ).run(sessionId, npub);
}

/** From now on what this key writes is asked in this session, and in no other that it holds a token of. */
export function holdToken(tx: Tx, sessionId: string, npub: string, tokenHash: string): void {
  dropHolds(tx, npub);
  statement(
    tx,
    `INSERT INTO session_talkers (session_id, npub, token_hash) VALUES (@sessionId, @npub, @tokenHash)
     ON CONFLICT (session_id, npub) DO UPDATE SET token_hash = @tokenHash`,
  ).run({ sessionId, npub, tokenHash });
}

export function countHolders(reader: Reader, { id, tokenHash }: Session): number {
  const sql = 'SELECT count(*) FROM session_talkers WHERE session_id = ? AND token_hash = ?';
  return statement(reader, sql).pluck().get(id, tokenHash) as number;
}

/** The session in which this key asked by a token that opens it no more; null: there is none that it was not told of. */
export function lapsedHoldOf(reader: Reader, npub: string): string | null {
  const sql = `SELECT t.session_id FROM session_talkers t WHERE t.npub = ? AND t.token_hash IS NOT NULL AND NOT EXISTS
    (SELECT 1 FROM sessions s WHERE s.id = t.session_id AND s.token_hash = t.token_hash AND s.state IN ('active', 'paused'))
    ORDER BY t.rowid DESC LIMIT 1`;
  return (statement(reader, sql).pluck().get(npub) as string | undefined) ?? null;
}

/** Told that its token opens nothing more: from then on its words are sold as anybody's. */
export function dropHolds(tx: Tx, npub: string): void {
  statement(tx, 'UPDATE session_talkers SET token_hash = NULL WHERE npub = ?').run(npub);
}

/** The live session whose token this key holds. */
export function heldSessionOf(reader: Reader, npub: string): Session | undefined {
  const sql = `SELECT s.id FROM session_talkers t JOIN sessions s ON s.id = t.session_id AND s.token_hash = t.token_hash
    WHERE t.npub = ? AND s.state IN ('active', 'paused') LIMIT 1`;
  const id = statement(reader, sql).pluck().get(npub) as string | undefined;
  return id === undefined ? undefined : loadSession(reader, id);
}
