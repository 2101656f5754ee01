import { statement, type Database } from '../db/index.ts';
import { eraseTextsBefore } from '../customers/index.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { plusSeconds } from '../lib/units.ts';
import type { Broken } from '../ledger/index.ts';
import { schedule, type TaskKind } from '../tasks/index.ts';
import type { Tx } from '../db/index.ts';

export interface HousekeepingOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly retentionDays: number;
  readonly verify: () => readonly Broken[];
  readonly alert: (tx: Tx, what: string) => void;
  /** Told after each look at the books: null, or why nothing may be sold or paid. */
  readonly onVerified: (broken: readonly Broken[]) => void;
}

const HOUR = 3600;
const DAY = 86_400;
/** Longer than any relay's look-back and the age at which messages still run. */
const KEEP_WRAPS_SECONDS = 14 * DAY;
export const HOUSEKEEPING_KEY = 'housekeeping';

/**
 * Hourly: erases what is past its time and reads the books against every invariant.
 *
 * Killed midway: nothing happened, or all of it; it runs again.
 */
export function housekeepingTask(options: HousekeepingOptions): TaskKind<Record<string, never>> {
  const { clock, log } = options;
  return {
    kind: 'housekeeping',
    pool: 'deliveries',
    leaseSeconds: 120,
    maxAttempts: Infinity,
    run: () => {
      const broken = options.verify();
      options.onVerified(broken);
      for (const { invariant, row } of broken) log.error('ledger.broken', { invariant, row });
      return Promise.resolve((tx: Tx) => {
        const now = clock.now();
        if (broken.length > 0)
          options.alert(
            tx,
            'An invariant of the books is broken: sales and payments stopped. Run: timmy ledger verify',
          );
        prune(tx, options, now);
        schedule(tx, { kind: 'housekeeping', payload: {}, key: HOUSEKEEPING_KEY, dueAt: plusSeconds(now, HOUR), now });
      });
    },
  };
}

function prune(tx: Tx, options: HousekeepingOptions, now: ReturnType<Clock['now']>): void {
  statement(tx, 'DELETE FROM seen_wraps WHERE at < ?').run(now - KEEP_WRAPS_SECONDS);
  statement(tx, 'DELETE FROM rpc_answers WHERE at < ?').run(now - DAY);
  statement(tx, 'DELETE FROM told WHERE at < ?').run(now - 60 * DAY);
  statement(tx, 'DELETE FROM order_keys WHERE at < ?').run(now - DAY);
  const needed = statement(
    tx,
    `SELECT request_id AS id FROM jobs WHERE request_id IS NOT NULL
       AND state IN ('awaiting_eval_payment', 'evaluating', 'awaiting_work_payment', 'executing')
     UNION SELECT text_id FROM outbox WHERE text_id IS NOT NULL AND state IN ('waiting', 'sealed')`,
  ).all() as { id: number }[];
  eraseTextsBefore(
    tx,
    plusSeconds(now, -options.retentionDays * DAY),
    needed.map((row) => row.id),
  );
}
