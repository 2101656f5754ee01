import { statement, type Reader, type Tx } from '../db/index.ts';
import type { UnixSeconds } from '../lib/units.ts';
import type { RelayState } from '../ports/relays.ts';

/** A relay that we read, as the running daemon last saw it. */
export interface RelayStateRow {
  readonly url: string;
  readonly state: 'subscribed' | 'lost';
  /** Since when it is in this state. */
  readonly since: UnixSeconds;
  /** When everything it had was last received, or null. */
  readonly syncedAt: UnixSeconds | null;
  /** Connections in a row that came to nothing. */
  readonly failures: number;
}

/** A daemon that starts reads from these relays, and has reached none of them yet. */
export function beginRelayStates(tx: Tx, urls: readonly string[], now: UnixSeconds): void {
  statement(tx, 'DELETE FROM relay_states').run();
  const insert = statement(
    tx,
    `INSERT INTO relay_states (url, state, since) VALUES (?, 'lost', ?) ON CONFLICT DO NOTHING`,
  );
  for (const url of urls) insert.run(url, now);
}

/** Notes a change; the steps between lost and subscribed are the same to whoever waits. */
export function noteRelayState(tx: Tx, { url, state, syncedAt, failures }: RelayState, now: UnixSeconds): void {
  statement(
    tx,
    `INSERT INTO relay_states (url, state, since, synced_at, failures) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (url) DO UPDATE SET
       since = CASE WHEN state = excluded.state THEN since ELSE excluded.since END,
       state = excluded.state,
       synced_at = coalesce(excluded.synced_at, synced_at),
       failures = excluded.failures`,
  ).run(url, state === 'subscribed' ? 'subscribed' : 'lost', now, syncedAt, failures);
}

export function relayStates(reader: Reader): readonly RelayStateRow[] {
  return statement(
    reader,
    'SELECT url, state, since, synced_at AS syncedAt, failures FROM relay_states ORDER BY rowid',
  ).all() as RelayStateRow[];
}
