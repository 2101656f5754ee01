import { findCustomer, setPreferences } from '../customers/index.ts';
import type { Database, Tx } from '../db/index.ts';
import { withTimeout, type Clock } from '../lib/clock.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { lightningAddressOf } from '../nostr/profile.ts';
import { payAutomatically } from './debts.ts';
import type { Relays } from '../ports/relays.ts';
import { schedule, type TaskKind } from '../tasks/index.ts';

export interface ProfileLookupOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly relays: Relays;
  /** Where profiles are looked for. */
  readonly where: readonly string[];
  /** `TIMMY_ALLOW_PRIVATE_NETWORK`: `user@host:port` is an address there, too. */
  readonly allowPrivateNetwork: boolean;
}

const TTL = 3600;
const LOOKUP_MS = 4000;

/** Owes a look at the customer's kind 0, when an order is made: their Lightning address is where change goes. */
export function lookUpProfileOf(tx: Tx, pubkey: string, now: UnixSeconds): void {
  const known = findCustomer(tx, pubkey);
  if (known === undefined || now - known.profileFetchedAt < TTL) return;
  schedule(tx, { kind: 'profile.lookup', payload: { pubkey }, key: `profile.lookup:${pubkey}`, dueAt: now, now });
}

/**
 * Reads a customer's kind 0. An older one than the one known changes nothing: a relay may serve an abandoned address.
 *
 * Killed midway: nothing happened; it is asked again.
 */
export function profileLookupTask(options: ProfileLookupOptions): TaskKind<{ pubkey: string }> {
  const { database, clock, relays, allowPrivateNetwork } = options;
  return {
    kind: 'profile.lookup',
    pool: 'lookups',
    leaseSeconds: 30,
    maxAttempts: 3,
    run: async (task, signal) => {
      const { pubkey } = task.payload;
      const arrival = findCustomer(database.read, pubkey)?.arrivalRelay ?? null;
      const where = [...new Set([...options.where, ...(arrival === null ? [] : [arrival])])];
      const limited = withTimeout(clock, LOOKUP_MS, signal);
      const events = await relays.query(where, { kinds: [0], authors: [pubkey] }, limited.signal).finally(limited.done);
      return (tx) => {
        const now = clock.now();
        const [newest] = events
          .filter((event) => event.kind === 0 && event.pubkey === pubkey && event.created_at <= now + 900)
          .sort((a, b) => b.created_at - a.created_at);
        const known = findCustomer(tx, pubkey);
        if (known === undefined) return;
        if (newest === undefined || newest.created_at < known.profileAt) {
          return setPreferences(tx, pubkey, { profileFetchedAt: now });
        }
        setPreferences(tx, pubkey, {
          profileFetchedAt: now,
          profileAt: newest.created_at,
          lud16: lightningAddressOf(newest, { allowPrivateNetwork }),
        });
        payAutomatically(tx, pubkey, now, now);
      };
    },
  };
}
