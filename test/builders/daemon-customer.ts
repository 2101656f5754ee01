import { once } from 'node:events';
import * as nip44 from 'nostr-tools/nip44';
import * as nip59 from 'nostr-tools/nip59';
import { finalizeEvent, generateSecretKey, getPublicKey, type NostrEvent } from 'nostr-tools/pure';
import WebSocket from 'ws';
import { withinMs } from './daemon.ts';
import { Ear, type Chat } from './daemon-chat.ts';

type Rumor = ReturnType<typeof nip59.createRumor>;

/** A customer on nostr-tools and bare sockets: shares no code with the daemon, and can send what no client would. */
export interface Customer extends Chat {
  /** The message, not sent: `createdAt` in unix seconds. */
  compose(text: string, createdAt?: number): Rumor;
  /** A new gift wrap of it; `createdAt` dates the wrap (default: at random within two days, as NIP-59 says). */
  wrap(rumor: Rumor, createdAt?: number): NostrEvent;
  /** Resolves when each of these relays (default: all) has accepted it. */
  publish(event: NostrEvent, relays?: readonly string[]): Promise<void>;
}

export interface CustomerOptions {
  readonly secretKey?: Uint8Array;
  /** The relays ask for AUTH (NIP-42) at once: answered, and nothing else said before. */
  readonly answersAuth?: boolean;
  /** How long it waits for any one message; default: half a minute. */
  readonly patienceMs?: number;
}

/** Connected, listening on all of `relays`, and with its relay list (kind 10050) published there. */
export async function openCustomer(
  relays: readonly string[],
  timmy: string,
  options: CustomerOptions = {},
): Promise<Customer> {
  const secretKey = options.secretKey ?? generateSecretKey();
  const publicKey = getPublicKey(secretKey);
  const ear = new Ear(options.patienceMs);
  const lines = new Map<string, Line>();
  for (const url of relays) {
    const line = await openLine(url, (event) => {
      const { id, pubkey, content } = nip59.unwrapEvent(event, secretKey);
      if (pubkey === timmy) ear.hear(event.id, { rumorId: id, text: content });
    });
    if (options.answersAuth === true) await line.authenticate(secretKey);
    line.send(['REQ', 'inbox', { kinds: [1059], '#p': [publicKey] }]);
    lines.set(url, line);
  }

  const publish: Customer['publish'] = async (event, to = relays) => {
    await Promise.all([...lines].filter(([url]) => to.includes(url)).map(([, line]) => line.publish(event)));
  };
  const list = { kind: 10050, created_at: now(), content: '', tags: relays.map((url) => ['relay', url]) };
  await publish(finalizeEvent(list, secretKey));

  let lastSaid = 0;
  const compose: Customer['compose'] = (content, createdAt) => {
    // Strictly rising, so that two quick messages keep their order.
    lastSaid = Math.max(lastSaid + 1, now());
    const tags = [['p', timmy]];
    return nip59.createRumor({ kind: 14, content, tags, created_at: createdAt ?? lastSaid }, secretKey);
  };
  const wrap: Customer['wrap'] = (rumor, createdAt) => {
    const seal = nip59.createSeal(rumor, secretKey, timmy);
    if (createdAt === undefined) return nip59.createWrap(seal, timmy);
    return datedWrap(seal, timmy, createdAt);
  };
  return {
    publicKey,
    ear,
    compose,
    wrap,
    publish,
    say: (text) => publish(wrap(compose(text))),
    close: async () => {
      await Promise.all([...lines.values()].map((line) => line.close()));
    },
  };
}

function datedWrap(seal: NostrEvent, recipient: string, createdAt: number): NostrEvent {
  const throwaway = generateSecretKey();
  const content = nip44.encrypt(JSON.stringify(seal), nip44.getConversationKey(throwaway, recipient));
  return finalizeEvent({ kind: 1059, created_at: createdAt, tags: [['p', recipient]], content }, throwaway);
}

/** One socket to one relay. */
interface Line {
  send(message: readonly unknown[]): void;
  /** Answers the challenge, and gives the relay a moment: not every one says OK. */
  authenticate(secretKey: Uint8Array): Promise<void>;
  publish(event: NostrEvent): Promise<void>;
  close(): Promise<void>;
}

async function openLine(url: string, onEvent: (event: NostrEvent) => void): Promise<Line> {
  const socket = new WebSocket(url);
  const oks = new Map<string, (accepted: boolean) => void>();
  let challenged = (_challenge: string): void => {};
  const challenge = new Promise<string>((resolve) => (challenged = resolve));
  socket.on('message', (data: Buffer) => {
    const [type, first, second] = JSON.parse(data.toString()) as [string, string, unknown];
    if (type === 'AUTH') challenged(first);
    if (type === 'EVENT') onEvent(second as NostrEvent);
    if (type === 'OK') oks.get(first)?.(second === true);
  });
  await once(socket, 'open');
  const send: Line['send'] = (message) => socket.send(JSON.stringify(message));
  return {
    send,
    authenticate: async (secretKey) => {
      const tags = [
        ['relay', url],
        ['challenge', await withinMs(5000, `the challenge of ${url}`, challenge)],
      ];
      send(['AUTH', finalizeEvent({ kind: 22242, created_at: now(), tags, content: '' }, secretKey)]);
      await new Promise((resolve) => setTimeout(resolve, 500));
    },
    publish: async (event) => {
      const answer = new Promise<boolean>((resolve) => oks.set(event.id, resolve));
      send(['EVENT', event]);
      if (!(await withinMs(10_000, `the OK of ${url}`, answer))) throw new Error(`${url} refused the event`);
    },
    close: async () => {
      if (socket.readyState === WebSocket.CLOSED) return;
      const closed = once(socket, 'close');
      socket.terminate();
      await closed;
    },
  };
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
