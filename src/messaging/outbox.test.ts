import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase, settled } from '../../test/builders/fresh-database.ts';
import { createHandClock, type HandClock } from '../../test/fakes/hand-clock.ts';
import { createTextBox, createTexts, customer, meet, type Texts } from '../customers/index.ts';
import type { Database } from '../db/index.ts';
import { noCrashPoints } from '../lib/crash-points.ts';
import { silentLog } from '../lib/log.ts';
import { unixSeconds } from '../lib/units.ts';
import type { EventTemplate, NostrEvent } from '../nostr/event.ts';
import { matchesFilter } from '../nostr/filters.ts';
import { generateSecretKey } from '../nostr/keys.ts';
import { createLocalSigner } from '../nostr/local-signer.ts';
import { openDm } from '../nostr/open.ts';
import { isDropped, type OpenedDm } from '../nostr/opened-dm.ts';
import { dmRelayList, relayList } from '../nostr/relay-list.ts';
import type { PublishResult, Relays } from '../ports/relays.ts';
import { createWorker, type Worker } from '../tasks/index.ts';
import { publishTask, sealTask, type DeliveryOptions } from './delivery.ts';
import type { InboundMessage } from './inbox.ts';
import { countUndelivered, enqueue } from './outbox.ts';

let serial = 0;
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

const OURS = 'wss://ours.example';
const [A, B, C] = ['wss://a.example', 'wss://b.example', 'wss://c.example'] as const;
const ACCEPTED: PublishResult = { outcome: 'accepted' };

let database: Database;
let clock: HandClock;
let texts: Texts;
let worker: Worker;
/** What each relay answers, in order; then it accepts. */
let answers: Map<string, PublishResult[]>;
/** Everything that reached a relay, in order. */
let published: { relay: string; event: NostrEvent }[];
/** Relay lists that discovery finds, and how often it was asked. */
let lists: NostrEvent[];
let queries: number;
let undeliverable: number;

function start(): void {
  const relays: Relays = {
    start() {},
    async publish(relay, event) {
      published.push({ relay, event });
      return answers.get(relay)?.shift() ?? ACCEPTED;
    },
    async query(_relays, filter) {
      queries += 1;
      return lists.filter((event) => matchesFilter(event, filter));
    },
    states: () => [],
    async close() {},
  };
  const options: DeliveryOptions = {
    database,
    clock,
    rng,
    log: silentLog,
    signer: timmy,
    texts,
    relays,
    inboxRelays: [OURS],
    discoveryRelays: ['wss://discovery.example'],
    mayUse: (relay) => !relay.includes('forbidden'),
    onUndeliverable: () => void (undeliverable += 1),
  };
  worker = createWorker({
    database,
    clock,
    rng,
    log: silentLog,
    reach: noCrashPoints,
    width: { orders: 1, deliveries: 4, invoices: 4, wallet: 1, late: 1, payouts: 1, model: 1 },
    onParked: () => {},
  });
  worker.register(sealTask(options));
  worker.register(publishTask(options));
  worker.start();
}

beforeEach(() => {
  database = freshDatabase();
  clock = createHandClock();
  texts = createTexts(createTextBox(key, rng));
  answers = new Map();
  [published, lists, queries, undeliverable] = [[], [], 0, 0];
  database.write((tx) => meet(tx, guest.publicKey, 'nip17', A, clock.now()));
  start();
});
afterEach(async () => {
  await worker.stop(0);
  database.close();
});

async function wait(seconds: number): Promise<void> {
  await settled();
  for (let second = 0; second < seconds; second++) {
    clock.advance(1000);
    await settled();
  }
}

function say(text: string, answering: InboundMessage | null = null, reference = true): void {
  database.write((tx) => void enqueue(tx, texts, { to: guest.publicKey, text, answering, reference }, clock.now()));
  worker.poke();
}

async function opened(event: NostrEvent): Promise<OpenedDm> {
  const dm = await openDm(event, guest, clock.now());
  if (isDropped(dm)) throw new Error(dm.dropped);
  return dm;
}

async function publishesLists(...templates: EventTemplate[]): Promise<void> {
  for (const template of templates) lists.push(await guest.sign(template));
}
const dmRelays = (...relays: string[]): EventTemplate => dmRelayList(relays, clock.now());
const state = (): unknown => database.read.$client.prepare('SELECT state FROM outbox ORDER BY id DESC').pluck().get();
const reached = (): string[] => published.map((one) => one.relay);

const asked: InboundMessage = {
  id: 1,
  sender: guest.publicKey,
  rumorId: 'ab'.repeat(32),
  protocol: 'nip17',
  kind: 14,
  createdAt: unixSeconds(1_800_000_000),
  age: 'fresh',
  isGroup: false,
  textId: null,
  dialect: 'words',
  rpcId: null,
  rpcMethod: null,
  rpcKey: null,
};

describe('a message', () => {
  it('arrives, sealed for its reader, and then is kept nowhere', async () => {
    say('hello', asked);
    await settled();
    expect(await opened(published[0]!.event)).toMatchObject({
      sender: timmy.publicKey,
      content: 'hello',
      replyTo: asked.rumorId,
      protocol: 'nip17',
    });
    expect([state(), countUndelivered(database.read)]).toEqual(['delivered', 0]);
    expect(database.read.$client.prepare('SELECT count(*) FROM texts').pluck().get()).toBe(0);
    expect(database.read.$client.prepare('SELECT event FROM outbox').pluck().get()).toBeNull();
  });

  it('in the protocol of the message it answers, else in that of the last', async () => {
    say('by nip04', { ...asked, protocol: 'nip04' });
    await settled();
    expect(published[0]!.event.kind).toBe(4);
    say('by nip17');
    await settled();
    expect(published[1]!.event.kind).toBe(1059);
    database.write((tx) => meet(tx, guest.publicKey, 'nip04', A, clock.now()));
    say('by nip04 now');
    await settled();
    expect(published[2]!.event.kind).toBe(4);
  });

  it('and the next keep their order, by dates a second apart, after what they answer', async () => {
    for (const text of ['one', 'two', 'three'])
      say(text, { ...asked, createdAt: unixSeconds(clock.now() + 4) }, text === 'one');
    await settled();
    const dms = (await Promise.all(published.map(({ event }) => opened(event)))).sort(
      (a, b) => a.createdAt - b.createdAt,
    );
    expect(dms.map((dm) => [dm.content, dm.createdAt - clock.now(), dm.replyTo])).toEqual([
      ['one', 5, asked.rumorId],
      ['two', 6, null],
      ['three', 7, null],
    ]);
  });

  it('is not dragged into the future by a clock far ahead', async () => {
    say('your clock is wrong', { ...asked, createdAt: unixSeconds(clock.now() + 10 * 365 * 86_400) });
    await settled();
    const { lastSentAt } = customer(database.read, guest.publicKey);
    expect(lastSentAt - clock.now()).toBe(901);
  });
});

describe('where it goes', () => {
  it.each<[string, () => EventTemplate[], string[]]>([
    ['to their DM relays', () => [dmRelays(B, C), relayList([A], clock.now())], [B, C]],
    ['else to those they read', () => [relayList([B, C], clock.now())], [B, C]],
    ['else where they wrote', () => [], [A]],
    ['never where a stranger may not send us', () => [dmRelays('wss://forbidden.example', C)], [C]],
    ['where they wrote, too, where none of those may be used', () => [dmRelays('wss://forbidden.example')], [A]],
    ['to four at most', () => [dmRelays(A, B, C, OURS, 'wss://e.example')], [A, B, C, OURS]],
  ])('%s', async (_what, templates, expected) => {
    await publishesLists(...templates());
    say('hello');
    await settled();
    expect(reached().sort()).toEqual([...expected].sort());
  });

  it('is looked up once an hour where it is known, sooner where it is not', async () => {
    await publishesLists(dmRelays(B));
    say('one');
    await settled();
    clock.advance(3_500_000);
    say('two');
    await settled();
    expect(queries).toBe(1);
    clock.advance(200_000);
    await publishesLists({ ...dmRelays(C), created_at: clock.now() });
    say('three');
    await settled();
    expect([queries, reached()]).toEqual([2, [B, B, C]]);
  });

  it('is never decided by an older list than the one known', async () => {
    await publishesLists(dmRelays(B));
    say('one');
    await settled();
    clock.advance(4_000_000);
    lists = [];
    await publishesLists({ ...dmRelays(C), created_at: clock.now() - 99_999 });
    say('two');
    await settled();
    expect(reached()).toEqual([B, B]);
  });
});

describe('until it is delivered', () => {
  const later: PublishResult = { outcome: 'later', why: 'unreachable' };
  const lost: PublishResult = { outcome: 'unknown' };
  const refused = (why: 'blocked' | 'too-old'): PublishResult => ({ outcome: 'refused', why });

  it('the same bytes are sent again, after a restart too', async () => {
    answers.set(A, [later, lost, later, later]);
    say('hello');
    await wait(10);
    await worker.stop(0);
    start();
    await wait(200);
    expect(published).toHaveLength(5);
    expect(new Set(published.map(({ event }) => JSON.stringify(event))).size).toBe(1);
    expect(state()).toBe('delivered');
  });

  it('two relays must have it, or all where there is one', async () => {
    await publishesLists(dmRelays(A, B, C));
    answers.set(B, [later]);
    answers.set(C, [later, later, later]);
    say('hello');
    await settled();
    expect(state()).toBe('sealed');
    await wait(2);
    expect(state()).toBe('delivered');
    // The third gets it all the same.
    await wait(40);
    expect(reached().filter((relay) => relay === C)).toHaveLength(4);
    expect(database.read.$client.prepare('SELECT event FROM outbox').pluck().get()).toBeNull();
  });

  it('one is enough where all others refuse', async () => {
    await publishesLists(dmRelays(A, B));
    answers.set(A, [refused('blocked')]);
    say('hello');
    await settled();
    expect([state(), undeliverable]).toEqual(['delivered', 0]);
  });

  it('refused by all: undeliverable, and kept', async () => {
    answers.set(A, [refused('blocked')]);
    say('hello');
    await wait(5);
    expect([state(), undeliverable, published.length]).toEqual(['undeliverable', 1, 1]);
    expect(database.read.$client.prepare('SELECT count(*) FROM texts').pluck().get()).toBe(1);
  });

  it.each([
    ['first', A],
    ['last', B],
  ])('refused by all, and for its date by the %s: once more in a wrap dated near now', async (_which, narrow) => {
    await publishesLists(dmRelays(A, B));
    for (const relay of [A, B]) answers.set(relay, [refused(relay === narrow ? 'too-old' : 'blocked')]);
    answers.set(narrow === A ? B : A, [refused('blocked'), refused('blocked')]);
    say('hello');
    await wait(5);
    expect(state()).toBe('delivered');
    const [first, , again] = await Promise.all(published.map(({ event }) => opened(event)));
    expect(again?.rumorId).toBe(first?.rumorId);
    const last = published.filter(({ relay }) => relay === narrow).at(-1)!;
    expect(clock.now() - last.event.created_at).toBeLessThan(700);
  });

  it('after a week it is given up', async () => {
    answers.set(A, Array<PublishResult>(1000).fill(later));
    say('hello');
    for (let hour = 0; hour < 24 * 7 + 2; hour++) {
      clock.advance(3_600_000);
      await settled();
    }
    expect([state(), undeliverable]).toEqual(['undeliverable', 1]);
    expect(published.length).toBeLessThan(180);
  });
});

it('whatever relays answer: nothing is wrapped twice, nothing that two could take is lost', async () => {
  const answer = fc.constantFrom<PublishResult>(
    ACCEPTED,
    { outcome: 'later', why: 'rate-limited' },
    { outcome: 'unknown' },
    { outcome: 'refused', why: 'blocked' },
  );
  const script = fc.array(answer, { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(script, script, script, fc.boolean(), async (a, b, c, restart) => {
      await worker.stop(0);
      database.close();
      database = freshDatabase();
      [answers, published, lists, undeliverable] = [new Map([[A, [...a]], [B, [...b]], [C, [...c]]]), [], [], 0]; // prettier-ignore
      database.write((tx) => meet(tx, guest.publicKey, 'nip17', A, clock.now()));
      await publishesLists(dmRelays(A, B, C));
      start();
      say('hello');
      await wait(2);
      if (restart) {
        await worker.stop(0);
        start();
      }
      await wait(200);
      const bytes = new Set(published.map(({ event }) => JSON.stringify(event)));
      expect(bytes.size).toBe(1);
      /** Did this relay take it before it refused? */
      const takes = (answersOfOne: PublishResult[]): boolean =>
        (answersOfOne.find((one) => one.outcome === 'accepted' || one.outcome === 'refused') ?? ACCEPTED).outcome ===
        'accepted';
      const accepted = [a, b, c].filter(takes).length;
      expect([state(), undeliverable]).toEqual(accepted > 0 ? ['delivered', 0] : ['undeliverable', 1]);
      // Nobody is asked again after a final word.
      for (const [relay, script_] of [[A, a], [B, b], [C, c]] as const) {
        const final = script_.findIndex((one) => one.outcome === 'accepted' || one.outcome === 'refused');
        expect(reached().filter((one) => one === relay)).toHaveLength(final < 0 ? script_.length + 1 : final + 1);
      } // prettier-ignore
    }),
    { numRuns: 20 },
  );
});
