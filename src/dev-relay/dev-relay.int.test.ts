import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { EventTemplate, NostrEvent } from '../nostr/event.ts';
import { generateSecretKey } from '../nostr/keys.ts';
import { createLocalSigner } from '../nostr/local-signer.ts';
import { frameText, RelayCore, startDevRelay, type DevRelay } from './index.ts';

const rng = { bytes: (length: number): Uint8Array => randomBytes(length) };
const author = createLocalSigner(generateSecretKey(rng), rng);
const sign = (template: Partial<EventTemplate>): Promise<NostrEvent> =>
  author.sign({ kind: 1, created_at: 1_800_000_000, tags: [], content: '', ...template });

interface Client {
  say(...message: readonly unknown[]): void;
  sayText(text: string): void;
  /** The next thing that the relay says. */
  next(): Promise<unknown[]>;
  closed: Promise<unknown>;
}

let relay: DevRelay;
beforeEach(async () => void (relay = await startDevRelay({ port: 0 })));
afterEach(() => relay.close());

async function connect(): Promise<Client> {
  const socket = new WebSocket(relay.url);
  const said: unknown[][] = [];
  const waiting: ((message: unknown[]) => void)[] = [];
  socket.on('message', (data) => {
    const message = JSON.parse(frameText(data)) as unknown[];
    const first = waiting.shift();
    if (first === undefined) said.push(message);
    else first(message);
  });
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => socket.once('open', resolve));
  return {
    say: (...message) => socket.send(JSON.stringify(message)),
    sayText: (text) => socket.send(text),
    next: () => new Promise((resolve) => (said.length > 0 ? resolve(said.shift() ?? []) : waiting.push(resolve))),
    closed,
  };
}

describe('startDevRelay', () => {
  it('stores, answers newest first within the limit, and passes on what comes later', async () => {
    const [alice, bob] = [await connect(), await connect()];
    const dms = await Promise.all(
      [3, 1, 2].map((at) => sign({ kind: 1059, created_at: at, tags: [['p', author.publicKey]] })),
    );
    for (const dm of dms) {
      alice.say('EVENT', dm);
      expect(await alice.next()).toEqual(['OK', dm.id, true, '']);
    }
    alice.say('EVENT', dms[0]);
    expect(await alice.next()).toMatchObject(['OK', dms[0]?.id, true, expect.stringMatching(/^duplicate:/)]);
    bob.say('REQ', 's', { kinds: [1059], '#p': [author.publicKey], limit: 2 });
    expect(await bob.next()).toEqual(['EVENT', 's', dms[0]]);
    expect(await bob.next()).toEqual(['EVENT', 's', dms[2]]);
    expect(await bob.next()).toEqual(['EOSE', 's']);
    const later = await sign({ kind: 1059, created_at: 0, tags: [['p', author.publicKey]] });
    alice.say('EVENT', later);
    expect(await bob.next()).toEqual(['EVENT', 's', later]);
    bob.say('CLOSE', 's');
    bob.say('REQ', 'none', { kinds: [7] });
    expect(await bob.next()).toEqual(['EOSE', 'none']);
  });

  it('refuses what is forged and survives nonsense', async () => {
    const client = await connect();
    const event = await sign({ content: 'x' });
    for (const bad of [
      { ...event, content: 'y' },
      { ...event, sig: '0'.repeat(128) },
    ]) {
      client.say('EVENT', bad);
      expect(await client.next()).toMatchObject(['OK', event.id, false, expect.stringMatching(/^invalid:/)]);
    }
    for (const text of ['', '{', '7', '{}', '[]', '["HELLO"]', '["REQ"]', '["REQ",""]']) {
      client.sayText(text);
      expect((await client.next())[0]).toBe('NOTICE');
    }
    for (const filter of [null, 7, { kinds: 'x' }, { ids: ['x'] }, { '#p': [1] }, { since: -1 }, { limit: 1.5 }]) {
      client.say('REQ', 's', filter);
      expect(await client.next()).toMatchObject(['CLOSED', 's', expect.stringMatching(/^invalid:/)]);
    }
    client.say('EVENT', null);
    expect((await client.next())[0]).toBe('OK');
  });

  it('bounds subscriptions and frames', async () => {
    const client = await connect();
    for (let i = 0; i < 64; i++) {
      client.say('REQ', `s${i}`, { kinds: [1] });
      expect(await client.next()).toEqual(['EOSE', `s${i}`]);
    }
    client.say('REQ', 's64', { kinds: [1] });
    expect((await client.next())[0]).toBe('CLOSED');
    client.sayText('x'.repeat(300_000));
    expect(await client.closed).toBe(1009);
  });

  it('rejects when its port is taken, and frees it when closed', async () => {
    await expect(startDevRelay({ port: relay.port })).rejects.toThrow(/EADDRINUSE/);
    const { port } = relay;
    await relay.close();
    relay = await startDevRelay({ port });
    expect(relay.url).toBe(`ws://127.0.0.1:${port}`);
  });
});

describe('RelayCore', () => {
  it('keeps the newest of a replaceable kind, the lowest id of one second, and each d of an addressable one', async () => {
    const core = new RelayCore();
    const [older, newer] = [await sign({ kind: 10050, created_at: 5 }), await sign({ kind: 10050, created_at: 6 })];
    expect([core.publish(newer), core.publish(older)]).toEqual(['new', 'outdated']);
    const twins = await Promise.all(['a', 'b'].map((content) => sign({ kind: 0, content })));
    twins.sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const twin of [...twins].reverse()) core.publish(twin);
    for (const d of ['x', 'y', 'x'])
      core.publish(await sign({ kind: 30000, tags: [['d', d]], content: String(Math.random()) }));
    const kinds = core.store.all().map((event) => event.kind);
    expect(kinds.sort()).toEqual([0, 10050, 30000, 30000]);
    expect(core.store.query([{ kinds: [0] }])).toEqual([twins[0]]);
  });

  it('passes on ephemeral events and does not store them', async () => {
    const core = new RelayCore();
    const said: (readonly unknown[])[] = [];
    const session = core.connect((message) => void said.push(message));
    session.receive('["REQ","s",{"kinds":[21059]}]');
    const event = await sign({ kind: 21059 });
    session.receive(JSON.stringify(['EVENT', event]));
    expect(said).toEqual([
      ['EOSE', 's'],
      ['EVENT', 's', event],
      ['OK', event.id, true, ''],
    ]);
    expect(core.store.all()).toEqual([]);
    session.close();
  });

  it('forgets what came first when its room is used up', async () => {
    const core = new RelayCore({ maxEvents: 2 });
    const events = await Promise.all(['1', '2', '3'].map((content) => sign({ content })));
    for (const event of events) core.publish(event);
    expect(core.store.all()).toEqual(events.slice(1));
  });
});
