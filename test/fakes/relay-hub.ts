import { unixSeconds } from '../../src/lib/units.ts';
import type { NostrEvent } from '../../src/nostr/event.ts';
import { matchesFilter } from '../../src/nostr/filters.ts';
import type { InboxHandlers, Relays, Subscription } from '../../src/ports/relays.ts';

export interface RelayHub {
  /** What a relay holds. */
  stored(url: string): readonly NostrEvent[];
  /** Puts an event on a relay and resolves when every subscriber has handled it. */
  put(url: string, event: NostrEvent): Promise<void>;
  /** A client of the hub, for one party. */
  connect(): Relays;
  /** Resolves with the next event of this kind that is put on any relay. */
  next(kind: number): Promise<NostrEvent>;
}

interface Reader {
  readonly url: string;
  readonly subscription: Subscription;
  readonly handlers: InboxHandlers;
}

/** The relays port without sockets: relays of these URLs that keep and pass on everything; others cannot be reached. */
export function createRelayHub(urls: readonly string[]): RelayHub {
  const stores = new Map(urls.map((url): [string, NostrEvent[]] => [url, []]));
  const readers = new Set<Reader>();
  const watchers = new Set<{ kind: number; resolve: (event: NostrEvent) => void }>();

  async function put(url: string, event: NostrEvent): Promise<void> {
    stores.get(url)?.push(event);
    for (const watcher of watchers) if (watcher.kind === event.kind && watchers.delete(watcher)) watcher.resolve(event);
    const wanting = [...readers].filter((r) => r.url === url && matchesFilter(event, r.subscription.filter));
    await Promise.all(wanting.map((reader) => reader.handlers.onEvent(event, url, 'live')));
  }

  return {
    stored: (url) => stores.get(url) ?? [],
    put,
    next: (kind) => new Promise((resolve) => watchers.add({ kind, resolve })),
    connect() {
      const mine = new Set<Reader>();
      return {
        start(inbox, subscriptions, handlers) {
          for (const url of inbox.filter((candidate) => stores.has(candidate))) void read(url);
          async function read(url: string): Promise<void> {
            for (const subscription of subscriptions) {
              const old = (stores.get(url) ?? []).filter((event) => matchesFilter(event, subscription.filter));
              for (const event of old.reverse()) await handlers.onEvent(event, url, 'stored');
              const reader = { url, subscription, handlers };
              readers.add(reader);
              mine.add(reader);
            }
            handlers.onSynced(url, unixSeconds(0));
          }
        },
        async publish(url, event) {
          if (!stores.has(url)) return { outcome: 'later', why: 'unreachable' };
          await put(url, event);
          return { outcome: 'accepted' };
        },
        async query(asked, filter) {
          return asked.flatMap((url) => (stores.get(url) ?? []).filter((event) => matchesFilter(event, filter)));
        },
        states: () => [],
        async close() {
          for (const reader of mine) readers.delete(reader);
        },
      };
    },
  };
}
