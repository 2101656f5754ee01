import { sql } from 'drizzle-orm';
import { check, index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** The node behind the stub wallet: one row, made at the first start without LNbits. The key signs play money only. */
export const stubWallet = sqliteTable(
  'stub_wallet',
  {
    id: integer().primaryKey(),
    walletId: text('wallet_id').notNull(),
    secretKey: text('secret_key').notNull(),
  },
  (table) => [check('stub_wallet_one', sql`${table.id} = 1`)],
);

/** Invoices of the stub wallet. `paid_at` is written by `timmy pay`, mostly from another process. */
export const stubInvoices = sqliteTable(
  'stub_invoices',
  {
    paymentHash: text('payment_hash').primaryKey(),
    bolt11: text().notNull(),
    amountMsats: integer('amount_msats').notNull(),
    preimage: text().notNull(),
    description: text().notNull(),
    label: text().notNull(),
    createdAt: integer('created_at').notNull(),
    expiresAt: integer('expires_at').notNull(),
    paidAt: integer('paid_at'),
  },
  (table) => [
    index('stub_invoices_paid').on(table.paidAt),
    check('stub_invoices_amount', sql`${table.amountMsats} BETWEEN 1 AND 1000000000000000`),
  ],
);

/** Payouts of the stub wallet: all of them succeed, once, at no fee. */
export const stubPayments = sqliteTable(
  'stub_payments',
  {
    paymentHash: text('payment_hash').primaryKey(),
    bolt11: text().notNull(),
    amountMsats: integer('amount_msats').notNull(),
    label: text().notNull(),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [check('stub_payments_amount', sql`${table.amountMsats} BETWEEN 1 AND 1000000000000000`)],
);
