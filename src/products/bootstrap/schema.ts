import { sql } from 'drizzle-orm';
import { check, index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

/** One row for each node that was ordered; what belongs to its state alone is in `details` (JSON of the machine's order). */
export const bootstraps = sqliteTable(
  'bootstraps',
  {
    id: text().primaryKey(),
    seq: integer().notNull(),
    state: text({
      enum: ['awaiting_payment', 'provisioning', 'ready', 'expiring', 'destroyed', 'failed', 'expired'],
    }).notNull(),
    owner: text().notNull(),
    dialect: text({ enum: ['words', 'rpc'] }).notNull(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
    /** The work outside that is owed now (an activity), or null. */
    doing: text(),
    /** The node's own key, hex. */
    nodePubkey: text('node_pubkey'),
    details: text({ mode: 'json' }).$type<Record<string, unknown>>().notNull(),
  },
  (table) => [
    index('bootstraps_owner').on(table.owner, table.createdAt),
    index('bootstraps_state').on(table.state),
    // Each customer has one node at a time, or one that waits for its fee.
    uniqueIndex('bootstraps_live')
      .on(table.owner)
      .where(sql`${table.state} IN ('awaiting_payment', 'provisioning', 'ready', 'expiring')`),
    uniqueIndex('bootstraps_node').on(table.nodePubkey),
    index('bootstraps_doing')
      .on(table.doing)
      .where(sql`${table.doing} IS NOT NULL`),
    check('bootstraps_seq', sql`${table.seq} >= 1`),
  ],
);

/**
 * Every call that makes or ends something at a cloud: the intent before it, what came of it after. `outcome` null: it may
 * have happened; it is looked up, never simply done again. No body of a call is kept, and no key.
 */
export const cloudCalls = sqliteTable(
  'cloud_calls',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    orderId: text('order_id').notNull(),
    attempt: integer().notNull(),
    call: text().notNull(),
    /** What it is called, or is known by, at the cloud. */
    name: text().notNull(),
    intentAt: integer('intent_at').notNull(),
    endedAt: integer('ended_at'),
    outcome: text({ enum: ['done', 'refused', 'nothing'] }),
    /** The id that the cloud gave, or our code of its no. */
    resource: text(),
  },
  (table) => [
    index('cloud_calls_order').on(table.orderId, table.call),
    check('cloud_calls_ended', sql`(${table.endedAt} IS NULL) = (${table.outcome} IS NULL)`),
  ],
);

/**
 * What clouds bill us, in books of its own beside the sats: one row for each thing that costs while it exists. Prices as
 * they were when it was made, in millionths of a USD.
 */
export const cloudRentals = sqliteTable(
  'cloud_rentals',
  {
    resource: text().primaryKey(),
    kind: text({ enum: ['droplet', 'volume'] }).notNull(),
    orderId: text('order_id').notNull(),
    name: text().notNull(),
    region: text().notNull(),
    size: text().notNull(),
    hourlyUsdMicros: integer('hourly_usd_micros').notNull(),
    monthlyUsdMicros: integer('monthly_usd_micros').notNull(),
    fromAt: integer('from_at').notNull(),
    /** The cloud said that it is gone. */
    goneAt: integer('gone_at'),
    isStub: integer('is_stub', { mode: 'boolean' }).notNull(),
  },
  (table) => [
    index('cloud_rentals_order').on(table.orderId),
    index('cloud_rentals_live')
      .on(table.goneAt)
      .where(sql`${table.goneAt} IS NULL`),
    check('cloud_rentals_price', sql`${table.hourlyUsdMicros} >= 0 AND ${table.monthlyUsdMicros} >= 0`),
    check('cloud_rentals_time', sql`${table.goneAt} IS NULL OR ${table.goneAt} >= ${table.fromAt}`),
  ],
);

/** What a node last said of itself: one row for each. */
export const nodeReports = sqliteTable('node_reports', {
  pubkey: text().primaryKey(),
  orderId: text('order_id').notNull(),
  /** The node's own count: an older report does not overwrite a newer one. */
  seq: integer().notNull(),
  at: integer().notNull(),
  report: text({ mode: 'json' }).$type<Record<string, unknown>>().notNull(),
});

/** What the sweeper found at the cloud that is nobody's here: told to the operator, never touched. */
export const cloudStrays = sqliteTable('cloud_strays', {
  resource: text().primaryKey(),
  kind: text({ enum: ['droplet', 'volume', 'device'] }).notNull(),
  name: text().notNull(),
  firstAt: integer('first_at').notNull(),
  lastAt: integer('last_at').notNull(),
});
