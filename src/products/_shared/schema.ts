import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** What the model cost us, by day (UTC, `2026-11-23`), in billionths of a USD. Never meets a sat. */
export const modelSpend = sqliteTable('model_spend', {
  day: text().primaryKey(),
  usdNanos: integer('usd_nanos').notNull(),
});

/** A request in words of somebody whose session has ended with money left: they are asked once what they mean. */
export const heldTexts = sqliteTable('held_texts', {
  owner: text().primaryKey(),
  textId: integer('text_id').notNull(),
  inboxId: integer('inbox_id').notNull(),
  at: integer().notNull(),
});

/** What of it was spent out of a purse with a budget of its own (free answers), by day. Never more than `model_spend`. */
export const modelPurses = sqliteTable(
  'model_purses',
  { purse: text().notNull(), day: text().notNull(), usdNanos: integer('usd_nanos').notNull() },
  (table) => [primaryKey({ columns: [table.purse, table.day] })],
);
