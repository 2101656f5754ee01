import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startFakeRelay, unsignedWrap, type FakeRelay } from '../../../test/fakes/relay.ts';
import { createReader, type Reader } from '../../../test/fakes/relay-reader.ts';
import { unixSeconds } from '../../lib/units.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import { MAX_IN_HAND } from './intake.ts';

let relay: FakeRelay;
let reader: Reader;

beforeEach(async () => {
  relay = await startFakeRelay();
  reader = createReader();
});
afterEach(async () => {
  await reader.close();
  await relay.close();
});

const DAY = 86_400;
const wrapFor = (createdAt: number, text = ''): NostrEvent => unsignedWrap(reader.signer.publicKey, createdAt, text);
const manyWraps = (count: number, dateOf: (i: number) => number): NostrEvent[] =>
  Array.from({ length: count }, (_, i) => wrapFor(dateOf(i), String(i)));
const isSubscribed = (): boolean => reader.states.at(-1) === 'subscribed';
async function subscribed(): Promise<void> {
  reader.start([relay.url]);
  await reader.passUntil(() => isSubscribed() && reader.synced.length > 0);
}
const live = async (): Promise<void> => {
  const wrap = wrapFor(reader.clock.now() - DAY, `live ${Math.random()}`);
  relay.inject(wrap);
  await reader.until(() => reader.ids().has(wrap.id));
};

describe('subscribing', () => {
  it('asks for what the high-water and the look-back say, and hears what comes', async () => {
    reader.highWater.set(relay.url, unixSeconds(reader.clock.now() - 1000));
    const stored = wrapFor(reader.clock.now() - 2 * DAY);
    relay.inject(stored, wrapFor(reader.clock.now() - 4 * DAY), unsignedWrap('cd'.repeat(32), reader.clock.now()));
    const startedAt = reader.clock.now();
    await subscribed();
    expect(relay.reqs[0]?.filters).toEqual([
      { kinds: [1059], '#p': [reader.signer.publicKey], since: startedAt - 1000 - 3 * DAY, limit: 200 },
    ]);
    expect([...reader.ids()]).toEqual([stored.id]);
    expect(reader.synced).toEqual([{ relay: relay.url, at: expect.any(Number) as number }]);
    expect(reader.relays.states()).toMatchObject([{ url: relay.url, state: 'subscribed', failures: 0 }]);
    expect(reader.states).toEqual(['authenticating', 'open', 'subscribed']);
    await live();
  });

  it('begins at the look-back when nothing was ever received, and is not made deaf by a date of the future', async () => {
    await subscribed();
    expect(relay.reqs[0]?.filters[0]?.since).toBe(Math.floor(reader.synced[0]?.at ?? 0) - 3 * DAY);
    reader.highWater.set(relay.url, unixSeconds(reader.clock.now() + 365 * DAY));
    relay.dropAll();
    await reader.passUntil(() => reader.synced.length === 2);
    expect(relay.reqs.at(-1)?.filters[0]?.since).toBeLessThan(reader.clock.now());
  });

  it('says "synced" only when every stored event is durable', async () => {
    relay.inject(wrapFor(reader.clock.now()));
    let makeDurable = (): void => {};
    reader.handle = () => new Promise((resolve) => (makeDurable = resolve));
    reader.start([relay.url]);
    await reader.passUntil(isSubscribed);
    await reader.pass(5);
    expect(reader.synced).toEqual([]);
    reader.handle = async () => {};
    makeDurable();
    await reader.passUntil(() => reader.synced.length === 1);
  });

  it('asks again for what could not be kept', async () => {
    const wrap = wrapFor(reader.clock.now());
    relay.inject(wrap);
    reader.handle = () => Promise.reject(new Error('disk full'));
    reader.start([relay.url]);
    await reader.passUntil(isSubscribed);
    await reader.pass(5);
    expect(reader.synced).toEqual([]);
    reader.handle = async () => {};
    await reader.passUntil(() => reader.synced.length === 1);
    expect(reader.events.length).toBeGreaterThan(1);
  });

  it('survives handlers that throw', async () => {
    const broken = createReader();
    broken.highWater.get = () => {
      throw new Error('locked');
    };
    broken.start([relay.url]);
    await broken.passUntil(() => broken.states.at(-1) === 'subscribed');
    await broken.close();
  });

  it('takes no more in hand than its bound, and stops reading meanwhile', async () => {
    relay.inject(...manyWraps(400, (i) => reader.clock.now() - i));
    let inHand = 0;
    let most = 0;
    const releases: (() => void)[] = [];
    reader.handle = async () => {
      most = Math.max(most, ++inHand);
      await new Promise<void>((resolve) => releases.push(resolve));
      inHand -= 1;
    };
    reader.start([relay.url]);
    await reader.passUntil(() => releases.length === MAX_IN_HAND);
    await reader.pass(70);
    expect(relay.connections()).toMatchObject({ total: 1, open: 1 });
    reader.handle = async () => {};
    releases.forEach((release) => release());
    await reader.passUntil(() => reader.ids().size === 400 && reader.synced.length === 1);
    expect(most).toBe(MAX_IN_HAND);
  });
});

describe('paging', () => {
  it.each([
    ['501 wraps, dated at random within two days', 501, (i: number) => (i * 7919) % (2 * DAY)],
    ['501 wraps, several in each second', 501, (i: number) => Math.floor(i / 7)],
    ['fewer than a page', 99, (i: number) => i],
    ['exactly a page', 100, (i: number) => i],
  ])('fetches %s', async (_, count, ageOf) => {
    relay.behave({ maxStored: 100 });
    relay.inject(...manyWraps(count, (i) => reader.clock.now() - ageOf(i)));
    await subscribed();
    expect(reader.ids().size).toBe(count);
  });

  it('steps over a second that is fuller than a page, rather than stop there', async () => {
    relay.behave({ maxStored: 100 });
    relay.inject(...manyWraps(150, () => reader.clock.now() - 50), wrapFor(reader.clock.now() - 100, 'behind'));
    await subscribed();
    expect(reader.ids().size).toBe(101);
  });
});

describe('relays that misbehave', () => {
  it('delivers twice: both are handed on, and nothing breaks', async () => {
    relay.behave({ duplicates: 2 });
    relay.inject(wrapFor(reader.clock.now()));
    await subscribed();
    expect(reader.ids().size).toBe(1);
  });

  it('sends a forged copy first: the true one is handed on as well', async () => {
    relay.behave({ forgedCopies: true });
    const wrap = { ...wrapFor(reader.clock.now()), sig: '1'.repeat(128) };
    relay.inject(wrap);
    await subscribed();
    expect(reader.events.map((event) => event.sig)).toContain(wrap.sig);
  });

  it('sends what nobody asked for: it is not handed on', async () => {
    relay.behave({ unasked: unsignedWrap('cd'.repeat(32), reader.clock.now()) });
    relay.inject(wrapFor(reader.clock.now()));
    await subscribed();
    expect(reader.ids().size).toBe(1);
  });

  it('sends EOSE early: the stored events come all the same', async () => {
    relay.behave({ eose: 'early' });
    const wraps = manyWraps(20, (i) => reader.clock.now() - i);
    relay.inject(...wraps);
    await subscribed();
    await reader.passUntil(() => reader.ids().size === 20);
  });

  it('never sends EOSE: live after 15 s, not synced, asked again', async () => {
    relay.behave({ eose: 'never' });
    reader.start([relay.url]);
    await reader.passUntil(isSubscribed);
    await live();
    expect(reader.synced).toEqual([]);
    relay.behave({ eose: 'normal' });
    await reader.passUntil(() => reader.synced.length === 1);
    expect(relay.connections().total).toBe(1);
  });

  it('is slow', async () => {
    relay.behave({ delayMs: 2 });
    relay.inject(...manyWraps(30, (i) => reader.clock.now() - i));
    reader.start([relay.url]);
    await reader.stepUntil(() => relay.reqs.length === 1);
    await reader.until(() => reader.synced.length === 1);
    expect(reader.ids().size).toBe(30);
  });

  it('talks nonsense', async () => {
    await subscribed();
    const frames = [
      '',
      '{',
      '[]',
      '7',
      'null',
      '["EVENT"]',
      '["EVENT","t1",null]',
      '["OK"]',
      '["EOSE",{}]',
      '["NOTICE","x"]',
    ];
    for (const frame of [...frames, '["AUTH",""]', '["CLOSED","none"]', JSON.stringify(['EVENT', 't1', { kind: {} }])])
      relay.shout(frame);
    relay.shout('x'.repeat(300_000));
    await live();
    expect(relay.connections().total).toBe(1);
  });

  it.each(['error: shutting down', '', 'rate-limited: slow down', 'blocked: no'])(
    'ends the live subscription with "%s": asked again on the same connection',
    async (reason) => {
      await subscribed();
      relay.closeSubscriptions(reason);
      await reader.until(() => reader.states.at(-1) === 'open');
      await reader.passUntil(isSubscribed);
      await live();
      expect(relay.connections().total).toBe(1);
    },
  );

  it('refuses the REQ for a while', async () => {
    relay.behave({ closed: 'error: busy' });
    reader.start([relay.url]);
    await reader.passUntil(() => relay.reqs.length === 1);
    await reader.pass(1);
    expect(isSubscribed()).toBe(false);
    relay.behave({ closed: null });
    await reader.passUntil(() => reader.synced.length === 1);
    await live();
  });

  it('refuses one kind for good: the rest is subscribed and synced', async () => {
    const twoFilters = [
      { name: 'wraps', filter: { kinds: [1059] }, lookbackSeconds: 3 * DAY },
      { name: 'legacy', filter: { kinds: [4] }, lookbackSeconds: 3 * DAY },
    ];
    relay.behave({ closed: { reason: 'blocked: no kind 4 here', kinds: [4] } });
    reader.start([relay.url], twoFilters);
    await reader.passUntil(() => reader.synced.length === 1);
    expect(isSubscribed()).toBe(true);
    expect(relay.reqs.filter(({ filters }) => filters[0]?.kinds?.[0] === 4)).toHaveLength(1);
    await live();
  });

  it('is not synced while one kind is refused for a passing reason', async () => {
    const twoFilters = [
      { name: 'wraps', filter: { kinds: [1059] }, lookbackSeconds: 3 * DAY },
      { name: 'legacy', filter: { kinds: [4] }, lookbackSeconds: 3 * DAY },
    ];
    relay.behave({ closed: { reason: 'error: busy', kinds: [4] } });
    reader.start([relay.url], twoFilters);
    await reader.passUntil(isSubscribed);
    await reader.pass(10);
    expect(reader.synced).toEqual([]);
    relay.behave({ closed: null });
    await reader.passUntil(() => reader.synced.length === 1);
  });
});

describe('connections', () => {
  it('comes up when the relay was down at the start', async () => {
    await relay.stop();
    reader.start([relay.url]);
    await reader.passUntil(() => (reader.relays.states()[0]?.failures ?? 0) >= 3);
    expect(reader.states).toContain('waiting');
    await relay.restart();
    await reader.passUntil(isSubscribed);
    await live();
    await reader.pass(61);
    expect(reader.relays.states()[0]?.failures).toBe(0);
  });

  it('comes up when the relay refused connections', async () => {
    relay.behave({ refuseConnections: true });
    reader.start([relay.url]);
    await reader.passUntil(() => (reader.relays.states()[0]?.failures ?? 0) >= 2);
    relay.behave({ refuseConnections: false });
    await reader.passUntil(isSubscribed);
  });

  it('fetches what came while it was away, however far back it is dated', async () => {
    await subscribed();
    const missed = manyWraps(3, (i) => reader.clock.now() - (i + 0.5) * 0.8 * DAY);
    relay.dropAll();
    await reader.until(() => reader.states.at(-1) === 'waiting');
    relay.inject(...missed);
    await reader.passUntil(() => missed.every((wrap) => reader.ids().has(wrap.id)) && isSubscribed());
    await live();
  });

  it('is cut off after each few frames and still gets everything', async () => {
    relay.behave({ dropAfterFrames: 1, maxStored: 100 });
    relay.inject(...manyWraps(150, (i) => reader.clock.now() - i));
    reader.start([relay.url]);
    await reader.passUntil(() => relay.connections().total >= 3);
    expect(reader.synced).toEqual([]);
    relay.behave({ dropAfterFrames: null });
    await reader.passUntil(() => reader.synced.length === 1);
    expect(reader.ids().size).toBe(150);
  });

  it('leaves a half-open connection after a minute of silence', async () => {
    await subscribed();
    await reader.pass(70);
    expect(relay.connections().total).toBe(1);
    relay.goHalfOpen();
    const missed = wrapFor(reader.clock.now() - DAY);
    relay.inject(missed);
    await reader.passUntil(() => reader.ids().has(missed.id));
    expect(relay.connections().total).toBe(2);
  });

  it('sweeps the whole look-back once an hour, and so mends a subscription that died in silence', async () => {
    await subscribed();
    relay.closeSubscriptions(null);
    const missed = wrapFor(reader.clock.now() - 2 * DAY);
    relay.inject(missed);
    await reader.pass(2);
    expect(reader.ids().has(missed.id)).toBe(false);
    await reader.passUntil(() => reader.ids().has(missed.id) && reader.synced.length === 2);
    await live();
  });

  it('closes for good, even before it was ever connected', async () => {
    const hasty = createReader();
    hasty.start([relay.url, 'ws://127.0.0.1:1']);
    await hasty.close();
    await hasty.pass(70);
    expect(hasty.events).toEqual([]);
    await expect(hasty.relays.publish(relay.url, wrapFor(1), new AbortController().signal)).resolves.toEqual({
      outcome: 'later',
      why: 'unreachable',
    });
  });

  it('lives on two relays at once', async () => {
    const other = await startFakeRelay();
    reader.start([relay.url, other.url, `${other.url}/`]);
    await reader.passUntil(() => reader.synced.length === 2);
    const wrap = wrapFor(reader.clock.now());
    relay.inject({ ...wrap, sig: '0'.repeat(128) });
    other.inject({ ...wrap, sig: '1'.repeat(128) });
    await reader.until(() => reader.events.length === 2);
    await other.close();
    await reader.passUntil(() => reader.relays.states().some(({ state }) => state === 'waiting'));
    await live();
  });
});

describe('AUTH (NIP-42)', () => {
  const answers = ['ok', 'nothing'] as const;
  const challenges = ['at-once', 'on-refusal'] as const;
  const refusals = ['auth-required', 'restricted', 'empty', 'notice'] as const;
  const cases = answers.flatMap((answer) =>
    challenges.flatMap((challenge) => refusals.map((refusal) => ({ answer, challenge, refusal }))),
  );

  it.each(cases)('$challenge, refusal $refusal, answer $answer; also after a reconnect', async (auth) => {
    relay.behave({ auth: { on: ['REQ'], ...auth } });
    const wrap = wrapFor(reader.clock.now() - DAY);
    relay.inject(wrap);
    reader.start([relay.url]);
    await reader.passUntil(() => reader.ids().has(wrap.id) && isSubscribed());
    expect(relay.auths[0]).toMatchObject({ connection: 1, pubkey: reader.signer.publicKey });
    await live();
    relay.dropAll();
    await reader.until(() => reader.states.at(-1) === 'waiting');
    const missed = wrapFor(reader.clock.now() - 2 * DAY);
    relay.inject(missed);
    await reader.passUntil(() => reader.ids().has(missed.id) && isSubscribed());
    expect(relay.auths.at(-1)).toMatchObject({ connection: 2 });
    await live();
  });

  const misspelt = ['ok', 'notice', 'nothing'] as const;
  it.each(misspelt.flatMap((how) => challenges.map((challenge) => ({ how, challenge }))))(
    'tries the spellings of its URL where only one is taken ($challenge, refusal by $how), and remembers it',
    async ({ how, challenge }) => {
      const spelling = `${relay.url}/`;
      relay.behave({ auth: { on: ['REQ'], challenge, answer: 'ok', spelling, misspelt: how } });
      reader.start([relay.url]);
      await reader.passUntil(() => isSubscribed() && reader.synced.length > 0);
      await live();
      expect(relay.refusedAuths).toContain(relay.url);
      const refused = relay.refusedAuths.length;
      relay.dropAll();
      await reader.until(() => reader.states.at(-1) === 'waiting');
      await reader.passUntil(isSubscribed);
      expect(relay.refusedAuths).toHaveLength(refused);
    },
  );

  it('begins with the spelling of the operator', async () => {
    const spelling = `${relay.url}/`;
    relay.behave({ auth: { on: ['REQ'], challenge: 'at-once', answer: 'ok', spelling } });
    reader.start([spelling]);
    await reader.passUntil(isSubscribed);
    expect(relay.refusedAuths).toEqual([]);
  });

  it('uses a new id for each REQ', async () => {
    relay.behave({ auth: { on: ['REQ'], challenge: 'on-refusal', answer: 'ok' } });
    await subscribed();
    const ids = relay.reqs.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('answers a second and a third challenge, the newest first', async () => {
    relay.behave({ auth: { on: ['REQ'], challenge: 'at-once', answer: 'ok' } });
    await subscribed();
    relay.challenge();
    relay.challenge();
    await reader.passUntil(() => relay.auths.at(-1)?.challenge === 'challenge-3');
    await reader.passUntil(isSubscribed);
    await live();
    expect(relay.connections().total).toBe(1);
  });

  it('does not go round in circles with a relay that refuses our key', async () => {
    relay.behave({ auth: { on: ['REQ'], challenge: 'on-refusal', answer: 'refused' } });
    reader.start([relay.url]);
    await reader.pass(45);
    expect(isSubscribed()).toBe(false);
    expect(relay.reqs.length).toBeLessThan(30);
    relay.behave({ auth: null });
    await reader.passUntil(isSubscribed);
  });

  it('comes back with a new connection when AUTH is required and no challenge is sent', async () => {
    relay.behave({ auth: { on: ['REQ'], challenge: 'never', answer: 'ok' } });
    reader.start([relay.url]);
    await reader.passUntil(() => relay.connections().total === 2);
    relay.behave({ auth: { on: ['REQ'], challenge: 'at-once', answer: 'ok' } });
    await reader.passUntil(isSubscribed);
  });

  it('stays up when the signer fails', async () => {
    const failing = createReader({
      signer: { ...reader.signer, sign: () => Promise.reject(new Error('bunker away')) },
    });
    relay.behave({ auth: { on: ['REQ'], challenge: 'at-once', answer: 'ok' } });
    failing.start([relay.url]);
    await failing.passUntil(() => relay.connections().total >= 3);
    expect(relay.auths).toEqual([]);
    await failing.close();
  });
});

describe('how soon we are back', () => {
  it('a relay that drops us every 4 s is listened to for more than four fifths of the time', async () => {
    await subscribed();
    const step = 100;
    let heard = 0;
    let total = 0;
    for (let dropInMs = 4_000; total < 60_000; dropInMs -= step) {
      // What is on the sockets arrives before time goes on.
      for (let i = 0; i < 4; i++) await new Promise((resolve) => setTimeout(resolve, 1));
      if (isSubscribed()) heard += step;
      total += step;
      reader.clock.advance(step);
      if (dropInMs > 0) continue;
      const open = relay.connections().open;
      relay.dropAll();
      if (open > 0) await reader.until(() => relay.connections().open === 0 && !isSubscribed());
      dropInMs = 4_000;
    }
    expect(heard / total).toBeGreaterThan(0.8);
  });

  it.each([75, 1200])('a relay away for %d s has us within 5 s of its return', async (awaySeconds) => {
    await subscribed();
    await relay.stop();
    await reader.until(() => !isSubscribed());
    await reader.pass(awaySeconds, 1_000);
    await relay.restart();
    const back = reader.clock.now();
    await reader.stepUntil(isSubscribed);
    expect(reader.clock.now() - back).toBeLessThanOrEqual(5);
  });

  it('a relay that refuses to let us read for ten minutes is read within 5 s of its change of mind', async () => {
    relay.behave({ closed: 'blocked: not now' });
    reader.start([relay.url]);
    await reader.passUntil(() => relay.reqs.length > 0);
    await reader.pass(600, 1_000);
    relay.behave({ closed: null });
    const back = reader.clock.now();
    await reader.stepUntil(isSubscribed);
    expect(reader.clock.now() - back).toBeLessThanOrEqual(5);
  });
});

describe('an event over the cut size, kept by a relay', () => {
  const poison = (at: number): NostrEvent => wrapFor(at, 'x'.repeat(1_200_000));

  it('is read around: what is live and all the rest arrive, and it is never asked for again', async () => {
    const now = reader.clock.now();
    const before = manyWraps(40, (i) => now - 100 - i * 5_000);
    const bad = poison(now - 50_000);
    relay.inject(...before, bad);
    reader.start([relay.url]);
    // While it is looked for: we come and go, and are never deaf for long.
    const fresh = wrapFor(now - DAY, 'fresh');
    await reader.stepUntil(isSubscribed);
    relay.inject(fresh);
    await reader.stepUntil(() => reader.ids().has(fresh.id));
    await reader.stepUntil(() => reader.synced.length > 0);
    await live();
    for (const { id } of before) expect(reader.ids()).toContain(id);
    expect(reader.ids()).not.toContain(bad.id);
    expect(reader.troubles).toEqual(['oversize']);
    const { total } = relay.connections();
    relay.dropAll();
    await reader.until(() => !isSubscribed());
    const missed = wrapFor(now - DAY - 7, 'missed');
    relay.inject(missed);
    await reader.stepUntil(() => reader.ids().has(missed.id) && reader.synced.length === 2);
    expect(relay.connections().total).toBe(total + 1);
  });

  it('is read around also where the relay does not heed a limit, and what is dated back is heard within seconds', async () => {
    const now = reader.clock.now();
    relay.behave({ ignoresLimit: true });
    const before = manyWraps(5, (i) => now - 100 - i * 5_000);
    relay.inject(...before, poison(now - 50_000));
    reader.start([relay.url]);
    await reader.stepUntil(() => reader.synced.length > 0);
    for (const { id } of before) expect(reader.ids()).toContain(id);
    const fresh = wrapFor(now - DAY, 'fresh');
    relay.inject(fresh);
    const sentAt = reader.clock.now();
    await reader.stepUntil(() => reader.ids().has(fresh.id));
    expect(reader.clock.now() - sentAt).toBeLessThanOrEqual(20);
  });

  it('of any number and date: every other wrap arrives', async () => {
    const now = reader.clock.now();
    const wraps = manyWraps(30, (i) => now - 13 - i * 7_919);
    relay.inject(...wraps, poison(now + 600), poison(now - 40_000), poison(now - 40_001), poison(now - 2 * DAY));
    reader.start([relay.url]);
    await reader.stepUntil(() => reader.synced.length > 0);
    for (const { id } of wraps) expect(reader.ids()).toContain(id);
    await live();
  });
});

it('what is live comes before what was stored', async () => {
  relay.inject(...manyWraps(150, (i) => reader.clock.now() - 10 - i));
  const releases: (() => void)[] = [];
  reader.handle = () => new Promise<void>((resolve) => releases.push(resolve));
  reader.start([relay.url]);
  await reader.passUntil(() => releases.length === MAX_IN_HAND);
  expect(new Set(reader.arrivals)).toEqual(new Set(['stored']));
  reader.handle = async () => {};
  for (const release of releases) release();
  await reader.passUntil(() => reader.synced.length === 1);
  await live();
  expect(reader.arrivals.at(-1)).toBe('live');
});
