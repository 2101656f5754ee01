import { sql } from 'drizzle-orm';
import { check, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

/** One row for each session; what belongs to its state alone is in `details` (JSON of the machine's union). */
export const sessions = sqliteTable(
  'sessions',
  {
    id: text().primaryKey(),
    seq: integer().notNull(),
    state: text().notNull(),
    owner: text().notNull(),
    dialect: text({ enum: ['words', 'rpc'] }).notNull(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
    /** sha256 of the access token, hex; the token itself is nowhere. */
    tokenHash: text('token_hash'),
    details: text({ mode: 'json' }).$type<Record<string, unknown>>().notNull(),
  },
  (table) => [
    index('sessions_owner').on(table.owner, table.createdAt),
    index('sessions_state').on(table.state),
    uniqueIndex('sessions_token').on(table.tokenHash),
    // One live session for each customer.
    uniqueIndex('sessions_live')
      .on(table.owner)
      .where(sql`${table.state} IN ('awaiting_payment', 'active', 'paused')`),
    check('sessions_seq', sql`${table.seq} >= 1`),
  ],
);

/** One row for each request within a session: an order of its own, whose owner is who asked. */
export const requests = sqliteTable(
  'requests',
  {
    /** In the order in which they came; conversations are remembered by it. */
    n: integer().primaryKey({ autoIncrement: true }),
    id: text().notNull().unique(),
    seq: integer().notNull(),
    state: text().notNull(),
    owner: text().notNull(),
    sessionId: text('session_id').notNull(),
    dialect: text({ enum: ['words', 'rpc'] }).notNull(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
    requestId: integer('request_id'),
    resultId: integer('result_id'),
    /** Which conversation of its owner in this session it belongs to: `new` begins the next. */
    talk: integer().notNull(),
    chargedSats: integer('charged_sats').notNull().default(0),
    details: text({ mode: 'json' }).$type<Record<string, unknown>>().notNull(),
  },
  (table) => [
    index('requests_session').on(table.sessionId, table.owner, table.createdAt),
    index('requests_owner').on(table.owner, table.state),
    index('requests_state').on(table.state),
    check('requests_seq', sql`${table.seq} >= 1`),
    check('requests_charged', sql`${table.chargedSats} >= 0`),
  ],
);

/** Who talks in a session: its owner, and those who hold its token. */
export const sessionTalkers = sqliteTable(
  'session_talkers',
  {
    sessionId: text('session_id').notNull(),
    npub: text().notNull(),
    /**
     * The hash of the token that they showed (`use`): as long as it is the session's, what they write in words is asked
     * in it. Null: its owner.
     */
    tokenHash: text('token_hash'),
    talk: integer().notNull().default(0),
    /** Of the conversation, what is older than this row of `requests` is not given to the model again. */
    rememberedFrom: integer('remembered_from').notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.sessionId, table.npub] }),
    index('session_talkers_npub').on(table.npub, table.tokenHash),
  ],
);
