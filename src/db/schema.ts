import { sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** Small facts about this database: when it was born, which wallet it belongs to, its node's key. */
export const facts = sqliteTable('facts', { name: text().primaryKey(), value: text().notNull() });
