import { eq } from 'drizzle-orm';
import { statement, type Reader, type Tx } from '../db/index.ts';
import { unixSeconds, type UnixSeconds } from '../lib/units.ts';
import { FUTURE_AFTER_SECONDS } from '../nostr/opened-dm.ts';
import { customers, type relayLists } from './schema.ts';

export type Customer = typeof customers.$inferSelect;
export type DmProtocol = Customer['protocol'];

/** Remembers that this key wrote, how, and through which relay. */
export function meet(tx: Tx, pubkey: string, protocol: DmProtocol, relay: string | null, now: UnixSeconds): void {
  statement(
    tx,
    `INSERT INTO customers (pubkey, created_at, protocol, arrival_relay) VALUES (?, ?, ?, ?)
     ON CONFLICT (pubkey) DO UPDATE SET protocol = excluded.protocol, arrival_relay = coalesce(excluded.arrival_relay, arrival_relay)`,
  ).run(pubkey, now, protocol, relay);
}

export function findCustomer(reader: Reader, pubkey: string): Customer | undefined {
  return reader.select().from(customers).where(eq(customers.pubkey, pubkey)).get();
}

/** @throws when nobody of this key ever wrote. */
export function customer(reader: Reader, pubkey: string): Customer {
  const found = findCustomer(reader, pubkey);
  if (found === undefined) throw new Error('customers.unknown');
  return found;
}

type Preferences = Partial<Omit<Customer, 'pubkey' | 'createdAt'>>;

/** Changes these and leaves the others; none at all is fine. */
export function setPreferences(tx: Tx, pubkey: string, preferences: Preferences): void {
  if (Object.keys(preferences).length === 0) return;
  tx.update(customers).set(preferences).where(eq(customers.pubkey, pubkey)).run();
}

/**
 * The date for the next message to this customer: strictly after the last one and after the message it answers,
 * because clients sort by whole seconds.
 */
export function nextSendTime(tx: Tx, pubkey: string, now: UnixSeconds, answering: number | null): UnixSeconds {
  const { lastSentAt } = customer(tx, pubkey);
  // A message from a clock ahead of ours must not drag our answers along by more than its allowed 15 minutes.
  const answered = Math.min(answering ?? 0, now + FUTURE_AFTER_SECONDS);
  const at = unixSeconds(Math.max(now, lastSentAt + 1, answered + 1));
  statement(tx, 'UPDATE customers SET last_sent_at = ? WHERE pubkey = ?').run(at, pubkey);
  return at;
}

export type RelayList = typeof relayLists.$inferSelect;

export function findRelayList(reader: Reader, pubkey: string, kind: 10050 | 10002): RelayList | undefined {
  const row = statement(
    reader,
    'SELECT pubkey, kind, relays, event_at AS eventAt, fetched_at AS fetchedAt FROM relay_lists WHERE pubkey = ? AND kind = ?',
  ).get(pubkey, kind) as (Omit<RelayList, 'relays'> & { relays: string }) | undefined;
  return row === undefined ? undefined : { ...row, relays: JSON.parse(row.relays) as string[] };
}

/** Keeps a relay list; an older event than the one known changes nothing but the time of looking. */
export function keepRelayList(tx: Tx, list: RelayList): void {
  statement(
    tx,
    `INSERT INTO relay_lists (pubkey, kind, relays, event_at, fetched_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (pubkey, kind) DO UPDATE SET fetched_at = excluded.fetched_at,
       relays = CASE WHEN excluded.event_at >= event_at THEN excluded.relays ELSE relays END,
       event_at = max(event_at, excluded.event_at)`,
  ).run(list.pubkey, list.kind, JSON.stringify(list.relays), list.eventAt, list.fetchedAt);
}

/** True, and remembered, when `what` was not said to this customer within the last `seconds`. */
export function mayTell(tx: Tx, pubkey: string, what: string, seconds: number, now: UnixSeconds): boolean {
  return (
    statement(
      tx,
      `INSERT INTO told (pubkey, what, at) VALUES (@pubkey, @what, @now)
       ON CONFLICT (pubkey, what) DO UPDATE SET at = excluded.at WHERE at <= @now - @seconds`,
    ).run({ pubkey, what, now, seconds }).changes === 1
  );
}

/** The clock was put back to `now`: what it dated later is dated now, or nobody would be told anything until
 * then; what was looked up later is looked up anew. */
export function forgetFutureDates(tx: Tx, now: UnixSeconds): void {
  statement(tx, 'UPDATE told SET at = @now WHERE at > @now').run({ now });
  statement(tx, 'UPDATE customers SET last_sent_at = @now WHERE last_sent_at > @now').run({ now });
  statement(tx, 'UPDATE customers SET profile_fetched_at = 0 WHERE profile_fetched_at > ?').run(now);
  statement(tx, 'UPDATE relay_lists SET fetched_at = 0 WHERE fetched_at > ?').run(now);
}
