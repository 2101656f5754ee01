import { sql } from 'drizzle-orm';
import { check, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

/** Messages taken in, each once: the key is the sender and the recomputed rumor id, never the wrap, which anybody can make anew. */
export const inbox = sqliteTable(
  'inbox',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    sender: text().notNull(),
    rumorId: text('rumor_id').notNull(),
    protocol: text({ enum: ['nip17', 'nip04'] }).notNull(),
    /** Kind of the rumor: 14 chat, 15 file, 7 reaction, 5 delete, 1 note. */
    kind: integer().notNull(),
    createdAt: integer('created_at').notNull(),
    receivedAt: integer('received_at').notNull(),
    age: text({ enum: ['fresh', 'stale', 'future'] }).notNull(),
    isGroup: integer('is_group', { mode: 'boolean' }).notNull(),
    textId: integer('text_id'),
    /** Why its text was not kept; and after how many seconds its sender may write again. */
    shed: text({ enum: ['too_large', 'too_fast', 'no_room'] }),
    retryAfter: integer('retry_after'),
    /** How it was written, once it has been read: words, or JSON-RPC with this id (JSON text). */
    dialect: text({ enum: ['words', 'rpc'] }),
    rpcId: text('rpc_id'),
    rpcMethod: text('rpc_method'),
    /** sha256 of sender, id, method and params: the same within 24 hours is the same request. */
    rpcKey: text('rpc_key'),
  },
  (table) => [uniqueIndex('inbox_once').on(table.sender, table.rumorId), index('inbox_rpc_key').on(table.rpcKey)],
);

/** Verified wraps that need no second look, so that five relays cost the crypto of one. */
export const seenWraps = sqliteTable('seen_wraps', { id: text().primaryKey(), at: integer().notNull() }, (table) => [
  index('seen_wraps_age').on(table.at),
]);

/** Verified wraps that were worth nothing; the newest so many (`MAX_DROPPED`). */
export const droppedWraps = sqliteTable(
  'dropped_wraps',
  { seq: integer().primaryKey({ autoIncrement: true }), id: text().notNull() },
  (table) => [uniqueIndex('dropped_wraps_id').on(table.id)],
);

/** The relays that we read, as the running daemon last saw them. */
export const relayStates = sqliteTable('relay_states', {
  url: text().primaryKey(),
  state: text({ enum: ['subscribed', 'lost'] }).notNull(),
  since: integer().notNull(),
  syncedAt: integer('synced_at'),
  failures: integer().notNull().default(0),
});

/** Per relay: everything it had up to then has been received. */
export const highWaters = sqliteTable('high_waters', { relay: text().primaryKey(), at: integer().notNull() });

/** Messages owed. Sealed once; the same signed bytes go out until relays acknowledge them. */
export const outbox = sqliteTable(
  'outbox',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    recipient: text().notNull(),
    protocol: text({ enum: ['nip17', 'nip04'] }).notNull(),
    /** `created_at` of the rumor. */
    sentAt: integer('sent_at').notNull(),
    /** Rumor id of the message it answers. */
    replyTo: text('reply_to'),
    textId: integer('text_id'),
    /** The short id of the order it is about. */
    orderId: text('order_id'),
    /** It is about money that was paid: never dropped, and an alert where nobody takes it. */
    paid: integer({ mode: 'boolean' }).notNull().default(false),
    /** `undeliverable`: every way there is was tried in vain. It ends when a relay takes it, or with the next list. */
    state: text({ enum: ['waiting', 'sealed', 'delivered', 'undeliverable'] }).notNull(),
    rumorId: text('rumor_id'),
    /** The signed event, JSON, until every relay has answered for good. */
    event: text(),
    eventId: text('event_id'),
    /** Wrapped once more, dated near now, for relays with a narrow window. */
    nearNow: integer('near_now', { mode: 'boolean' }).notNull().default(false),
    /** Ways to the reader (rungs of the ladder) that are in use; the next one is taken at `climb_at`. */
    rungs: integer().notNull().default(0),
    climbAt: integer('climb_at'),
    alertedAt: integer('alerted_at'),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [
    index('outbox_state').on(table.state, table.createdAt),
    index('outbox_climb').on(table.climbAt),
    index('outbox_recipient').on(table.recipient, table.createdAt),
    check('outbox_sealed', sql`${table.state} <> 'sealed' OR ${table.event} IS NOT NULL`),
  ],
);

export const outboxRelays = sqliteTable(
  'outbox_relays',
  {
    outboxId: integer('outbox_id').notNull(),
    relay: text().notNull(),
    /** `refused`: given up there; a relay's no alone leaves it `pending`. */
    state: text({ enum: ['pending', 'accepted', 'refused'] }).notNull(),
    /** Its last word, or ours for want of one. */
    why: text(),
    /** Which way to the reader it belongs to; 0 is the best. */
    rung: integer().notNull().default(0),
    /** When it is tried next, and how often it was. */
    dueAt: integer('due_at').notNull().default(0),
    tries: integer().notNull().default(0),
    /** A wrap of its own, with the work that this relay asks for (NIP-13). */
    event: text(),
    at: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.outboxId, table.relay] }),
    index('outbox_relays_due').on(table.state, table.dueAt),
    index('outbox_relays_relay').on(table.relay, table.state, table.dueAt),
  ],
);

/** First answers to JSON-RPC requests that change something, for replays within 24 hours. */
export const rpcAnswers = sqliteTable(
  'rpc_answers',
  {
    key: text().primaryKey(),
    textId: integer('text_id').notNull(),
    /** The order it was about: known even when the text is erased. */
    orderId: text('order_id'),
    at: integer().notNull(),
  },
  (table) => [index('rpc_answers_age').on(table.at)],
);
