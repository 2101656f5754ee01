/** How one relay has treated us in this life of the process. Times in monotonic milliseconds. */
export interface RelayRecord {
  /** Failures to connect or to answer since the last success. A relay's no is an answer. */
  readonly failures: number;
  readonly nextAt: number;
  /** When it last took something; null: never yet. */
  readonly goodAt: number | null;
  readonly failingSince: number | null;
}

export const UNKNOWN: RelayRecord = { failures: 0, nextAt: 0, goodAt: null, failingSince: null };

/** From so many failures in a row on, one message at a time tries whether it is back. One that never worked has one. */
const OPEN_AT = 2;
/** Between two such tries, while something that was paid for waits, or a relay that used to work; else doubling. */
const PROBE_MS = 3_500;
const LONGEST_PROBE_MS = 60_000;
const HOUR_MS = 3_600_000;

export type Standing = 'good' | 'new' | 'failing';

export function standingOf(record: RelayRecord): Standing {
  if (record.failures >= (record.goodAt === null ? 1 : OPEN_AT)) return 'failing';
  return record.goodAt === null ? 'new' : 'good';
}

export function afterSuccess(record: RelayRecord, nowMs: number): RelayRecord {
  return { ...record, failures: 0, nextAt: 0, goodAt: nowMs, failingSince: null };
}

export function afterFailure(record: RelayRecord, nowMs: number, isWanted: boolean): RelayRecord {
  const failures = record.failures + 1;
  const failingSince = record.failingSince ?? nowMs;
  const isPatient = (isWanted || record.goodAt !== null) && nowMs - failingSince < HOUR_MS;
  const wait = isPatient ? PROBE_MS : Math.min(LONGEST_PROBE_MS, PROBE_MS * 2 ** Math.min(failures - 1, 10));
  const after = { ...record, failures, failingSince };
  return { ...after, nextAt: standingOf(after) === 'failing' ? nowMs + wait : 0 };
}
