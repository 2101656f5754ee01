import { sql } from 'drizzle-orm';
import { check, index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** One row for each free question; what belongs to its state alone is in `details` (JSON of the machine's union). */
export const demos = sqliteTable(
  'demos',
  {
    id: text().primaryKey(),
    seq: integer().notNull(),
    state: text({ enum: ['looking', 'answering', 'complete', 'declined', 'failed'] }).notNull(),
    owner: text().notNull(),
    dialect: text({ enum: ['words', 'rpc'] }).notNull(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
    requestId: integer('request_id'),
    details: text({ mode: 'json' }).$type<Record<string, unknown>>().notNull(),
  },
  (table) => [
    index('demos_owner').on(table.owner, table.createdAt),
    index('demos_age').on(table.createdAt),
    index('demos_state').on(table.state),
    check('demos_seq', sql`${table.seq} >= 1`),
  ],
);
