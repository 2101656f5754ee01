import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { frameText, RelayCore, type RelaySession } from '../../src/dev-relay/index.ts';
import type { Filter, NostrEvent } from '../../src/nostr/event.ts';
import { verifyEvent } from '../../src/nostr/verify.ts';

/** What a relay may do wrong, or merely differently. Everything can be changed while it runs. */
export interface RelayBehaviour {
  /** NIP-42. `on` lists what needs it; null asks for none. */
  auth: {
    on: readonly ('REQ' | 'EVENT')[];
    /** When the challenge is sent: with the connection, or after each refusal (a new one each time). */
    challenge: 'at-once' | 'on-refusal' | 'never';
    /** The answer to a good AUTH: OK, nothing (though it counts), or a refusal. */
    answer: 'ok' | 'nothing' | 'refused';
    /** The only spelling of its own URL that it takes, and how it refuses the others: by OK false, by a NOTICE alone, or in silence. */
    spelling?: string;
    misspelt?: 'ok' | 'notice' | 'nothing';
    /** How a REQ is refused: by CLOSED, or by an EOSE without the events. */
    refusal?: 'auth-required' | 'restricted' | 'empty' | 'notice';
  } | null;
  /** The word on every EVENT: as NIP-01 says, none, or this one. */
  ok: 'normal' | 'never' | { readonly accepted: boolean; readonly message: string };
  /** Refuses EVENTs beyond this many on a connection with `rate-limited:`. */
  maxEventsPerConnection: number | null;
  /** Cuts the connection after so many frames from the client. */
  dropAfterFrames: number | null;
  /** Waits before each frame to the client (they stay in order). */
  delayMs: number;
  /** Sends each EVENT so many times more. */
  duplicates: number;
  /** Sends before each EVENT a copy with the true id and a false signature. */
  forgedCopies: boolean;
  /** Sends with each EVENT one that nobody asked for. */
  unasked: NostrEvent | null;
  /** `early`: before the stored events. */
  eose: 'normal' | 'early' | 'never';
  /** Answers every REQ, or each that asks for one of these kinds, with CLOSED and this reason. */
  closed: string | { readonly reason: string; readonly kinds: readonly number[] } | null;
  /** Answers the connection attempt with HTTP 503. */
  refuseConnections: boolean;
  /** Answers as if a REQ had no limit. */
  ignoresLimit: boolean;
  /** At most so many stored events for one REQ, whatever its limit. */
  maxStored: number | null;
}

const GOOD: RelayBehaviour = {
  auth: null,
  ok: 'normal',
  maxEventsPerConnection: null,
  dropAfterFrames: null,
  delayMs: 0,
  duplicates: 0,
  forgedCopies: false,
  unasked: null,
  eose: 'normal',
  closed: null,
  refuseConnections: false,
  ignoresLimit: false,
  maxStored: null,
};

export interface SeenReq {
  readonly connection: number;
  readonly id: string;
  readonly filters: readonly Filter[];
}

export interface FakeRelay {
  readonly url: string;
  /** Changes how it behaves from now on. */
  behave(change: Partial<RelayBehaviour>): void;
  /** Stores and passes on an event, verified or not. */
  inject(...events: readonly NostrEvent[]): void;
  /** What it holds. */
  events(): readonly NostrEvent[];
  /** Every EVENT frame received, stored or not. */
  readonly received: readonly NostrEvent[];
  readonly reqs: readonly SeenReq[];
  /** Good AUTHs, in order. */
  readonly auths: readonly { readonly connection: number; readonly pubkey: string; readonly challenge: string }[];
  /** The `relay` tags of the AUTHs that were not good. */
  readonly refusedAuths: readonly string[];
  /** Connections ever accepted, and open now. */
  connections(): { readonly total: number; readonly open: number };
  /** Sends each open client a fresh challenge. */
  challenge(): void;
  /** Sends each open client a frame as it is. */
  shout(text: string): void;
  /** Ends each live subscription with this reason; null: in silence. */
  closeSubscriptions(reason: string | null): void;
  /** From now on the open sockets are silent and deaf, as after a lost cable. */
  goHalfOpen(): void;
  /** Cuts every connection, or those that read for this key; new ones are welcome. */
  dropAll(reader?: string): void;
  /** Ceases to listen, then listens again on the same port. What is stored stays. */
  stop(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

interface Client {
  readonly number: number;
  readonly socket: WebSocket;
  readonly session: RelaySession;
  readonly live: Set<string>;
  readonly filters: Filter[];
  frames: number;
  published: number;
  challenge: string | null;
  isAuthenticated: boolean;
  isDeaf: boolean;
  outgoing: Promise<void>;
}

export async function startFakeRelay(
  options: Partial<RelayBehaviour> & { readonly port?: number } = {},
): Promise<FakeRelay> {
  const { port: wishedPort = 0, ...initial } = options;
  let behaviour: RelayBehaviour = { ...GOOD, ...initial };
  const core = new RelayCore({ maxPerFilter: 100_000, maxEvents: 200_000 });
  const clients = new Set<Client>();
  const received: NostrEvent[] = [];
  const reqs: SeenReq[] = [];
  const auths: { connection: number; pubkey: string; challenge: string }[] = [];
  const refusedAuths: string[] = [];
  let total = 0;
  let challenges = 0;
  let http: Server;
  let port = wishedPort;

  const transmit = (client: Client, text: string): void => {
    const send = (): void => {
      if (client.socket.readyState === client.socket.OPEN && !client.isDeaf) client.socket.send(text);
    };
    if (behaviour.delayMs === 0) return send();
    const wait = behaviour.delayMs;
    client.outgoing = client.outgoing.then(() => new Promise((resolve) => setTimeout(resolve, wait))).then(send);
  };
  const say = (client: Client, ...message: readonly unknown[]): void => transmit(client, JSON.stringify(message));

  function challengeNow(client: Client): void {
    client.challenge = `challenge-${++challenges}`;
    say(client, 'AUTH', client.challenge);
  }

  /** What the core says, bent on its way to the client. */
  function relayOut(client: Client, message: readonly unknown[]): void {
    const [type, subscription, event] = message;
    if (type === 'OK') {
      if (behaviour.ok === 'never') return;
      if (behaviour.ok !== 'normal')
        return say(client, 'OK', subscription, behaviour.ok.accepted, behaviour.ok.message);
    }
    if (type === 'EOSE' && behaviour.eose !== 'normal') return;
    if (type === 'EVENT') {
      const forged = { ...(event as NostrEvent), sig: '0'.repeat(128) };
      if (behaviour.forgedCopies) say(client, 'EVENT', subscription, forged);
      if (behaviour.unasked !== null) say(client, 'EVENT', subscription, behaviour.unasked);
      for (let copy = 0; copy < behaviour.duplicates; copy++) say(client, ...message);
    }
    say(client, ...message);
  }

  function needsAuth(client: Client, what: 'REQ' | 'EVENT'): boolean {
    return !client.isAuthenticated && (behaviour.auth?.on.includes(what) ?? false);
  }

  function refused(client: Client): void {
    if (behaviour.auth?.challenge === 'on-refusal') challengeNow(client);
  }

  function refusalOf(filters: readonly Filter[]): string | null {
    const { closed } = behaviour;
    if (closed === null || typeof closed === 'string') return closed;
    return filters.some(({ kinds }) => kinds?.some((kind) => closed.kinds.includes(kind))) ? closed.reason : null;
  }

  function onReq(client: Client, id: string, filters: readonly Filter[]): void {
    reqs.push({ connection: client.number, id, filters });
    client.filters.push(...filters);
    const refusal = refusalOf(filters);
    if (refusal !== null) return say(client, 'CLOSED', id, refusal);
    if (needsAuth(client, 'REQ')) {
      const how = behaviour.auth?.refusal ?? 'auth-required';
      if (how === 'empty') say(client, 'EOSE', id);
      else if (how === 'notice') say(client, 'NOTICE', 'restricted: permission denied');
      else say(client, 'CLOSED', id, `${how}: not without AUTH`);
      return refused(client);
    }
    client.live.add(id);
    if (behaviour.eose === 'early') say(client, 'EOSE', id);
    const { maxStored, ignoresLimit } = behaviour;
    const heeded = ignoresLimit ? filters.map(({ limit: _limit, ...filter }) => filter as Filter) : filters;
    const clamped = heeded.map((filter) =>
      maxStored === null ? filter : { ...filter, limit: Math.min(filter.limit ?? maxStored, maxStored) },
    );
    client.session.receive(JSON.stringify(['REQ', id, ...clamped]));
  }

  function onEvent(client: Client, event: NostrEvent, text: string): void {
    received.push(event);
    client.published += 1;
    if (needsAuth(client, 'EVENT')) {
      say(client, 'OK', event.id, false, `${behaviour.auth?.refusal ?? 'auth-required'}: not without AUTH`);
      return refused(client);
    }
    if (behaviour.maxEventsPerConnection !== null && client.published > behaviour.maxEventsPerConnection) {
      return say(client, 'OK', event.id, false, 'rate-limited: slow down');
    }
    const { ok } = behaviour;
    if (ok !== 'normal' && ok !== 'never' && !ok.accepted) return say(client, 'OK', event.id, false, ok.message);
    client.session.receive(text);
  }

  function onAuth(client: Client, value: unknown): void {
    const event = verifyEvent(value);
    const tag = (name: string): string | undefined => event?.tags.find((item) => item[0] === name)?.[1];
    const isGood =
      event !== null &&
      event.kind === 22242 &&
      tag('relay') === (behaviour.auth?.spelling ?? relay.url) &&
      client.challenge !== null &&
      tag('challenge') === client.challenge;
    if (event !== null && !isGood) refusedAuths.push(tag('relay') ?? '');
    const misspelt = behaviour.auth?.misspelt ?? 'ok';
    if (!isGood && misspelt === 'notice') return say(client, 'NOTICE', 'auth failed: wrong relay url');
    if (!isGood && misspelt === 'nothing') return;
    if (event === null || !isGood)
      return say(client, 'OK', event?.id ?? '', false, 'invalid: wrong challenge or relay');
    if (behaviour.auth?.answer === 'refused') return say(client, 'OK', event.id, false, 'restricted: not on the list');
    auths.push({ connection: client.number, pubkey: event.pubkey, challenge: client.challenge ?? '' });
    client.isAuthenticated = true;
    if (behaviour.auth?.answer !== 'nothing') say(client, 'OK', event.id, true, '');
  }

  function onFrame(client: Client, text: string): void {
    client.frames += 1;
    if (behaviour.dropAfterFrames !== null && client.frames > behaviour.dropAfterFrames)
      return client.socket.terminate();
    const [type, first, ...rest] = JSON.parse(text) as [string, unknown, ...Filter[]];
    if (type === 'REQ') onReq(client, String(first), rest);
    else if (type === 'EVENT') onEvent(client, first as NostrEvent, text);
    else if (type === 'AUTH') onAuth(client, first);
    else {
      if (type === 'CLOSE') client.live.delete(String(first));
      client.session.receive(text);
    }
  }

  function onConnection(socket: WebSocket): void {
    const session = core.connect((message) => relayOut(client, message));
    const client: Client = {
      number: ++total,
      socket,
      session,
      live: new Set(),
      filters: [],
      frames: 0,
      published: 0,
      challenge: null,
      isAuthenticated: false,
      isDeaf: false,
      outgoing: Promise.resolve(),
    };
    clients.add(client);
    socket.on('error', () => socket.terminate());
    socket.on('message', (data) => onFrame(client, frameText(data)));
    socket.on('close', () => {
      session.close();
      clients.delete(client);
    });
    if (behaviour.auth?.challenge === 'at-once') challengeNow(client);
  }

  async function listen(): Promise<void> {
    http = createServer((_request, response) => response.writeHead(426).end());
    const server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    http.on('upgrade', (request, socket, head) => {
      if (behaviour.refuseConnections) return void socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n');
      server.handleUpgrade(request, socket, head, onConnection);
    });
    await new Promise<void>((resolve, reject) => {
      http.once('error', reject);
      http.listen(port, '127.0.0.1', resolve);
    });
    port = (http.address() as AddressInfo).port;
  }

  async function stop(): Promise<void> {
    for (const { socket } of clients) socket.terminate();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  }

  await listen();
  const relay: FakeRelay = {
    url: `ws://127.0.0.1:${port}`,
    behave: (change) => void (behaviour = { ...behaviour, ...change }),
    inject: (...events) => events.forEach((event) => core.publish(event)),
    events: () => core.store.all(),
    received,
    reqs,
    auths,
    refusedAuths,
    connections: () => ({ total, open: clients.size }),
    challenge: () => clients.forEach(challengeNow),
    shout: (text) => clients.forEach((client) => transmit(client, text)),
    closeSubscriptions(reason) {
      for (const client of clients) {
        for (const id of client.live) {
          client.session.receive(JSON.stringify(['CLOSE', id]));
          if (reason !== null) say(client, 'CLOSED', id, reason);
        }
        client.live.clear();
      }
    },
    goHalfOpen: () =>
      clients.forEach((client) => {
        client.isDeaf = true;
        client.socket.pause();
      }),
    dropAll: (reader) => {
      for (const { socket, filters } of clients)
        if (reader === undefined || filters.some((filter) => filter['#p']?.includes(reader))) socket.terminate();
    },
    stop,
    restart: listen,
    close: stop,
  };
  return relay;
}

/** A wrap-shaped event with a true id and no true signature: enough for whoever does not verify. */
export function unsignedWrap(recipient: string, createdAt: number, text = ''): NostrEvent {
  const fields = {
    pubkey: 'ab'.repeat(32),
    created_at: createdAt,
    kind: 1059,
    tags: [['p', recipient]],
    content: text,
  };
  const body = [0, fields.pubkey, fields.created_at, fields.kind, fields.tags, fields.content];
  const id = createHash('sha256').update(JSON.stringify(body)).digest('hex');
  return { id, ...fields, sig: '0'.repeat(128) };
}
