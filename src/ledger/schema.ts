import { sql } from 'drizzle-orm';
import { check, index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

/**
 * Accounts with their cached totals, moved by a trigger on `transfers` (see the ledger migration). The database
 * itself refuses an overdraft: no liability and no asset goes below zero. Msats.
 */
export const accounts = sqliteTable(
  'accounts',
  {
    id: text().primaryKey(),
    kind: text({ enum: ['asset', 'equity', 'liability', 'income', 'expense'] }).notNull(),
    debits: integer().notNull().default(0),
    credits: integer().notNull().default(0),
    /** What it is about, whatever the kind: the id behind the colon. */
    object: text().generatedAlwaysAs(sql`substr(id, instr(id, ':') + 1)`, { mode: 'virtual' }),
  },
  (table) => [
    index('accounts_object').on(table.object),
    check('accounts_kind', sql`${table.kind} IN ('asset', 'equity', 'liability', 'income', 'expense')`),
    check(
      'accounts_no_overdraft',
      sql`CASE ${table.kind}
      WHEN 'liability' THEN ${table.credits} >= ${table.debits}
      WHEN 'income' THEN ${table.credits} >= ${table.debits}
      WHEN 'asset' THEN ${table.debits} >= ${table.credits}
      ELSE 1 END`,
    ),
  ],
);

/** Double entry: one row moves one amount from one account to another. Never updated, never deleted (triggers). */
export const transfers = sqliteTable(
  'transfers',
  {
    seq: integer().primaryKey({ autoIncrement: true }),
    debit: text()
      .notNull()
      .references(() => accounts.id),
    credit: text()
      .notNull()
      .references(() => accounts.id),
    amountMsats: integer('amount_msats').notNull(),
    kind: text().notNull(),
    /** What caused it; once per kind, so a repetition cannot post twice. */
    cause: text().notNull(),
    at: integer().notNull(),
    /** sha256 of the hash before and this row: a lost tail or an edited row shows. */
    hash: text().notNull(),
  },
  (table) => [
    uniqueIndex('transfers_cause').on(table.kind, table.cause),
    index('transfers_debit').on(table.debit),
    index('transfers_credit').on(table.credit),
    check(
      'transfers_amount',
      sql`typeof(${table.amountMsats}) = 'integer' AND ${table.amountMsats} BETWEEN 1 AND 1000000000000000`,
    ),
    check('transfers_two_accounts', sql`${table.debit} <> ${table.credit}`),
  ],
);
