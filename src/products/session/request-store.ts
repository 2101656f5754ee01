import { statement, type Reader } from '../../db/index.ts';
import { createOrderStore, type AtWork } from '../../engine/index.ts';
import { balance, heldFor } from '../../ledger/index.ts';
import { msats, sats, wholeSats, type Sats } from '../../lib/units.ts';
import type { Request } from './request-states.ts';

const requests = createOrderStore<Request>({
  kind: 'request',
  table: 'requests',
  columns: {
    session_id: 'sessionId',
    request_id: 'requestId',
    result_id: 'resultId',
    talk: 'talk',
    charged_sats: 'chargedSats',
  },
});

export const { load: loadRequest, insert: insertRequest, save: saveRequest, remove: removeRequest } = requests;

/** The request of this customer in this session that waits, for its turn or for a top-up. */
export function waitingRequestOf(reader: Reader, sessionId: string, owner: string): Request | undefined {
  return requests.first(
    reader,
    `session_id = ? AND owner = ? AND state = 'waiting' ORDER BY n LIMIT 1`,
    sessionId,
    owner,
  );
}

/** The newest request of this customer that waits, in whatever session. */
export function newestWaitingOf(reader: Reader, owner: string): Request | undefined {
  return requests.first(reader, `owner = ? AND state = 'waiting' ORDER BY n DESC LIMIT 1`, owner);
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
