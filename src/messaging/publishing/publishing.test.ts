import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase, settled } from '../../../test/builders/fresh-database.ts';
import { freshTexts } from '../../../test/builders/texts.ts';
import { createHandClock, type HandClock } from '../../../test/fakes/hand-clock.ts';
import { customer, meet, type Texts } from '../../customers/index.ts';
import type { Database } from '../../db/index.ts';
import { noCrashPoints } from '../../lib/crash-points.ts';
import { silentLog } from '../../lib/log.ts';
import { unixSeconds } from '../../lib/units.ts';
import type { EventTemplate, NostrEvent } from '../../nostr/event.ts';
import { matchesFilter } from '../../nostr/filters.ts';
import { generateSecretKey } from '../../nostr/keys.ts';
import { createLocalSigner } from '../../nostr/local-signer.ts';
import { openDm } from '../../nostr/open.ts';
import { isDropped, type OpenedDm } from '../../nostr/opened-dm.ts';
import { dmRelayList, relayList } from '../../nostr/relay-list.ts';
import type { PublishResult, Relays } from '../../ports/relays.ts';
import { createWorker, type Worker } from '../../tasks/index.ts';
import type { InboundMessage } from '../inbound.ts';
import { countUndelivered, enqueue } from '../outbox.ts';
import {
  createPublisher,
  noteAlerted,
  onReaderHeard,
  routeTask,
  sealTask,
  waitingAnswers,
  workTask,
  type DeliveryOptions,
  type Publisher,
  type StuckAnswer,
} from './index.ts';

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
let publisher: Publisher;
/** What each relay answers, in order; then it accepts. */
let answers: Map<string, PublishResult[]>;
/** Relays, and a reader, whose publications never end by themselves. */
let holds: Map<string, Promise<PublishResult>>;
let slowFor: { reader: string; result: Promise<PublishResult> } | null;
/** Everything that reached a relay, in order. */
let published: { relay: string; event: NostrEvent }[];
/** Relay lists that discovery finds, and how often it was asked. */
let lists: NostrEvent[];
let queries: number;
/** Paid answers that the operator heard of. */
let stuck: StuckAnswer[];

function start(): void {
  const relays: Relays = {
    start() {},
    async publish(relay, event, signal) {
      published.push({ relay, event });
      const isSlow = event.tags.some(([name, value]) => name === 'p' && value === slowFor?.reader);
      const held = isSlow ? slowFor?.result : holds.get(relay);
      if (held === undefined) return answers.get(relay)?.shift() ?? ACCEPTED;
      const late = new Promise<PublishResult>((resolve) =>
        signal.addEventListener('abort', () => resolve({ outcome: 'unknown' }), { once: true }),
      );
      return Promise.race([held, late]);
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
    onReady: () => {
      publisher.poke();
      worker.poke();
    },
  };
  worker = createWorker({
    database,
    clock,
    rng,
    log: silentLog,
    reach: noCrashPoints,
    width: { orders: 1, outgoing: 4, model: 1 },
    onParked: () => {},
  });
  worker.register(sealTask(options));
  worker.register(workTask(options));
  worker.register(routeTask(options));
  publisher = createPublisher({
    ...options,
    reach: noCrashPoints,
    onStuck: (tx, answers_, now) => {
      stuck.push(...answers_);
      noteAlerted(tx, answers_, now);
    },
  });
  worker.start();
  publisher.start();
}

async function stop(): Promise<void> {
  const stopped = Promise.all([worker.stop(0), publisher.stop(0)]);
  await settled();
  clock.advance(1);
  await stopped;
}

beforeEach(() => {
  database = freshDatabase();
  clock = createHandClock();
  texts = freshTexts();
  answers = new Map();
  holds = new Map();
  slowFor = null;
  [published, lists, queries, stuck] = [[], [], 0, []];
  database.write((tx) => meet(tx, guest.publicKey, 'nip17', A, clock.now()));
  start();
});
afterEach(async () => {
  await stop();
  database.close();
});

/** For what is done in a thread, whose time is not ours. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    await wait(1);
  }
}

async function wait(seconds: number): Promise<void> {
  await settled();
  for (let second = 0; second < seconds; second++) {
    clock.advance(1000);
    await settled();
  }
}

function say(text: string, answering: InboundMessage | null = null, reference = true, paid = false): void {
  database.write(
    (tx) => void enqueue(tx, texts, { to: guest.publicKey, text, answering, reference, paid }, clock.now()),
  );
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
  shed: null,
  retryAfter: null,
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
  const refused = (why: 'blocked' | 'too-old' | 'pow', difficulty?: number): PublishResult => ({
    outcome: 'refused',
    why,
    ...(difficulty === undefined ? {} : { difficulty }),
  });
  const forever = (result: PublishResult): PublishResult[] => Array<PublishResult>(10_000).fill(result);

  it('the same bytes are sent again, after a restart too', async () => {
    answers.set(A, [later, lost, later, later]);
    answers.set(OURS, forever(later));
    say('hello');
    await wait(10);
    await stop();
    start();
    await wait(200);
    expect(reached().filter((relay) => relay === A)).toHaveLength(5);
    expect(new Set(published.map(({ event }) => JSON.stringify(event))).size).toBe(1);
    expect(state()).toBe('delivered');
  });

  it('two relays must have it, or all where there is one', async () => {
    await publishesLists(dmRelays(A, B, C));
    answers.set(B, [later]);
    answers.set(C, [later, later, later]);
    say('hello');
    await settled();
    // One has it, and the others were tried in vain for now.
    expect(state()).toBe('delivered');
    await wait(40);
    expect(reached().filter((relay) => relay === B)).toHaveLength(2);
    expect(reached().filter((relay) => relay === C)).toHaveLength(4);
    expect(database.read.$client.prepare('SELECT event FROM outbox').pluck().get()).toBeNull();
  });

  it('a no is not the end: the next way is taken at once, and the first is tried again', async () => {
    await publishesLists(dmRelays(B), relayList([C], clock.now()));
    answers.set(B, [refused('blocked'), refused('blocked')]);
    say('your answer', null, false, true);
    await settled();
    expect([reached(), state()]).toEqual([[B, C], 'delivered']);
    await wait(10);
    expect(reached()).toEqual([B, C, B, B]);
    expect(database.read.$client.prepare('SELECT event FROM outbox').pluck().get()).toBeNull();
  });

  it('a relay that says nothing is passed by within seconds, and holds up nobody', async () => {
    await publishesLists(dmRelays(B), relayList([C], clock.now()));
    const hanging = new Promise<PublishResult>(() => {});
    holds.set(B, hanging);
    say('hello');
    await wait(1);
    expect(reached()).toEqual([B]);
    await wait(5);
    expect([reached(), state()]).toEqual([[B, C], 'delivered']);
  });

  it('no way takes it: undeliverable, kept, and delivered when one changes its mind', async () => {
    for (const relay of [A, OURS]) answers.set(relay, forever(refused('blocked')));
    say('your answer', null, false, true);
    await wait(20);
    expect(state()).toBe('undeliverable');
    expect(waitingAnswers(database.read)).toMatchObject({ paid: 1, undeliverable: 1, why: { blocked: 2 } });
    answers.delete(A);
    await wait(5);
    expect(state()).toBe('delivered');
  });

  it('what nobody takes goes by a new list, as soon as its reader writes again', async () => {
    for (const relay of [A, OURS]) answers.set(relay, forever(refused('blocked')));
    say('your answer', null, false, true);
    await wait(4000);
    expect([state(), stuck.length]).toEqual(['undeliverable', 1]);
    await publishesLists(dmRelays(C));
    database.write((tx) => onReaderHeard(tx, guest.publicKey, clock.now()));
    worker.poke();
    await wait(25);
    expect([state(), reached().includes(C)]).toEqual(['delivered', true]);
  });

  it('a relay that is back has at once what waits for it', async () => {
    answers.set(A, forever(later));
    answers.set(OURS, forever(later));
    say('one', null, false, true);
    say('two', null, false, true);
    await wait(1200);
    answers.delete(A);
    published = [];
    await wait(5);
    expect(reached().filter((relay) => relay === A)).toHaveLength(2);
  });

  it('an inbox relay of ours wakes what waits by itself when it is connected again', async () => {
    database.write((tx) => meet(tx, guest.publicKey, 'nip17', OURS, clock.now()));
    answers.set(OURS, forever(later));
    say('hello');
    await wait(4000);
    answers.delete(OURS);
    published = [];
    publisher.relayIsBack(OURS);
    await settled();
    expect([reached(), state()]).toEqual([[OURS], 'delivered']);
  });

  it('work that a relay asks for is done, around the same message', async () => {
    answers.set(A, [refused('pow', 8)]);
    answers.set(OURS, forever(refused('blocked')));
    say('your answer', null, false, true);
    await until(() => reached().filter((relay) => relay === A).length === 2);
    const [first, again] = published.filter(({ relay }) => relay === A).map(({ event }) => event);
    expect(again!.id.startsWith('00')).toBe(true);
    expect((await opened(again!)).rumorId).toBe((await opened(first!)).rumorId);
    expect(state()).toBe('delivered');
  });

  it('work beyond our means is not begun', async () => {
    answers.set(A, forever(refused('pow', 28)));
    say('hello');
    await wait(10);
    expect([state(), reached().at(1)]).toEqual(['delivered', OURS]);
  });

  it('refused for its date: once more in a wrap dated near now', async () => {
    await publishesLists(dmRelays(A));
    answers.set(A, [refused('too-old')]);
    answers.set(OURS, forever(refused('blocked')));
    say('hello');
    await wait(5);
    expect(state()).toBe('delivered');
    const [first, again] = await Promise.all(
      published.filter(({ relay }) => relay === A).map(({ event }) => opened(event)),
    );
    expect(again?.rumorId).toBe(first?.rumorId);
    const last = published.filter(({ relay }) => relay === A).at(-1)!;
    expect(clock.now() - last.event.created_at).toBeLessThan(700);
  });

  it('what was paid for is offered for a week, other words for a day', async () => {
    for (const relay of [A, OURS]) answers.set(relay, forever(later));
    say('chatter');
    say('your answer', null, false, true);
    const owed = (): unknown[] =>
      database.read.$client.prepare(`SELECT DISTINCT outbox_id FROM outbox_relays WHERE state = 'pending'`).all();
    for (let hour = 0; hour < 30; hour++) {
      clock.advance(3_600_000);
      await settled();
    }
    expect(owed()).toHaveLength(1);
    for (let hour = 0; hour < 24 * 7; hour++) {
      clock.advance(3_600_000);
      await settled();
    }
    expect(owed()).toHaveLength(0);
    expect(database.read.$client.prepare('SELECT count(*) FROM texts').pluck().get()).toBe(2);
  });
});

describe('rooms', () => {
  const silent = (name: string): string => `wss://silent-${name}.example`;

  it('forty strangers whose relays never answer hold up nobody else', async () => {
    const hanging = new Promise<PublishResult>(() => {});
    const strangers = Array.from({ length: 40 }, () => createLocalSigner(generateSecretKey(rng), rng));
    for (const [n, stranger] of strangers.entries()) {
      const theirs = [0, 1, 2, 3].map((which) => silent(`${n % 10}-${which}`));
      for (const relay of theirs) holds.set(relay, hanging);
      lists.push(await stranger.sign(dmRelays(...theirs)));
      database.write((tx) => {
        meet(tx, stranger.publicKey, 'nip17', A, clock.now());
        for (let n_ = 0; n_ < 5; n_++) enqueue(tx, texts, { to: stranger.publicKey, text: `no ${n_}` }, clock.now());
      });
    }
    worker.poke();
    await wait(30);
    await publishesLists(dmRelays(B));
    say('hello');
    await wait(1);
    expect(state()).toBe('delivered');
    expect(reached().filter((relay) => relay === B)).toHaveLength(1);
  });

  it('fifty messages to one reader do not hold another one’s on the same relay', async () => {
    const other = createLocalSigner(generateSecretKey(rng), rng);
    say('the relay answers');
    await wait(1);
    database.write((tx) => {
      meet(tx, other.publicKey, 'nip17', A, clock.now());
      for (let n = 0; n < 50; n++) enqueue(tx, texts, { to: other.publicKey, text: `no ${n}` }, clock.now());
    });
    worker.poke();
    const slow = new Promise<PublishResult>(() => {});
    slowFor = { reader: other.publicKey, result: slow };
    await wait(1);
    say('hello');
    await wait(1);
    expect(state()).toBe('delivered');
  });
});

it('whatever relays answer: nothing is wrapped twice, nothing that one would take is lost', async () => {
  const answer = fc.constantFrom<PublishResult>(
    ACCEPTED,
    { outcome: 'later', why: 'rate-limited' },
    { outcome: 'unknown' },
    { outcome: 'refused', why: 'blocked' },
  );
  const script = fc.array(answer, { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(script, script, script, fc.boolean(), async (a, b, c, restart) => {
      await stop();
      database.close();
      database = freshDatabase();
      [answers, published, lists] = [new Map([[A, [...a]], [B, [...b]], [C, [...c]]]), [], []]; // prettier-ignore
      database.write((tx) => meet(tx, guest.publicKey, 'nip17', A, clock.now()));
      await publishesLists(dmRelays(A, B, C));
      start();
      say('hello', null, false, true);
      await wait(2);
      if (restart) {
        await stop();
        start();
      }
      await wait(60);
      const bytes = new Set(published.map(({ event }) => JSON.stringify(event)));
      expect(bytes.size).toBe(1);
      expect(state()).toBe('delivered');
      // Each relay has it in the end, and none is asked after that.
      for (const [relay, said] of [[A, a], [B, b], [C, c]] as const) {
        const final = said.findIndex((one) => one.outcome === 'accepted');
        expect(reached().filter((one) => one === relay)).toHaveLength(final < 0 ? said.length + 1 : final + 1);
      } // prettier-ignore
    }),
    { numRuns: 20 },
  );
});
