import type { Filter, NostrEvent } from '../../nostr/event.ts';
import { normalizeRelayUrl, normalizeRelayUrls } from '../../nostr/relay-url.ts';
import type { PublishResult, Relays } from '../../ports/relays.ts';
import { collect } from './collect.ts';
import { InboxRelay, type RelayPorts } from './inbox-relay.ts';
import { LinkPool } from './link-pool.ts';
import { mayNeedAuth } from './refusals.ts';
import { Spellings } from './spellings.ts';
import { createWsSockets } from './ws-socket.ts';

export { relayDoor } from './relay-door.ts';
export type { RelaySocket, SocketFactory, SocketHandlers } from './socket.ts';
export { createWsSockets, type Admit } from './ws-socket.ts';

const UNREACHABLE: PublishResult = { outcome: 'later', why: 'unreachable' };

/** `openSocket` left out: WebSockets to anywhere. Give `createWsSockets(relayDoor(…))` where strangers name relays. */
export type RelaysOptions = Omit<RelayPorts, 'openSocket' | 'spellings'> & Partial<Pick<RelayPorts, 'openSocket'>>;

/**
 * The relay connections. On inbox relays, and where we deliver, we answer AUTH with our key; queries are asked
 * anonymously, for a relay need not learn whose lists we look up, except where an inbox relay insists.
 */
export function createRelays(options: RelaysOptions): Relays {
  const spellings = new Spellings();
  const ports: RelayPorts = { ...options, spellings, openSocket: options.openSocket ?? createWsSockets() };
  const pool = new LinkPool(ports);
  const inbox = new Map<string, InboxRelay>();
  let isClosed = false;

  async function queryOne(url: string, filter: Filter, signal: AbortSignal): Promise<readonly NostrEvent[]> {
    const { events, refusal } = await pool.use(url, 'anonymous', async (link) =>
      link === null ? { events: [], refusal: null } : collect(link, filter, ports.clock, signal),
    );
    const ours = inbox.get(url)?.link() ?? null;
    const isGated = refusal !== null && refusal !== 'timeout' && mayNeedAuth(refusal);
    if (!isGated || ours === null || signal.aborted) return events;
    return (await collect(ours, filter, ports.clock, signal)).events;
  }

  return {
    start(urls, subscriptions, handlers) {
      if (inbox.size > 0) throw new Error('relays: started twice');
      for (const written of urls) {
        const url = normalizeRelayUrl(written);
        if (url !== null) spellings.configured(url, written);
      }
      for (const url of normalizeRelayUrls(urls, urls.length)) {
        inbox.set(url, new InboxRelay(url, subscriptions, handlers, ports));
      }
    },

    async publish(relay, event, signal) {
      const url = normalizeRelayUrl(relay);
      if (url === null || isClosed) return UNREACHABLE;
      const home = inbox.get(url);
      if (home !== undefined) return (await home.link()?.publish(event, signal)) ?? UNREACHABLE;
      return pool.use(url, 'ourselves', async (link) => (await link?.publish(event, signal)) ?? UNREACHABLE);
    },

    async query(relays, filter, signal) {
      if (isClosed) return [];
      const urls = normalizeRelayUrls(relays, relays.length);
      const answers = await Promise.all(urls.map((url) => queryOne(url, filter, signal)));
      const byId = new Map(answers.flat().map((event) => [event.id, event]));
      return [...byId.values()];
    },

    states: () => [...inbox.values()].map((relay) => relay.state()),

    async close() {
      isClosed = true;
      pool.close();
      await Promise.all([...inbox.values()].map((relay) => relay.close()));
    },
  };
}
