import type { Reader } from '../db/index.ts';
import { verifyBooks, type Broken } from '../ledger/index.ts';
import { verifyPayments } from '../payments/index.ts';
import { verifyJobs } from '../products/job/verify.ts';
import { verifyMoney } from './verify-money.ts';
import { verifyReceipts } from './verify-receipts.ts';

const CHECKS = [verifyBooks, verifyPayments, verifyMoney, verifyReceipts, verifyJobs];

/** Every invariant of the books, in one reading of the database. Empty: all is well. */
export function verifyEverything(reader: Reader): Broken[] {
  // One snapshot: beside a running daemon, two readings would see two states.
  return reader.$client.transaction(() => CHECKS.flatMap((verify) => verify(reader)))();
}
