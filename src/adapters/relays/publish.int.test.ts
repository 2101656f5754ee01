import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startFakeRelay, type FakeRelay } from '../../../test/fakes/relay.ts';
import { createReader, type Reader } from '../../../test/fakes/relay-reader.ts';
import { generateSecretKey } from '../../nostr/keys.ts';
import { createLocalSigner } from '../../nostr/local-signer.ts';
import type { Filter, NostrEvent } from '../../nostr/event.ts';
import type { PublishResult } from '../../ports/relays.ts';

const rng = { bytes: (length: number): Uint8Array => randomBytes(length) };
const author = createLocalSigner(generateSecretKey(rng), rng);
const note = (content: string, kind = 1, createdAt = 1_800_000_000): Promise<NostrEvent> =>
  author.sign({ kind, created_at: createdAt, tags: [], content });

let relay: FakeRelay;
let reader: Reader;
const ever = new AbortController().signal;

beforeEach(async () => {
  relay = await startFakeRelay();
  reader = createReader();
});
afterEach(async () => {
  await reader.close();
  await relay.close();
});

/** The result, while time passes. */
async function published(event: NostrEvent, signal = ever, url = relay.url): Promise<PublishResult> {
  let result: PublishResult | null = null;
  void reader.relays.publish(url, event, signal).then((value) => (result = value));
  await reader.passUntil(() => result !== null);
  if (result === null) throw new Error('no result');
  return result;
}

describe('publish', () => {
  it('is accepted, and again as a duplicate, on one connection that is closed when idle', async () => {
    const event = await note('hello');
    expect(await published(event)).toEqual({ outcome: 'accepted' });
    expect(await published(event)).toEqual({ outcome: 'accepted' });
    expect(relay.events()).toEqual([event]);
    expect(relay.connections()).toEqual({ total: 1, open: 1 });
    await reader.passUntil(() => relay.connections().open === 0);
  });

  it.each<[boolean, string, PublishResult]>([
    [true, '', { outcome: 'accepted' }],
    [false, 'duplicate: exists', { outcome: 'accepted' }],
    [false, 'rate-limited: later', { outcome: 'later', why: 'rate-limited' }],
    [false, 'you are going too fast', { outcome: 'later', why: 'rate-limited' }],
    [false, 'error: could not store', { outcome: 'later', why: 'error' }],
    [false, '', { outcome: 'later', why: 'error' }],
    [false, 'blocked: not you', { outcome: 'refused', why: 'blocked' }],
    [false, 'pow: 20 bits needed', { outcome: 'refused', why: 'pow', difficulty: 20 }],
    [false, 'invalid: bad tags', { outcome: 'refused', why: 'invalid' }],
    [false, 'invalid: created_at too old', { outcome: 'refused', why: 'too-old' }],
    [false, 'invalid: created_at is in the future', { outcome: 'refused', why: 'invalid' }],
    [false, 'invalid: event too large', { outcome: 'refused', why: 'too-large' }],
    [false, 'auth-required: who are you', { outcome: 'later', why: 'auth' }],
    [false, 'restricted: members only', { outcome: 'refused', why: 'restricted' }],
  ])('OK %s "%s"', async (accepted, message, expected) => {
    relay.behave({ ok: { accepted, message } });
    expect(await published(await note('x'))).toEqual(expected);
  });

  it('is unknown when no OK comes in ten seconds, or the connection is lost', async () => {
    relay.behave({ ok: 'never' });
    expect(await published(await note('x'))).toEqual({ outcome: 'unknown' });
    relay.behave({ ok: 'normal', dropAfterFrames: 0 });
    const other = createReader();
    let result: PublishResult | null = null;
    void other.relays.publish(relay.url, await note('y'), ever).then((value) => (result = value));
    await other.passUntil(() => result !== null);
    expect(result).toEqual({ outcome: 'unknown' });
    await other.close();
  });

  it('is "unreachable" where nobody listens, and for what is no relay', async () => {
    const unreachable = { outcome: 'later', why: 'unreachable' };
    expect(await published(await note('x'), ever, 'ws://127.0.0.1:1')).toEqual(unreachable);
    expect(await published(await note('x'), ever, 'https://example.com')).toEqual(unreachable);
    relay.behave({ refuseConnections: true });
    expect(await published(await note('x'))).toEqual(unreachable);
  });

  it('obeys its signal', async () => {
    expect(await published(await note('x'), AbortSignal.abort())).toEqual({ outcome: 'later', why: 'unreachable' });
    relay.behave({ ok: 'never' });
    const controller = new AbortController();
    const event = await note('y');
    const result = reader.relays.publish(relay.url, event, controller.signal);
    await reader.passUntil(() => relay.received.length === 1);
    controller.abort();
    expect(await result).toEqual({ outcome: 'unknown' });
  });

  it.each(['at-once', 'on-refusal'] as const)(
    'authenticates (%s) and sends the same event again',
    async (challenge) => {
      relay.behave({ auth: { on: ['EVENT'], challenge, answer: 'ok' } });
      const event = await note('x');
      expect(await published(event)).toEqual({ outcome: 'accepted' });
      expect(relay.auths).toHaveLength(1);
      expect(relay.received).toHaveLength(challenge === 'at-once' ? 1 : 2);
    },
  );

  it('takes "restricted:" with a challenge for "auth-required:"', async () => {
    relay.behave({ auth: { on: ['EVENT'], challenge: 'on-refusal', answer: 'ok', refusal: 'restricted' } });
    expect(await published(await note('x'))).toEqual({ outcome: 'accepted' });
  });

  it('reports it when AUTH does not help', async () => {
    relay.behave({ auth: { on: ['EVENT'], challenge: 'on-refusal', answer: 'refused' } });
    expect(await published(await note('x'))).toEqual({ outcome: 'later', why: 'auth' });
    relay.behave({ auth: { on: ['EVENT'], challenge: 'never', answer: 'ok', refusal: 'restricted' } });
    expect(await published(await note('y'))).toEqual({ outcome: 'refused', why: 'restricted' });
  });

  it('hears of a rate limit', async () => {
    relay.behave({ maxEventsPerConnection: 1 });
    expect(await published(await note('1'))).toEqual({ outcome: 'accepted' });
    expect(await published(await note('2'))).toEqual({ outcome: 'later', why: 'rate-limited' });
  });

  it('goes over the connection of the inbox where there is one', async () => {
    reader.start([relay.url]);
    await reader.passUntil(() => reader.synced.length === 1);
    expect(await published(await note('x'))).toEqual({ outcome: 'accepted' });
    expect(relay.connections().total).toBe(1);
  });
});

describe('query', () => {
  const query = async (urls: readonly string[], filter: Filter, signal = ever): Promise<readonly NostrEvent[]> => {
    let events: readonly NostrEvent[] | null = null;
    void reader.relays.query(urls, filter, signal).then((value) => (events = value));
    await reader.passUntil(() => events !== null);
    return events ?? [];
  };

  it('gathers from all relays, each event once, verified and matched', async () => {
    const other = await startFakeRelay({ forgedCopies: true });
    const [a, b] = [await note('a', 0), await note('b', 10002)];
    relay.inject(a, { ...(await note('c', 10050)), sig: '0'.repeat(128) });
    other.inject(a, b);
    other.behave({ unasked: await note('unasked', 3) });
    const found = await query([relay.url, other.url, 'ws://127.0.0.1:1'], {
      authors: [author.publicKey],
      kinds: [0, 10002, 10050],
    });
    expect(new Set(found.map(({ id }) => id))).toEqual(new Set([a.id, b.id]));
    await other.close();
  });

  it('gives what there is when a relay never ends', async () => {
    relay.behave({ eose: 'never' });
    const event = await note('a');
    relay.inject(event);
    expect(await query([relay.url], { kinds: [1] })).toEqual([event]);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 5);
    expect(await query([relay.url], { kinds: [7] }, controller.signal)).toEqual([]);
  });

  it('asks anonymously, but with our key where our own inbox relay insists', async () => {
    relay.behave({ auth: { on: ['REQ'], challenge: 'at-once', answer: 'ok' } });
    const event = await note('a');
    relay.inject(event);
    expect(await query([relay.url], { kinds: [1] })).toEqual([]);
    expect(relay.auths).toEqual([]);
    reader.start([relay.url]);
    await reader.passUntil(() => reader.synced.length === 1);
    expect(await query([relay.url], { kinds: [1] })).toEqual([event]);
  });
});
