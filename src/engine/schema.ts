import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** The `key` of `create` methods: the same key and params make the same object for 24 hours. */
export const orderKeys = sqliteTable(
  'order_keys',
  {
    owner: text().notNull(),
    method: text().notNull(),
    key: text().notNull(),
    paramsHash: text('params_hash').notNull(),
    orderId: text('order_id').notNull(),
    at: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.owner, table.method, table.key] })],
);
