import type { Filter, NostrEvent } from '../nostr/event.ts';
import { matchesFilter } from '../nostr/filters.ts';

export interface StoreLimits {
  readonly maxEvents: number;
  /** Approximate bytes of all events together. */
  readonly maxBytes: number;
  /** The most that one filter is answered with, and what it is answered with when it names no limit. */
  readonly maxPerFilter: number;
}

export type Stored = 'stored' | 'duplicate' | 'outdated';

/** Events in memory, newest first to the reader; what arrived first goes first when the room is used up. */
export class EventStore {
  readonly #limits: StoreLimits;
  readonly #events = new Map<string, NostrEvent>();
  /** Address of a replaceable event → id of the one that stands. */
  readonly #current = new Map<string, string>();
  #bytes = 0;

  constructor(limits: StoreLimits) {
    this.#limits = limits;
  }

  /** Keeps `event`, which must be verified and not ephemeral. Of a replaceable kind only the newest stays (NIP-01). */
  add(event: NostrEvent): Stored {
    if (this.#events.has(event.id)) return 'duplicate';
    const address = addressOf(event);
    if (address !== null) {
      const standing = this.#events.get(this.#current.get(address) ?? '');
      if (standing !== undefined) {
        if (compareNewestFirst(standing, event) < 0) return 'outdated';
        this.#remove(standing);
      }
      this.#current.set(address, event.id);
    }
    this.#events.set(event.id, event);
    this.#bytes += sizeOf(event);
    this.#makeRoom();
    return 'stored';
  }

  /** What any of the filters asks for, newest first, each event once. */
  query(filters: readonly Filter[]): readonly NostrEvent[] {
    const found = new Map<string, NostrEvent>();
    for (const filter of filters) {
      const limit = Math.min(filter.limit ?? this.#limits.maxPerFilter, this.#limits.maxPerFilter);
      const matching = [...this.#events.values()].filter((event) => matchesFilter(event, filter));
      for (const event of matching.sort(compareNewestFirst).slice(0, limit)) found.set(event.id, event);
    }
    return [...found.values()].sort(compareNewestFirst);
  }

  all(): readonly NostrEvent[] {
    return [...this.#events.values()];
  }

  #makeRoom(): void {
    for (const event of this.#events.values()) {
      if (this.#events.size <= this.#limits.maxEvents && this.#bytes <= this.#limits.maxBytes) return;
      this.#remove(event);
    }
  }

  #remove(event: NostrEvent): void {
    this.#events.delete(event.id);
    this.#bytes -= sizeOf(event);
    const address = addressOf(event);
    if (address !== null && this.#current.get(address) === event.id) this.#current.delete(address);
  }
}

/** Ephemeral kinds are passed on and never stored. */
export function isEphemeral(kind: number): boolean {
  return kind >= 20_000 && kind < 30_000;
}

function addressOf({ kind, pubkey, tags }: NostrEvent): string | null {
  if (kind === 0 || kind === 3 || (kind >= 10_000 && kind < 20_000)) return `${kind}:${pubkey}`;
  if (kind < 30_000 || kind >= 40_000) return null;
  return `${kind}:${pubkey}:${tags.find((tag) => tag[0] === 'd')?.[1] ?? ''}`;
}

/** Newest first; of one second, the lowest id first (NIP-01). */
function compareNewestFirst(a: NostrEvent, b: NostrEvent): number {
  return b.created_at - a.created_at || (a.id < b.id ? -1 : 1);
}

function sizeOf(event: NostrEvent): number {
  return 500 + event.content.length + event.tags.reduce((sum, tag) => sum + tag.join().length, 0);
}
