import { blob, index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** Everyone who ever wrote to us: how to reach them and what they prefer. */
export const customers = sqliteTable('customers', {
  pubkey: text().primaryKey(),
  createdAt: integer('created_at').notNull(),
  /** The protocol of their latest accepted message. */
  protocol: text({ enum: ['nip17', 'nip04'] }).notNull(),
  /** The relay that brought their latest message: the last rung of the delivery ladder. */
  arrivalRelay: text('arrival_relay'),
  /** `created_at` of the last rumor we sent them; the next is later, so that clients keep the order. */
  lastSentAt: integer('last_sent_at').notNull().default(0),
  /** Invoices as `lightning:<bolt11>` for clients that need the prefix. */
  uriForm: integer('uri_form', { mode: 'boolean' }).notNull().default(false),
  /** Where refunds go: the destination they stored (`refund_to`), and the one they asked for last. */
  refundTo: text('refund_to'),
  lastDestination: text('last_destination'),
  refundsOn: integer('refunds_on', { mode: 'boolean' }).notNull().default(true),
  keepOn: integer('keep_on', { mode: 'boolean' }).notNull().default(false),
  /** What was owed when they were last asked for a destination, msats: not asked again until it doubled. */
  askedAtMsats: integer('asked_at_msats').notNull().default(0),
  /** Lightning address in their kind 0, and that event's date (never goes backwards). */
  lud16: text(),
  profileAt: integer('profile_at').notNull().default(0),
  profileFetchedAt: integer('profile_fetched_at').notNull().default(0),
});

/** Addresses that could not be paid lately, until one is paid or named again. At most the few of each customer that are known. */
export const failingAddresses = sqliteTable(
  'failing_addresses',
  {
    owner: text().notNull(),
    destination: text().notNull(),
    /** The first and the last failure of an unbroken row of them, and how many. */
    since: integer().notNull(),
    lastAt: integer('last_at').notNull(),
    failures: integer().notNull(),
    /** Failed for an hour: passed over from then on. */
    givenUpAt: integer('given_up_at'),
  },
  (table) => [primaryKey({ columns: [table.owner, table.destination] })],
);

/** Where a customer reads their messages, newest list known (never goes backwards). */
export const relayLists = sqliteTable(
  'relay_lists',
  {
    pubkey: text().notNull(),
    /** 10050 or 10002. */
    kind: integer().notNull(),
    relays: text({ mode: 'json' }).$type<string[]>().notNull(),
    /** Date of the event, 0 when none was found. */
    eventAt: integer('event_at').notNull(),
    fetchedAt: integer('fetched_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.pubkey, table.kind] })],
);

/** What people wrote and what they were answered, sealed with keys that are not in the database (`KeyFile`). */
export const texts = sqliteTable(
  'texts',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    owner: text().notNull(),
    box: blob({ mode: 'buffer' }).notNull(),
    createdAt: integer('created_at').notNull(),
    /** The key of its owner that seals it. Null: sealed by an earlier version, until the start has sealed it anew. */
    keyId: integer('key_id'),
  },
  (table) => [index('texts_owner').on(table.owner), index('texts_age').on(table.createdAt)],
);

/** Things that are said once in a while and not again (clock ahead, files, group rooms, greetings). */
export const told = sqliteTable(
  'told',
  { pubkey: text().notNull(), what: text().notNull(), at: integer().notNull() },
  (table) => [primaryKey({ columns: [table.pubkey, table.what] })],
);
