import { readFact, type Reader } from '../db/index.ts';
import { atOnce, checkBooks, type Broken, type Slices } from '../ledger/index.ts';
import { unixSeconds } from '../lib/units.ts';
import { checkPayments, lastReconciliation } from '../payments/index.ts';
import { checkDemos } from '../products/demo/verify.ts';
import { checkJobs, type VerifiedAt } from '../products/job/verify.ts';
import { checkSessions } from '../products/session/verify.ts';
import { checkMoney } from './verify-money.ts';
import { checkReceipts } from './verify-receipts.ts';

function checks(reader: Reader, at: VerifiedAt | null): Slices[] {
  return [checkBooks, checkPayments, checkMoney, checkReceipts, checkDemos]
    .map((check) => check(reader))
    .concat(checkJobs(reader, at), checkSessions(reader));
}

/**
 * Every invariant of the books, in one reading of the database. Empty: all is well.
 *
 * @param at when it is, and since when the process runs: without it, nothing is said of deadlines.
 */
export function verifyEverything(reader: Reader, at: VerifiedAt | null = null): Broken[] {
  // One snapshot: beside a running daemon, two readings would see two states.
  return reader.$client.transaction(() => checks(reader, at).flatMap(atOnce))();
}

/** The same in slices, each a reading of its own, with other work in between: `rest` is awaited after each. */
export async function verifyBetweenOtherWork(
  reader: Reader,
  at: VerifiedAt,
  rest: () => Promise<void>,
): Promise<Broken[]> {
  const broken: Broken[] = [];
  for (const slices of checks(reader, at)) {
    const next = reader.$client.transaction(() => slices.next());
    let slice = next();
    for (; slice.done !== true; slice = next()) await rest();
    broken.push(...slice.value);
    await rest();
  }
  return broken;
}

/** As the last sign of life of the daemon has it, for who reads the database from beside; null where there is none. */
export function lastSignOfLife(reader: Reader): VerifiedAt | null {
  const startedAt = readFact(reader, 'started_at');
  const last = lastReconciliation(reader);
  if (startedAt === null || last === undefined) return null;
  return { now: unixSeconds(last.at), startedAt: unixSeconds(Number(startedAt)) };
}
