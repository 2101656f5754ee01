import { sql } from 'drizzle-orm';
import { check, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

/**
 * Invoices of ours. `wanted`: the intent, no bolt11 yet. `open`: shown and watched. `lapsed`: looked up unpaid after
 * its end (still watched: that is no proof). `replaced`: another took its place (still watched). `paid` is final.
 * `failed`: the wallet never issued it, or too late; it was shown to nobody. `kept`: no invoice, what was owed paid it.
 */
export const invoices = sqliteTable(
  'invoices',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    orderKind: text('order_kind').notNull(),
    orderId: text('order_id').notNull(),
    owner: text().notNull(),
    purpose: text().notNull(),
    amountSats: integer('amount_sats').notNull(),
    description: text().notNull(),
    expirySeconds: integer('expiry_seconds').notNull(),
    state: text({ enum: ['wanted', 'open', 'paid', 'lapsed', 'replaced', 'failed', 'kept'] }).notNull(),
    bolt11: text(),
    paymentHash: text('payment_hash'),
    /** True: given up when the wallet cannot issue it within 30 s (nothing exists then). False: tried until it exists. */
    mayFail: integer('may_fail', { mode: 'boolean' }).notNull(),
    /** Inbox row of the request that asked for it. */
    replyTo: integer('reply_to'),
    createdAt: integer('created_at').notNull(),
    expiresAt: integer('expires_at'),
    paidAt: integer('paid_at'),
    paidMsats: integer('paid_msats'),
    delayTold: integer('delay_told', { mode: 'boolean' }).notNull().default(false),
    /** The first of a new order, or one that took an expired order up again: it counts in `LIMIT_NEW_PER_HOUR`. */
    opens: integer({ mode: 'boolean' }).notNull().default(false),
  },
  (table) => [
    index('invoices_opened')
      .on(table.owner, table.createdAt)
      .where(sql`${table.opens}`),
    uniqueIndex('invoices_hash').on(table.paymentHash),
    index('invoices_order').on(table.orderId),
    index('invoices_reply').on(table.replyTo),
    index('invoices_owner').on(table.owner, table.state),
    index('invoices_state').on(table.state),
    check('invoices_amount', sql`${table.amountSats} BETWEEN 1 AND 1000000000000`),
    check(
      'invoices_issued',
      sql`${table.state} IN ('wanted', 'failed', 'kept') OR (${table.bolt11} IS NOT NULL AND ${table.paymentHash} IS NOT NULL AND ${table.expiresAt} IS NOT NULL)`,
    ),
    check('invoices_paid', sql`(${table.state} = 'paid') = (${table.paidAt} IS NOT NULL)`),
  ],
);

/**
 * What is owed back to a customer. One row for each reason; the sum of an order's open rows is `owed:<order>` in the books.
 * `kept`: it paid a next step of theirs (`keep on`).
 */
export const debts = sqliteTable(
  'debts',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    orderKind: text('order_kind').notNull(),
    orderId: text('order_id').notNull(),
    owner: text().notNull(),
    amountMsats: integer('amount_msats').notNull(),
    because: text().notNull(),
    /** By whose receipts it is owed, where that is another order: money kept for this one, which did not take it. */
    receiptId: text('receipt_id'),
    /** Of the payment that it came with, where no charge took that: only the receipt of its refund tells of it. */
    paymentHash: text('payment_hash'),
    state: text({ enum: ['owed', 'paying', 'paid', 'kept'] }).notNull(),
    /** The one live attempt that pays it, or the one that paid it. */
    payoutHash: text('payout_hash'),
    createdAt: integer('created_at').notNull(),
    paidAt: integer('paid_at'),
  },
  (table) => [
    index('debts_owner').on(table.owner, table.state),
    index('debts_order').on(table.orderId),
    check('debts_amount', sql`${table.amountMsats} BETWEEN 1 AND 1000000000000000`),
    check('debts_attempt', sql`(${table.state} IN ('owed', 'kept')) = (${table.payoutHash} IS NULL)`),
  ],
);

/**
 * Attempts to pay debts: one hash is one attempt for ever. `committed`: not posted yet. `sent`: posted, or perhaps
 * posted; only a look-up tells. `paid` and `dead` are proven.
 */
export const payouts = sqliteTable(
  'payouts',
  {
    paymentHash: text('payment_hash').primaryKey(),
    bolt11: text().notNull(),
    owner: text().notNull(),
    amountMsats: integer('amount_msats').notNull(),
    destination: text(),
    state: text({ enum: ['committed', 'sent', 'paid', 'dead'] }).notNull(),
    invoiceExpiresAt: integer('invoice_expires_at').notNull(),
    replyTo: integer('reply_to'),
    createdAt: integer('created_at').notNull(),
    sentAt: integer('sent_at'),
    endedAt: integer('ended_at'),
    feeMsats: integer('fee_msats'),
    preimage: text(),
    /** Why it is dead, our own code. */
    error: text(),
    /** What the customer was told while the outcome is open: '', 'on_its_way', 'a_person_looks'. */
    told: text().notNull().default(''),
    /** Proofs of death seen so far, and when: two, minutes apart, free the debt. */
    deadProofs: integer('dead_proofs').notNull().default(0),
    deadProofAt: integer('dead_proof_at'),
  },
  (table) => [
    index('payouts_state').on(table.state),
    index('payouts_owner').on(table.owner),
    index('payouts_reply').on(table.replyTo),
    check('payouts_amount', sql`${table.amountMsats} BETWEEN 1 AND 1000000000000000`),
  ],
);

/** Which debts an attempt was made for; kept when the attempt dies and the debt moves on. */
export const payoutDebts = sqliteTable(
  'payout_debts',
  { paymentHash: text('payment_hash').notNull(), debtId: integer('debt_id').notNull() },
  (table) => [primaryKey({ columns: [table.paymentHash, table.debtId] })],
);

/** The price of one bitcoin as last read: one row. Millionths of a USD. */
export const btcPrice = sqliteTable('btc_price', {
  id: integer().primaryKey(),
  usdMicros: text('usd_micros').notNull(),
  source: text().notNull(),
  at: integer().notNull(),
});

/** Signed receipts, chained by event id for each customer, so that a missing one shows. The id is fixed in the commit; the signature follows. */
export const receipts = sqliteTable(
  'receipts',
  {
    eventId: text('event_id').primaryKey(),
    owner: text().notNull(),
    position: integer().notNull(),
    /** The orders it is about (JSON array of short ids). */
    orderIds: text('order_ids').notNull(),
    /** Of a session's charge: the session. */
    session: text(),
    /** The payments that it tells of (JSON array of rows of `invoices`): the next receipt of a session tells of others. */
    invoiceIds: text('invoice_ids').notNull().default('[]'),
    kind: text({ enum: ['charge', 'refund'] }).notNull(),
    /** The unsigned event (JSON); with `sig` it is complete. */
    event: text().notNull(),
    sig: text(),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [
    uniqueIndex('receipts_chain').on(table.owner, table.position),
    index('receipts_orders').on(table.orderIds),
    index('receipts_session')
      .on(table.session)
      .where(sql`${table.session} IS NOT NULL`),
  ],
);

/**
 * Receipts of databases from before four classes of tokens: no version 1 any more, so nobody is given them, and the
 * chains begin anew. They stay for the books, which ask for a receipt of every charge and every refund.
 */
export const formerReceipts = sqliteTable(
  'former_receipts',
  {
    eventId: text('event_id').primaryKey(),
    owner: text().notNull(),
    orderIds: text('order_ids').notNull(),
    kind: text({ enum: ['charge', 'refund'] }).notNull(),
    event: text().notNull(),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [index('former_receipts_orders').on(table.orderIds)],
);

/** "I paid this" of customers, where the wallet says otherwise: a person looks. */
export const claims = sqliteTable('claims', {
  paymentHash: text('payment_hash').primaryKey(),
  owner: text().notNull(),
  at: integer().notNull(),
  /** One they sent that belongs to the payment hash: evidence, no proof (some wallets give it to anybody). */
  preimage: text(),
  resolvedAt: integer('resolved_at'),
});

/** What the operator asked for by hand about one payment, why, and what came of it. Kept for ever. */
export const handDecisions = sqliteTable(
  'hand_decisions',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    /** `order`: about one order and no payment (hash ''); `words` name it. `mend`: work that was set aside is tried again, the books are looked at anew; about no payment (hash ''). */
    what: text({ enum: ['recheck', 'credit', 'paid', 'dead', 'mend', 'order'] }).notNull(),
    paymentHash: text('payment_hash').notNull(),
    reason: text(),
    preimage: text(),
    /** The wallet is gone for good: decide without asking it. */
    unasked: integer({ mode: 'boolean' }).notNull().default(false),
    at: integer().notNull(),
    endedAt: integer('ended_at'),
    /** `done`: it was booked so. `refused`: nothing was changed. */
    result: text({ enum: ['done', 'refused'] }),
    /** What came of it, for people. */
    words: text(),
  },
  (table) => [
    index('hand_decisions_hash').on(table.paymentHash),
    check('hand_decisions_reason', sql`${table.what} = 'recheck' OR coalesce(length(${table.reason}), 0) > 0`),
    check('hand_decisions_ended', sql`(${table.endedAt} IS NULL) = (${table.result} IS NULL)`),
  ],
);

/**
 * Paid rows of the wallet's own books that are not of our making, each taken note of once. `found`: there at first
 * contact, the operator's. `surplus`: money nobody was asked for. `foreign`: money that left without us.
 */
export const walletRows = sqliteTable(
  'wallet_rows',
  {
    paymentHash: text('payment_hash').notNull(),
    direction: text({ enum: ['in', 'out'] }).notNull(),
    why: text({ enum: ['found', 'surplus', 'foreign'] }).notNull(),
    amountMsats: integer('amount_msats').notNull(),
    at: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.paymentHash, table.direction] })],
);

/** The last comparison of the books with the wallet: one row. Msats; a gap > 0 means that the wallet holds less. */
export const reconciliation = sqliteTable('reconciliation', {
  id: integer().primaryKey(),
  at: integer().notNull(),
  balanceMsats: integer('balance_msats').notNull(),
  /** What nothing explains. */
  gapMsats: integer('gap_msats').notNull(),
  /** Why sales and payments are stopped, or null. */
  drift: text(),
});
