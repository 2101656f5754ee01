import { customer, findRelayList, keepRelayList, type RelayList } from '../../customers/index.ts';
import type { Database, Reader, Tx } from '../../db/index.ts';
import { withTimeout, type Clock } from '../../lib/clock.ts';
import type { UnixSeconds } from '../../lib/units.ts';
import { parseDmRelayList, parseRelayList } from '../../nostr/relay-list.ts';
import type { Relays } from '../../ports/relays.ts';

export interface LadderOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly relays: Relays;
  /** Our own relays, always allowed; and where relay lists of strangers are looked for. */
  readonly inboxRelays: readonly string[];
  readonly discoveryRelays: readonly string[];
  /** May we connect to this relay, which a stranger named? */
  readonly mayUse: (relay: string) => boolean;
}

/** A list that was found is believed for so long, one that was not for so long. Seconds. */
const FOUND_TTL = 3600;
const ABSENT_TTL = 300;
const LOOKUP_MS = 2000;
/** A reader is followed to no more relays than these, whatever their lists say. */
const MAX_RELAYS_OF_A_RUNG = 4;
/** A list dated further ahead is not believed. Seconds. */
const MAX_AHEAD = 900;

/**
 * The ways to a reader, the best first, each relay once: their DM relays (kind 10050), where they read in public
 * (NIP-65), where their last message came from, where we read ourselves. product.md: Delivery.
 */
export function ladder(reader: Reader | Tx, pubkey: string, options: LadderOptions): string[][] {
  const { arrivalRelay } = customer(reader, pubkey);
  const rungs = [
    findRelayList(reader, pubkey, 10050)?.relays ?? [],
    findRelayList(reader, pubkey, 10002)?.relays ?? [],
    arrivalRelay === null ? [] : [arrivalRelay],
    options.inboxRelays,
  ];
  const seen = new Set<string>();
  return rungs
    .map((relays) => {
      const usable = [...new Set(relays)].filter((relay) => !seen.has(relay) && isAllowed(options, relay));
      const taken = usable.slice(0, MAX_RELAYS_OF_A_RUNG);
      for (const relay of taken) seen.add(relay);
      return taken;
    })
    .filter((relays) => relays.length > 0);
}

/** Newest 10050 and 10002 of a reader. `younger`: what was looked up within so many seconds is not looked up again. */
export async function lookUpLists(
  options: LadderOptions,
  pubkey: string,
  signal: AbortSignal,
  younger?: number,
): Promise<RelayList[]> {
  const { database, clock } = options;
  const known = findRelayList(database.read, pubkey, 10050);
  const now = clock.now();
  const ttl = younger ?? ((known?.relays.length ?? 0) > 0 ? FOUND_TTL : ABSENT_TTL);
  if (known !== undefined && now - known.fetchedAt < ttl) return [];
  const { arrivalRelay } = customer(database.read, pubkey);
  const where = new Set([
    ...options.discoveryRelays,
    ...options.inboxRelays,
    ...(arrivalRelay !== null && isAllowed(options, arrivalRelay) ? [arrivalRelay] : []),
  ]);
  const limited = withTimeout(clock, LOOKUP_MS, signal);
  try {
    const filter = { kinds: [10050, 10002], authors: [pubkey] };
    const events = await options.relays.query([...where], filter, limited.signal);
    return ([10050, 10002] as const).map((kind) => {
      const newest = events
        .filter((event) => event.kind === kind && event.pubkey === pubkey && event.created_at <= now + MAX_AHEAD)
        .sort((a, b) => b.created_at - a.created_at)[0];
      return {
        pubkey,
        kind,
        relays:
          newest === undefined ? [] : [...(kind === 10050 ? parseDmRelayList(newest) : parseRelayList(newest).read)],
        eventAt: newest?.created_at ?? 0,
        fetchedAt: now,
      };
    });
  } finally {
    limited.done();
  }
}

export function keepLists(tx: Tx, lists: readonly RelayList[]): void {
  for (const list of lists) keepRelayList(tx, list);
}

/** When the lists of this reader were last asked for; null: never. */
export function askedForLists(reader: Reader, pubkey: string): UnixSeconds | null {
  return (findRelayList(reader, pubkey, 10050)?.fetchedAt as UnixSeconds | undefined) ?? null;
}

function isAllowed(options: LadderOptions, relay: string): boolean {
  return options.inboxRelays.includes(relay) || options.mayUse(relay);
}
