import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../test/builders/fresh-database.ts';
import { freshTexts } from '../../test/builders/texts.ts';
import { createHandClock, type HandClock } from '../../test/fakes/hand-clock.ts';
import { customer, type Texts } from '../customers/index.ts';
import type { Database } from '../db/index.ts';
import { noCrashPoints } from '../lib/crash-points.ts';
import { createSteadyClock } from '../lib/steady-clock.ts';
import { silentLog } from '../lib/log.ts';
import { unixSeconds } from '../lib/units.ts';
import type { NostrEvent } from '../nostr/event.ts';
import { generateSecretKey } from '../nostr/keys.ts';
import { createLocalSigner } from '../nostr/local-signer.ts';
import { createRumor, sealDm } from '../nostr/seal.ts';
import { MAX_DROPPED } from './dropped-wraps.ts';
import { createInbox, highWater, raiseHighWater, type Inbox } from './inbox.ts';
import { beginRelayStates, noteRelayState, relayStates } from './relay-states.ts';

let serial = 0;
/** Seeded by a counter: every test makes other keys, every run the same. */
const rng = {
  bytes: (length: number) => {
    const bytes = new Uint8Array(length);
    new DataView(bytes.buffer).setUint32(Math.max(0, length - 4), ++serial);
    return bytes;
  },
};
const key = generateSecretKey(rng);
const timmy = createLocalSigner(key, rng);
const guest = createLocalSigner(generateSecretKey(rng), rng);
const RELAYS = ['wss://a.example', 'wss://b.example', 'wss://c.example'] as const;

let database: Database;
let clock: HandClock;
let texts: Texts;
let inbox: Inbox;
let filed: number;

function open(bornAt = 0): void {
  inbox = createInbox({
    database,
    clock: createSteadyClock(clock),
    log: silentLog,
    reach: noCrashPoints,
    signer: timmy,
    texts,
    bornAt: unixSeconds(bornAt),
    admit: () => ({ keeps: true }),
    mayTake: () => true,
    onFiled: () => (filed += 1),
  });
}
beforeEach(() => {
  database = freshDatabase();
  clock = createHandClock();
  texts = freshTexts();
  filed = 0;
  open();
});
afterEach(() => database.close());

function rumor(content: string, createdAt: number = clock.now()) {
  return createRumor({
    pubkey: guest.publicKey,
    kind: 14,
    content,
    createdAt: unixSeconds(createdAt),
    recipients: [timmy.publicKey],
  });
}
const wrap = (content: string, createdAt?: number): Promise<NostrEvent> =>
  sealDm(rumor(content, createdAt), timmy.publicKey, guest, rng, clock.now());

const rows = () =>
  database.read.$client
    .prepare('SELECT text_id AS textId, age, created_at AS createdAt FROM inbox ORDER BY id')
    .all() as {
    textId: number;
    age: string;
  }[];
const kept = (): (string | null)[] => rows().map((row) => texts.read(database.read, row.textId));
const tasks = (): number =>
  database.read.$client.prepare(`SELECT count(*) FROM tasks WHERE kind = 'dm.handle'`).pluck().get() as number;

describe('a message', () => {
  it('in five wraps over three relays is taken in once, with one task', async () => {
    const one = rumor('hello');
    const wraps = await Promise.all([1, 2, 3, 4, 5].map(() => sealDm(one, timmy.publicKey, guest, rng, clock.now())));
    await Promise.all(wraps.flatMap((event) => RELAYS.map((relay) => inbox.receive(event, relay))));
    expect(kept()).toEqual(['hello']);
    expect([tasks(), filed]).toEqual([1, 1]);
  });

  it('comes again after a restart: still once', async () => {
    const event = await wrap('hello');
    await inbox.receive(event, RELAYS[0]);
    open();
    await inbox.receive(event, RELAYS[1]);
    expect(tasks()).toBe(1);
  });

  it('said twice is two', async () => {
    await inbox.receive(await wrap('hello'), RELAYS[0]);
    clock.advance(1000);
    await inbox.receive(await wrap('hello'), RELAYS[0]);
    expect(kept()).toEqual(['hello', 'hello']);
  });

  it('is known by its sender, protocol and relay', async () => {
    await inbox.receive(await wrap('hello'), RELAYS[1]);
    expect(customer(database.read, guest.publicKey)).toMatchObject({ protocol: 'nip17', arrivalRelay: RELAYS[1] });
  });

  it('lies encrypted: nothing of it can be read in the file', async () => {
    await inbox.receive(await wrap('a canary sings'), RELAYS[0]);
    const all = JSON.stringify(
      ['inbox', 'tasks', 'texts', 'customers'].map((table) =>
        database.read.$client.prepare(`SELECT * FROM ${table}`).raw().all(),
      ),
      (_key, value: unknown) => (Buffer.isBuffer(value) ? value.toString('latin1') : value),
    );
    expect(all).not.toContain('canary');
  });

  it.each([
    ['fresh', 0],
    ['stale', -73 * 3600],
    ['future', 3600],
  ])('is %s by its own date, not by that of its wrap', async (age, seconds) => {
    await inbox.receive(await wrap('hello', clock.now() + seconds), RELAYS[0]);
    expect(rows()).toMatchObject([{ age }]);
  });

  it('from before our birth is not run, however often it comes', async () => {
    open(clock.now());
    const old = await wrap('hello', clock.now() - 1);
    await inbox.receive(old, RELAYS[0]);
    await inbox.receive(old, RELAYS[1]);
    await inbox.receive(await wrap('born', clock.now()), RELAYS[0]);
    expect(kept()).toEqual(['born']);
  });
});

describe('a forgery that comes first', () => {
  const flipped = (hex: string): string => (hex.startsWith('0') ? '1' : '0') + hex.slice(1);
  it.each<[string, (event: NostrEvent) => unknown]>([
    ['another signature', (event) => ({ ...event, sig: flipped(event.sig) })],
    ['other content under the genuine id and signature', (event) => ({ ...event, content: `${event.content}A` })],
    ['another author', (event) => ({ ...event, pubkey: flipped(event.pubkey) })],
    ['another date', (event) => ({ ...event, created_at: event.created_at + 1 })],
  ])('(%s) hides nothing, one after the other or at once', async (_what, forge) => {
    const genuine = await wrap('hello');
    await inbox.receive(forge(genuine), RELAYS[0]);
    expect(tasks()).toBe(0);
    await Promise.all([inbox.receive(forge(genuine), RELAYS[1]), inbox.receive(genuine, RELAYS[2])]);
    expect(kept()).toEqual(['hello']);
  });
});

describe('junk', () => {
  /** A true signature around nothing. */
  const junk = async (): Promise<NostrEvent> => {
    const mallory = generateSecretKey(rng);
    return createLocalSigner(mallory, rng).sign({
      kind: 1059,
      created_at: clock.now(),
      tags: [['p', timmy.publicKey]],
      content: `junk ${++serial}`,
    });
  };
  /** How often we paid the arithmetic of opening a wrap. */
  function counting(): { readonly signer: typeof timmy; opened: number } {
    const counter = {
      opened: 0,
      signer: {
        ...timmy,
        nip44Decrypt: (peer: string, payload: string) => {
          counter.opened += 1;
          return timmy.nip44Decrypt(peer, payload);
        },
      },
    };
    return counter;
  }
  const openWith = (signer: typeof timmy): void => {
    const bornAt = unixSeconds(0);
    const reach = noCrashPoints;
    inbox = createInbox({
      database,
      clock: createSteadyClock(clock),
      log: silentLog,
      reach,
      admit: () => ({ keeps: true }),
      mayTake: () => true,
      signer,
      texts,
      bornAt,
      onFiled: () => {},
    });
  };

  it('costs its arithmetic once, also after a restart and from another relay', async () => {
    const wraps = await Promise.all(Array.from({ length: 128 }, junk));
    const first = counting();
    openWith(first.signer);
    for (let time = 0; time < 2; time++)
      await Promise.all(wraps.map((event) => inbox.receive(event, RELAYS[time % 2]!, 'stored')));
    expect(first.opened).toBe(128);
    const second = counting();
    openWith(second.signer);
    await Promise.all(wraps.map((event) => inbox.receive(event, RELAYS[2], 'stored')));
    expect(second.opened).toBe(0);
  });

  it('is remembered up to a bound, the newest', async () => {
    const count = (): unknown => database.read.$client.prepare('SELECT count(*) FROM dropped_wraps').pluck().get();
    database.write((tx) =>
      tx.$client.exec(
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${MAX_DROPPED})
         INSERT INTO dropped_wraps (id) SELECT 'old ' || i FROM n`,
      ),
    );
    const wraps = await Promise.all(Array.from({ length: 64 }, junk));
    await Promise.all(wraps.map((event) => inbox.receive(event, RELAYS[0])));
    expect(count()).toBe(MAX_DROPPED);
    expect(database.read.$client.prepare('SELECT 1 FROM dropped_wraps WHERE id = ?').get(wraps[63]!.id)).toBeDefined();
  });

  it('stored by the hundred, and flooding from one relay, holds up no live message', async () => {
    const done: string[] = [];
    const note = (what: string) => (): void => void done.push(what);
    const stored = await Promise.all(Array.from({ length: 50 }, junk));
    const flood = await Promise.all(Array.from({ length: 50 }, junk));
    const under = [
      ...stored.map((event) => inbox.receive(event, RELAYS[0], 'stored').then(note('stored'))),
      ...flood.map((event) => inbox.receive(event, RELAYS[1], 'live').then(note('flood'))),
      inbox.receive(await wrap('hello'), RELAYS[2], 'live').then(note('honest')),
    ];
    await Promise.all(under);
    expect(kept()).toEqual(['hello']);
    expect(done.indexOf('honest')).toBeLessThan(10);
    // The backlog goes on beneath the flood.
    expect(done.indexOf('stored')).toBeLessThan(10);
  });
});

it.each([
  ['nothing', undefined],
  ['null', null],
  ['a text', 'EVENT'],
  ['a list', []],
  ['no event', { id: 1, sig: 2 }],
  ['hollow', { id: 'a'.repeat(64), sig: 'b'.repeat(128) }],
])('%s from a relay is worth nothing and throws nothing', async (_what, event) => {
  await inbox.receive(event, RELAYS[0]);
  expect([rows(), filed]).toEqual([[], 0]);
});

it('whatever relays repeat, reorder and forge: each message once, none lost', async () => {
  const messages = await Promise.all(
    ['one', 'two', 'three'].map(async (text) => {
      const one = rumor(text);
      return Promise.all([0, 1].map(() => sealDm(one, timmy.publicKey, guest, rng, clock.now())));
    }),
  );
  const delivery = fc.record({
    message: fc.nat(2),
    wrap: fc.nat(1),
    relay: fc.nat(2),
    forged: fc.boolean(),
    restart: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(delivery, { maxLength: 12 }), async (deliveries) => {
      database.close();
      database = freshDatabase();
      open();
      const expected = new Set<number>();
      const under: Promise<void>[] = [];
      for (const { message, wrap: which, relay, forged, restart } of deliveries) {
        const event = messages[message]![which]!;
        if (!forged) expected.add(message);
        under.push(inbox.receive(forged ? { ...event, content: event.content.slice(4) } : event, RELAYS[relay]!));
        if (!restart) continue;
        await Promise.all(under);
        open();
      }
      await Promise.all(under);
      expect(kept().sort()).toEqual([...expected].map((message) => ['one', 'two', 'three'][message]).sort());
      expect(tasks()).toBe(expected.size);
    }),
    { numRuns: 25 },
  );
});

it('a relay’s high-water never goes back', () => {
  const at = (): number | null => highWater(database.read, RELAYS[0]);
  expect(at()).toBeNull();
  for (const time of [100, 300, 200]) database.write((tx) => raiseHighWater(tx, RELAYS[0], unixSeconds(time)));
  expect(at()).toBe(300);
  expect(highWater(database.read, RELAYS[1])).toBeNull();
});

it('the states of relays are kept for whoever asks, each with its date', () => {
  const [url] = RELAYS;
  const note = (state: 'waiting' | 'subscribed', failures: number, at: number, syncedAt: number | null = null): void =>
    database.write((tx) =>
      noteRelayState(
        tx,
        { url, state, failures, syncedAt: syncedAt === null ? null : unixSeconds(syncedAt) },
        unixSeconds(at),
      ),
    );
  database.write((tx) => beginRelayStates(tx, [url], unixSeconds(10)));
  expect(relayStates(database.read)).toEqual([{ url, state: 'lost', since: 10, syncedAt: null, failures: 0 }]);
  note('subscribed', 0, 20, 19);
  note('waiting', 1, 30);
  note('waiting', 2, 40);
  expect(relayStates(database.read)).toEqual([{ url, state: 'lost', since: 30, syncedAt: 19, failures: 2 }]);
  database.write((tx) => beginRelayStates(tx, [RELAYS[1]], unixSeconds(50)));
  expect(relayStates(database.read)).toMatchObject([{ url: RELAYS[1], since: 50 }]);
});
