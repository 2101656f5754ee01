import type { Reader } from '../db/index.ts';
import { verifyBooks, type Broken } from '../ledger/index.ts';
import { verifyPayments } from '../payments/index.ts';
import { verifyJobs } from '../products/job/verify.ts';

/** Every invariant of the books, in one reading of the database. Empty: all is well. */
export function verifyEverything(reader: Reader): Broken[] {
  return [...verifyBooks(reader), ...verifyPayments(reader), ...verifyJobs(reader)];
}
