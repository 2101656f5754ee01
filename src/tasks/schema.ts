import { sql } from 'drizzle-orm';
import { check, index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

/** Work that is owed. A row is deleted in the transaction that commits its outcome; `dead` rows wait for a person. */
export const tasks = sqliteTable(
  'tasks',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    kind: text().notNull(),
    /** Tasks of one lane run a few at a time, the first filed first (`TaskKind.lane`). Null: no order. */
    lane: text(),
    /** Due, but its lane is full: not looked at until another of the lane has ended. */
    behind: integer({ mode: 'boolean' }).notNull().default(false),
    /** Of those due in one second the lowest goes first: its id, or the next number of ids when it was let out from behind. */
    turn: integer().notNull().default(0),
    /** At most one task with a key: timers and recurring tasks. */
    key: text(),
    payload: text().notNull(),
    state: text({ enum: ['waiting', 'running', 'dead'] }).notNull(),
    dueAt: integer('due_at').notNull(),
    /** Runs that count towards the dead letter: crashed or broken ones. */
    attempt: integer().notNull(),
    /** All runs, for the backoff. */
    tries: integer().notNull(),
    createdAt: integer('created_at').notNull(),
    /** Our own code for what went wrong last. */
    error: text(),
  },
  (table) => [
    uniqueIndex('tasks_key').on(table.key),
    index('tasks_ready').on(table.kind, table.state, table.behind, table.dueAt, table.turn),
    index('tasks_in_lane').on(table.lane, table.state, table.behind, table.id),
    check('tasks_state', sql`${table.state} IN ('waiting', 'running', 'dead')`),
  ],
);
