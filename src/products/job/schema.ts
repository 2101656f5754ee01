import { check, index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { sql } from 'drizzle-orm';

/** One row for each job; what belongs to its state alone is in `details` (JSON of the machine's union). */
export const jobs = sqliteTable(
  'jobs',
  {
    id: text().primaryKey(),
    seq: integer().notNull(),
    state: text().notNull(),
    owner: text().notNull(),
    dialect: text({ enum: ['words', 'rpc'] }).notNull(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
    requestId: integer('request_id'),
    details: text({ mode: 'json' }).$type<Record<string, unknown>>().notNull(),
  },
  (table) => [
    index('jobs_owner').on(table.owner, table.createdAt),
    index('jobs_state').on(table.state),
    check('jobs_seq', sql`${table.seq} >= 1`),
  ],
);
