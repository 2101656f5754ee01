import { statement, type Database, type Tx } from '../db/index.ts';
import type { ProductFace } from '../engine/index.ts';
import type { Broken } from '../ledger/index.ts';
import type { Clock } from '../lib/clock.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { closeOverBooks, closures, noteMend } from '../payments/index.ts';
import { FACES } from '../products/catalogue.ts';
import { lastSignOfLife, verifyEverything } from './verify.ts';

export interface Mending {
  /** What keeps the books from adding up, now: nothing lawful mends that, a person has to find the cause. */
  readonly broken: readonly Broken[];
  /** News of orders that was set aside and is tried again. */
  readonly retried: number;
  /** Sales or payments had stopped over the books, and go on. */
  readonly isOpened: boolean;
  /** What else keeps them stopped, in words. */
  readonly stillClosed: readonly string[];
}

/**
 * Looks at every invariant anew, in one transaction with what follows: what was set aside is tried again, and what
 * stopped over books that add up is opened. It books nothing and changes no sum: where the sums are wrong it says so.
 * Beside a running daemon or without one; kept with its reason.
 */
export function mend(database: Database, clock: Clock, reason: string, faces: readonly ProductFace[] = FACES): Mending {
  return database.write((tx) => {
    const now = clock.now();
    const found = verifyEverything(tx, lastSignOfLife(tx), faces);
    const retried = retrySetAside(tx, now);
    const isOpened = closeOverBooks(tx, found, now);
    const broken = found.filter(({ kind }) => kind !== 'late');
    noteMend(tx, reason, `${retried} tried again, ${broken.length} broken`, now);
    return { broken, retried, isOpened, stillClosed: closures(tx).map(({ words }) => words) };
  });
}

/** Its attempts begin anew; a key was freed when it was set aside, and it needs none. */
function retrySetAside(tx: Tx, now: UnixSeconds): number {
  const sql = `UPDATE tasks SET state = 'waiting', behind = 0, attempt = 0, due_at = ?, error = NULL WHERE state = 'dead' AND kind = 'order.event'`;
  return statement(tx, sql).run(now).changes;
}
