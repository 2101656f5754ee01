import { statement, type Tx } from '../db/index.ts';
import type { UnixSeconds } from '../lib/units.ts';

/**
 * The clock was put back by `seconds` to `now`: what waits goes on waiting as long as it would have, not longer. What
 * was due keeps its turn before what comes now.
 *
 * A clock put forward needs no such thing: everything is due earlier then, as after a sleep.
 */
export function putBackDueDates(tx: Tx, seconds: number, now: UnixSeconds): void {
  statement(tx, `UPDATE tasks SET due_at = max(0, due_at - ?) WHERE state = 'waiting' AND due_at > 0`).run(seconds);
  // Its age is asked as well: nothing is from the future.
  statement(tx, 'UPDATE tasks SET created_at = min(created_at, ?)').run(now);
}
