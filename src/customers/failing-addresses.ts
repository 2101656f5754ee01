import { statement, type Reader, type Tx } from '../db/index.ts';
import { plusSeconds, type UnixSeconds } from '../lib/units.ts';

/** An address of a customer that could not be paid lately. Times in unix seconds. */
export interface FailingAddress {
  readonly destination: string;
  readonly since: UnixSeconds;
  readonly failures: number;
  /** Null while it is still tried. */
  readonly givenUpAt: UnixSeconds | null;
}

/** An address that surely fails for so long is given up, and the customer asked for another. Seconds. */
const GIVE_UP_AFTER = 3600;
/** The longest wait between two tries. Seconds. */
const LONGEST_WAIT = 1200;

/**
 * Notes that a try, begun at `begunAt`, failed; an hour after the first of an unbroken row of failures the address is
 * given up. A row is broken where nothing was tried for an hour: no debt, or Timmy was down.
 */
export function noteFailure(
  tx: Tx,
  owner: string,
  destination: string,
  begunAt: UnixSeconds,
  now: UnixSeconds,
): FailingAddress {
  const sql = `INSERT INTO failing_addresses (owner, destination, since, last_at, failures) VALUES (@owner, @destination, @now, @now, 1)
    ON CONFLICT (owner, destination) DO UPDATE SET last_at = @now,
      since = CASE WHEN last_at < @oldest THEN @now ELSE since END,
      failures = CASE WHEN last_at < @oldest THEN 1 ELSE failures + 1 END
    RETURNING destination, since, failures, given_up_at AS givenUpAt`;
  const oldest = begunAt - GIVE_UP_AFTER;
  const noted = statement(tx, sql).get({ owner, destination, now, oldest }) as FailingAddress;
  forgetReplaced(tx, owner, destination);
  if (noted.givenUpAt !== null || now - noted.since < GIVE_UP_AFTER) return noted;
  const giveUp = 'UPDATE failing_addresses SET given_up_at = ? WHERE owner = ? AND destination = ?';
  statement(tx, giveUp).run(now, owner, destination);
  return { ...noted, givenUpAt: now };
}

/** When to try it again: twice as long after each failure, `firstSeconds` after the first, for the last time at the hour. */
export function nextTryAt({ since, failures }: FailingAddress, firstSeconds: number, now: UnixSeconds): UnixSeconds {
  const wait = Math.min(firstSeconds * 2 ** Math.min(failures - 1, 20), LONGEST_WAIT);
  return plusSeconds(now, Math.max(1, Math.min(wait, since + GIVE_UP_AFTER - now)));
}

/** What is known against this address. */
export function findFailing(reader: Reader, owner: string, destination: string): FailingAddress | undefined {
  return failingOf(reader, owner).find((one) => one.destination === destination);
}

/** The addresses of this customer that could not be paid lately, the one given up last first. */
export function failingOf(reader: Reader, owner: string): FailingAddress[] {
  const sql = `SELECT destination, since, failures, given_up_at AS givenUpAt FROM failing_addresses WHERE owner = ?
    ORDER BY given_up_at DESC, destination`;
  return statement(reader, sql).all(owner) as FailingAddress[];
}

/** It was paid, or its owner named it again: nothing is held against it any more. */
export function forgetFailures(tx: Tx, owner: string, destination: string): void {
  statement(tx, 'DELETE FROM failing_addresses WHERE owner = ? AND destination = ?').run(owner, destination);
}

/** What they have replaced by other addresses would only pile up. */
function forgetReplaced(tx: Tx, owner: string, but: string): void {
  const sql = `DELETE FROM failing_addresses AS f WHERE owner = ? AND destination <> ? AND NOT EXISTS (
    SELECT 1 FROM customers WHERE pubkey = f.owner AND f.destination IN (last_destination, refund_to, lud16))`;
  statement(tx, sql).run(owner, but);
}
