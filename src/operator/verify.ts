import { readFact, type Reader } from '../db/index.ts';
import { atOnce, checkBooks, type Broken, type Slices } from '../ledger/index.ts';
import { unixSeconds } from '../lib/units.ts';
import { checkPayments, lastReconciliation } from '../payments/index.ts';
import type { ProductFace, VerifiedAt } from '../engine/index.ts';
import { FACES } from '../products/catalogue.ts';
import { checkMoney } from './verify-money.ts';
import { checkReceipts } from './verify-receipts.ts';

function checks(reader: Reader, at: VerifiedAt | null, faces: readonly ProductFace[]): Slices[] {
  return [
    checkBooks(reader),
    checkPayments(reader),
    checkMoney(reader, faces),
    checkReceipts(reader, faces),
    ...faces.map((face) => face.checks(reader, at)),
  ];
}

/**
 * Every invariant of the books, in one reading of the database. Empty: all is well.
 *
 * @param at when it is, and since when the process runs: without it, nothing is said of deadlines.
 */
export function verifyEverything(
  reader: Reader,
  at: VerifiedAt | null = null,
  faces: readonly ProductFace[] = FACES,
): Broken[] {
  // One snapshot: beside a running daemon, two readings would see two states.
  return reader.$client.transaction(() => checks(reader, at, faces).flatMap(atOnce))();
}

/** The same in slices, each a reading of its own, with other work in between: `rest` is awaited after each. */
export async function verifyBetweenOtherWork(
  reader: Reader,
  at: VerifiedAt,
  rest: () => Promise<void>,
  faces: readonly ProductFace[] = FACES,
): Promise<Broken[]> {
  const broken: Broken[] = [];
  for (const slices of checks(reader, at, faces)) {
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
