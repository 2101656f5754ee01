import { sql } from 'drizzle-orm';
import { check, index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/**
 * When we could not serve, and why: customers' deadlines are longer by it (product.md, Promises, 7). `down`: not running.
 * `asleep`: the machine slept. `deaf`: no inbox relay was subscribed. `stalled`: running, but
 * nothing could be written. `clock`: the clock was put forward, so that time
 * is gone in which we were not there.
 */
export const outages = sqliteTable(
  'outages',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    why: text({ enum: ['down', 'asleep', 'deaf', 'stalled', 'clock'] }).notNull(),
    fromAt: integer('from_at').notNull(),
    /** Null: it goes on. */
    toAt: integer('to_at'),
  },
  (table) => [
    index('outages_from').on(table.fromAt),
    check('outages_forward', sql`${table.toAt} IS NULL OR ${table.toAt} >= ${table.fromAt}`),
  ],
);

export type OutageWhy = (typeof outages.$inferSelect)['why'];
