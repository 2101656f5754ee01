import type { Reader } from '../../db/index.ts';
import { createOrderStore } from '../../engine/index.ts';
import { debtsOf } from '../../payments/index.ts';
import type { Session } from './states.ts';

const sessions = createOrderStore<Session>({
  kind: 'session',
  table: 'sessions',
  columns: { token_hash: 'tokenHash' },
});

export const { load: loadSession, insert: insertSession, save: saveSession, remove: removeSession } = sessions;

/** This customer's sessions, newest first. */
export function sessionsOfOwner(reader: Reader, owner: string, limit: number): Session[] {
  return sessions.all(reader, 'owner = ? ORDER BY created_at DESC, rowid DESC LIMIT ?', owner, limit);
}

/** The one session of this customer that waits for its deposit or lives. */
export function openSessionOf(reader: Reader, owner: string): Session | undefined {
  return sessions.first(reader, `owner = ? AND state IN ('awaiting_payment', 'active', 'paused')`, owner);
}

/** The session that this token opens. `hash`: sha256 of the token, hex. */
export function sessionOfToken(reader: Reader, hash: string): Session | undefined {
  return sessions.first(reader, `token_hash = ? AND state IN ('active', 'paused')`, hash);
}

/** The newest session of this customer of which something is owed back, else the newest. */
export function newestThatOwes(reader: Reader, owner: string): Session | undefined {
  const past = sessionsOfOwner(reader, owner, 10);
  const owes = (id: string): boolean => debtsOf(reader, id).some(({ state }) => state === 'owed');
  return past.find(({ id }) => owes(id)) ?? past[0];
}
