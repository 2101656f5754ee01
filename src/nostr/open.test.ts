import { randomBytes } from 'node:crypto';
import * as nip04 from 'nostr-tools/nip04';
import * as nip17 from 'nostr-tools/nip17';
import * as nip44 from 'nostr-tools/nip44';
import * as nip59 from 'nostr-tools/nip59';
import { finalizeEvent, generateSecretKey, getPublicKey } from 'nostr-tools/pure';
import { describe, expect, it } from 'vitest';
import { OutsideError } from '../lib/errors.ts';
import { Secret } from '../lib/secret.ts';
import { unixSeconds } from '../lib/units.ts';
import type { NostrEvent } from './event.ts';
import { createLocalSigner } from './local-signer.ts';
import { openDm } from './open.ts';
import { isDropped, type Dropped, type OpenedDm } from './opened-dm.ts';
import { openLegacyDm } from './open-legacy.ts';
import { createRumor, MAX_RUMOR_BYTES, sealDm, sealLegacyDm } from './seal.ts';
import { eventId } from './verify.ts';

const rng = { bytes: (length: number): Uint8Array => randomBytes(length) };
const now = unixSeconds(1_800_000_000);
const timmyKey = generateSecretKey();
const timmy = createLocalSigner(new Secret(timmyKey), rng);
const aliceKey = generateSecretKey();
const alice = createLocalSigner(new Secret(aliceKey), rng);
const malloryKey = generateSecretKey();
const mallory = getPublicKey(malloryKey);

type Loose = Record<string, unknown>;

const rumorOf = (overrides: Loose = {}): Loose => {
  const fields = {
    pubkey: alice.publicKey,
    created_at: now as number,
    kind: 14,
    tags: [['p', timmy.publicKey]],
    content: 'hello',
    ...overrides,
  };
  return { id: eventId(fields), ...fields };
};
const encrypt = (text: string, key: Uint8Array, peer: string): string =>
  nip44.encrypt(text, nip44.getConversationKey(key, peer));
const sealOf = (rumor: unknown, key = aliceKey, overrides: Loose = {}): Loose => ({
  ...finalizeEvent(
    {
      kind: 13,
      created_at: now,
      tags: [],
      content: encrypt(typeof rumor === 'string' ? rumor : JSON.stringify(rumor), key, timmy.publicKey),
      ...overrides,
    },
    key,
  ),
});
const wrapOf = (seal: unknown, overrides: Loose = {}): NostrEvent => {
  const key = generateSecretKey();
  const content = encrypt(typeof seal === 'string' ? seal : JSON.stringify(seal), key, timmy.publicKey);
  const template = { kind: 1059, created_at: now, tags: [['p', timmy.publicKey]], content, ...overrides };
  return JSON.parse(JSON.stringify(finalizeEvent(template, key))) as NostrEvent;
};
const open = (event: unknown): Promise<OpenedDm | Dropped> => openDm(event, timmy, now);
async function opened(event: unknown): Promise<OpenedDm> {
  const result = await open(event);
  if (isDropped(result)) throw new Error(`dropped: ${result.dropped}`);
  return result;
}

describe('openDm', () => {
  it('opens what nostr-tools wraps', async () => {
    const wrap = nip17.wrapEvent(aliceKey, { publicKey: timmy.publicKey }, 'write a haiku');
    const dm = await openDm(JSON.parse(JSON.stringify(wrap)), timmy, unixSeconds(Math.floor(Date.now() / 1000)));
    expect(dm).toMatchObject({
      sender: alice.publicKey,
      content: 'write a haiku',
      kind: 14,
      age: 'fresh',
      group: false,
      replyTo: null,
      wrapId: wrap.id,
      protocol: 'nip17',
    });
  });

  it('opens kind 21059, and what we seal', async () => {
    const parent = 'ab'.repeat(32);
    const wish = {
      pubkey: alice.publicKey,
      kind: 14,
      content: 'ünïcode 🧡',
      createdAt: now,
      recipients: [timmy.publicKey],
    };
    const rumor = createRumor({ ...wish, replyTo: parent, subject: 'x', relayHint: 'wss://r.example' });
    const wrap = await sealDm(rumor, timmy.publicKey, alice, rng, now, { ephemeral: true });
    expect(wrap.kind).toBe(21059);
    const dm = await opened(wrap);
    expect(dm).toMatchObject({ content: 'ünïcode 🧡', replyTo: parent, rumorId: rumor.id, sender: alice.publicKey });
  });

  it('has the same rumor id for a seal that was wrapped again, whoever wraps it', async () => {
    const seal = sealOf(rumorOf());
    const [first, second] = [await opened(wrapOf(seal)), await opened(wrapOf(seal))];
    expect(first.rumorId).toBe(second.rumorId);
    expect(first.wrapId).not.toBe(second.wrapId);
  });

  it.each([
    [0, 'fresh'],
    [15 * 60, 'fresh'],
    [15 * 60 + 1, 'future'],
    [-72 * 3600, 'fresh'],
    [-72 * 3600 - 1, 'stale'],
    [-1_800_000_000, 'stale'],
  ])('a message dated %i seconds from now is %s', async (offset, age) => {
    expect((await opened(wrapOf(sealOf(rumorOf({ created_at: now + offset }))))).age).toBe(age);
  });

  it('marks rooms with more people as a group, and takes a rumor that names nobody', async () => {
    const group = rumorOf({
      tags: [
        ['p', timmy.publicKey],
        ['p', mallory],
      ],
    });
    expect((await opened(wrapOf(sealOf(group)))).group).toBe(true);
    const pair = rumorOf({
      tags: [
        ['p', timmy.publicKey],
        ['p', alice.publicKey],
      ],
    });
    expect((await opened(wrapOf(sealOf(pair)))).group).toBe(false);
    expect((await opened(wrapOf(sealOf(rumorOf({ kind: 1, tags: [] }))))).content).toBe('hello');
  });

  it('computes an id that the sender left out, and forgives an expiration on the seal', async () => {
    const { id, ...bare } = rumorOf();
    expect((await opened(wrapOf(sealOf(bare)))).rumorId).toBe(id);
    expect((await opened(wrapOf(sealOf(rumorOf(), aliceKey, { tags: [['expiration', '1900000000']] })))).rumorId).toBe(
      id,
    );
  });

  it('reads text that was encrypted twice, and leaves alone what only looks so', async () => {
    const inner = encrypt('twice', aliceKey, timmy.publicKey);
    expect((await opened(wrapOf(sealOf(rumorOf({ content: inner }))))).content).toBe('twice');
    const fake = `Ag${'A'.repeat(200)}`;
    expect((await opened(wrapOf(sealOf(rumorOf({ content: fake }))))).content).toBe(fake);
  });

  it.each(['', null])('takes an empty member `sig` (%j) for none', async (sig) => {
    expect(await opened(wrapOf(sealOf({ ...rumorOf(), sig })))).toMatchObject({ content: 'hello' });
  });

  const expiring = (at: unknown): unknown[] => [
    wrapOf(sealOf(rumorOf({ tags: [['p', timmy.publicKey], ['expiration', at]] }))), // prettier-ignore
    wrapOf(sealOf(rumorOf(), aliceKey, { tags: [['expiration', at]] })),
  ];
  it('ignores what its sender wanted forgotten by now, said on the rumor or on the seal', async () => {
    for (const event of expiring(String(now))) expect(await open(event)).toMatchObject({ dropped: 'expired' });
    for (const at of [String(now + 1), 'soon', '', '-1'])
      for (const event of expiring(at)) expect(await opened(event)).toMatchObject({ content: 'hello' });
  });

  it('answers a message whose wrap alone has expired: that date is for relays', async () => {
    const tags = [
      ['p', timmy.publicKey],
      ['expiration', String(now - 1)],
    ];
    expect(await opened(wrapOf(sealOf(rumorOf()), { tags }))).toMatchObject({ content: 'hello' });
  });

  it('says the id of what it dropped only where the signature was true', async () => {
    const junk = wrapOf('junk');
    expect(await open(junk)).toMatchObject({ dropped: 'not_a_seal', verifiedId: junk.id });
    expect(await open({ ...junk, sig: '0'.repeat(128) })).toEqual({ dropped: 'bad_signature' });
    expect(await open({ ...junk, content: 'x' })).toEqual({ dropped: 'malformed' });
  });

  it('finds the message that is answered', async () => {
    const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];
    const of = async (tags: string[][]): Promise<string | null> =>
      (await opened(wrapOf(sealOf(rumorOf({ tags: [['p', timmy.publicKey], ...tags] }))))).replyTo;
    expect(
      await of([
        ['e', a],
        ['e', b],
      ]),
    ).toBe(b);
    expect(
      await of([
        ['e', a, '', 'reply'],
        ['e', b, '', 'root'],
      ]),
    ).toBe(a);
    expect(await of([['e', 'nonsense']])).toBeNull();
  });

  it('passes on the trouble of a remote signer', async () => {
    const down = { ...timmy, nip44Decrypt: () => Promise.reject(new OutsideError('unavailable', 'signer.down')) };
    await expect(openDm(wrapOf(sealOf(rumorOf())), down, now)).rejects.toThrow('signer.down');
  });
});

describe('forged wraps', () => {
  const hex = 'f'.repeat(64);
  const spoil = (text: string): string => (text.endsWith('0') ? `${text.slice(0, -1)}1` : `${text.slice(0, -1)}0`);
  const wrongValues: Record<string, unknown[]> = {
    id: [hex, '', 7, null, undefined, 'F'.repeat(64)],
    pubkey: [mallory, hex, '', 7, null, timmy.publicKey],
    created_at: [1, -1, 1.5, '1800000000', null, 1e300],
    kind: [1, '14', 14.5, -1, null, 444],
    tags: [
      null,
      'p',
      [[]],
      [[1]],
      [['p', timmy.publicKey, null]],
      [['p', mallory]],
      {},
      Array(101).fill(['p', timmy.publicKey]),
    ],
    content: [{}, null, 7, '', 'another text'],
    sig: ['0'.repeat(128), '', ' ', 7, null, hex],
  };
  const forgeries: [string, () => unknown][] = [];
  const add = (name: string, make: () => unknown): void => void forgeries.push([name, make]);
  for (const [field, values] of Object.entries(wrongValues)) {
    for (const value of values) {
      const said = JSON.stringify(value)?.slice(0, 40) ?? 'nothing';
      add(`wrap.${field} = ${said}`, () => ({ ...wrapOf(sealOf(rumorOf())), [field]: value }));
      add(`seal.${field} = ${said}`, () => wrapOf({ ...sealOf(rumorOf()), [field]: value }));
      // A rumor with another time, kind or text and its true id is simply another message; only a false id is a forgery.
      if (field === 'sig' && (value === '' || value === null)) continue; // Empty, it is none.
      add(`rumor.${field} = ${said}, id kept`, () => wrapOf(sealOf({ ...rumorOf(), [field]: value })));
    }
  }
  add('rumor signed by the attacker, in the name of the victim', () => wrapOf(sealOf(rumorOf(), malloryKey)));
  add('seal names the victim, signed by the attacker', () =>
    wrapOf({ ...sealOf(rumorOf(), malloryKey), pubkey: alice.publicKey }),
  );
  add('rumor carries a signature', () => wrapOf(sealOf({ ...rumorOf(), sig: '0'.repeat(128) })));
  add('rumor is for somebody else', () => wrapOf(sealOf(rumorOf({ tags: [['p', mallory]] }))));
  add('seal with a p tag', () => wrapOf(sealOf(rumorOf(), aliceKey, { tags: [['p', timmy.publicKey]] })));
  add('our own seal', () => wrapOf(sealOf(rumorOf({ pubkey: timmy.publicKey }), timmyKey)));
  add('no seal: a rumor at once', () => wrapOf(rumorOf()));
  add('no seal: signed kind 25910', () => wrapOf(sealOf(rumorOf(), aliceKey, { kind: 25910 })));
  add('wrap in wrap', () => wrapOf(wrapOf(sealOf(rumorOf()))));
  for (const kind of [0, 4, 13, 16, 444, 1059, 22242])
    add(`rumor kind ${kind}`, () => wrapOf(sealOf(rumorOf({ kind }))));
  for (const kind of [1, 4, 13, 1060]) add(`wrap kind ${kind}`, () => wrapOf(sealOf(rumorOf()), { kind }));
  add('wrap for somebody else', () => wrapOf(sealOf(rumorOf()), { tags: [['p', mallory]] }));
  add('wrap for nobody', () => wrapOf(sealOf(rumorOf()), { tags: [] }));
  add('wrap is a string', () => JSON.stringify(wrapOf(sealOf(rumorOf()))));
  add('wrap is an array', () => [wrapOf(sealOf(rumorOf()))]);
  add('wrap is null', () => null);
  add('wrap content spoilt, id and signature made anew', () => wrapOf('x', { content: 'A'.repeat(200) }));
  for (const text of ['', '{', '[]', '"x"', 'null', '7', '['.repeat(60_000)]) {
    if (text !== '') add(`seal JSON ${text.slice(0, 5)}`, () => wrapOf(text));
    if (text !== '') add(`rumor JSON ${text.slice(0, 5)}`, () => wrapOf(sealOf(text)));
  }
  add('wrap signature with one digit changed', () => {
    const wrap = wrapOf(sealOf(rumorOf()));
    return { ...wrap, sig: spoil(wrap.sig) };
  });
  add('a good wrap spread by a copy that nostr-tools has verified before', () => {
    const good = nip59.wrapEvent(
      { kind: 14, content: 'hi', tags: [['p', timmy.publicKey]] },
      aliceKey,
      timmy.publicKey,
    );
    return { ...good, content: `${good.content.slice(0, -4)}AAA=` };
  });

  it('are many', () => expect(forgeries.length).toBeGreaterThanOrEqual(60));
  it.each(forgeries)('%s', async (name, make) => {
    const result = await open(make());
    // A rumor without an id is legal; its id is computed.
    if (name === 'rumor.id = nothing, id kept') expect(result).toMatchObject({ rumorId: rumorOf().id });
    else expect(result).toHaveProperty('dropped');
  });
});

describe('sealDm', () => {
  const wish = { pubkey: timmy.publicKey, kind: 14, createdAt: now, recipients: [alice.publicKey] };

  it('makes a wrap that nostr-tools opens: one p tag, a throwaway key, dates in the past', async () => {
    const rumor = createRumor({ ...wish, content: 'an answer', replyTo: 'c'.repeat(64) });
    const wraps = await Promise.all(Array.from({ length: 5 }, () => sealDm(rumor, alice.publicKey, timmy, rng, now)));
    expect(new Set(wraps.map((wrap) => wrap.pubkey)).size).toBe(5);
    for (const wrap of wraps) {
      expect(wrap.tags).toEqual([['p', alice.publicKey]]);
      expect(wrap.kind).toBe(1059);
      expect(wrap.created_at).toBeLessThanOrEqual(now);
      expect(wrap.created_at).toBeGreaterThanOrEqual(now - 172_800);
      const seal = JSON.parse(
        nip44.decrypt(wrap.content, nip44.getConversationKey(aliceKey, wrap.pubkey)),
      ) as NostrEvent;
      expect(seal.tags).toEqual([]);
      expect(seal.created_at).toBeLessThanOrEqual(now);
      const unwrapped = nip59.unwrapEvent(wrap as never, aliceKey);
      expect(unwrapped).toEqual(rumor);
    }
  });

  it('dates back no further than told, and carries an expiration', async () => {
    const rumor = createRumor({ ...wish, content: 'x' });
    const wrap = await sealDm(rumor, alice.publicKey, timmy, rng, now, {
      maxBackdateSeconds: 0,
      expiresAt: unixSeconds(now + 60),
    });
    expect(wrap.created_at).toBe(now);
    expect(wrap.tags).toEqual([
      ['p', alice.publicKey],
      ['expiration', String(now + 60)],
    ]);
  });

  it('fits the largest rumor it allows, and refuses a larger one', async () => {
    const overhead = Buffer.byteLength(JSON.stringify(createRumor({ ...wish, content: '' })));
    const largest = createRumor({ ...wish, content: 'a'.repeat(MAX_RUMOR_BYTES - overhead) });
    const dm = await openDm(await sealDm(largest, alice.publicKey, timmy, rng, now), alice, now);
    expect(dm).toMatchObject({ rumorId: largest.id });
    const larger = createRumor({ ...wish, content: 'a'.repeat(MAX_RUMOR_BYTES - overhead + 1) });
    await expect(sealDm(larger, alice.publicKey, timmy, rng, now)).rejects.toThrow(RangeError);
  });
});

describe('kind 4', () => {
  const legacy = (content: string, key = aliceKey, tags = [['p', timmy.publicKey]]): unknown =>
    JSON.parse(JSON.stringify(finalizeEvent({ kind: 4, created_at: now, tags, content }, key)));
  const openLegacy = (event: unknown): Promise<OpenedDm | Dropped> => openLegacyDm(event, timmy, now);

  it('opens NIP-04, with a stray "-null" and a nip18 line as well, and NIP-44', async () => {
    const payload = nip04.encrypt(aliceKey, timmy.publicKey, 'héllo');
    expect(await openLegacy(legacy(payload))).toMatchObject({
      content: 'héllo',
      protocol: 'nip04',
      kind: 4,
      sender: alice.publicKey,
    });
    expect(await openLegacy(legacy(`${payload}-null`))).toMatchObject({ content: 'héllo' });
    const commented = nip04.encrypt(aliceKey, timmy.publicKey, '[//]: # (nip18)\nhéllo');
    expect(await openLegacy(legacy(commented))).toMatchObject({ content: 'héllo' });
    expect(await openLegacy(legacy(encrypt('modern', aliceKey, timmy.publicKey)))).toMatchObject({ content: 'modern' });
  });

  it('drops other ciphers, garbage, our own and what is not for us', async () => {
    const payload = nip04.encrypt(aliceKey, timmy.publicKey, 'x');
    const good = legacy(payload) as NostrEvent;
    const cases: [unknown, string][] = [
      [legacy('hello?iv=AAAAAAAAAAAAAAAAAAAAAA=='), 'undecryptable'],
      [legacy('signal payload'), 'undecryptable'],
      [legacy(nip04.encrypt(malloryKey, timmy.publicKey, 'x')), 'undecryptable'],
      [legacy(payload, timmyKey), 'own_message'],
      [legacy(payload, aliceKey, [['p', mallory]]), 'not_for_us'],
      [{ ...good, sig: '0'.repeat(128) }, 'bad_signature'],
      [{ ...good, content: 'x' }, 'malformed'],
      [wrapOf(sealOf(rumorOf())), 'wrong_kind'],
    ];
    for (const [event, dropped] of cases) expect(await openLegacy(event)).toMatchObject({ dropped });
  });

  it('seals what nostr-tools decrypts', async () => {
    const dm = await sealLegacyDm({ recipient: alice.publicKey, content: 'sold', replyTo: 'd'.repeat(64) }, timmy, now);
    expect(dm).toMatchObject({
      kind: 4,
      created_at: now,
      tags: [
        ['p', alice.publicKey],
        ['e', 'd'.repeat(64)],
      ],
    });
    expect(nip04.decrypt(aliceKey, timmy.publicKey, dm.content)).toBe('sold');
    expect(await openLegacyDm(dm, alice, now)).toMatchObject({ content: 'sold' });
  });
});

it('never signs kind 62', async () => {
  await expect(timmy.sign({ kind: 62, created_at: now, tags: [], content: '' })).rejects.toThrow(/never signed/);
});
