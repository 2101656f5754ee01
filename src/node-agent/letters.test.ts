import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rng } from '../../test/builders/guest.ts';
import { createHandClock } from '../../test/fakes/hand-clock.ts';
import { unixSeconds } from '../lib/units.ts';
import type { NostrEvent } from '../nostr/event.ts';
import { generateSecretKey } from '../nostr/keys.ts';
import { createLocalSigner } from '../nostr/local-signer.ts';
import { openDm } from '../nostr/open.ts';
import { isDropped, type OpenedDm } from '../nostr/opened-dm.ts';
import type { Context } from './context.ts';
import { lettersToOwner } from './letters.ts';
import { newestList } from './lists.ts';
import type { NodeFile } from './node-file.ts';
import { newState, StateFile } from './state.ts';
import { ownRelays, waysToOwner, waysToTimmy } from './ways.ts';

const owner = createLocalSigner(generateSecretKey(rng), rng);
const clock = createHandClock();
const NODE = {
  owner: owner.publicKey,
  ownerRelays: ['wss://o1.example', 'wss://o2.example'],
  timmyRelays: ['wss://t1.example', 'wss://o1.example'],
  stub: false,
} as unknown as NodeFile;

function desk(node: NodeFile): Context {
  const state = new StateFile(join(mkdtempSync(join(tmpdir(), 'timmy-desk-')), 'state.json'), () =>
    newState(clock.now(), unixSeconds(2_000_000_000), 0),
  );
  return { node, signer: createLocalSigner(generateSecretKey(rng), rng), rng, clock, state } as unknown as Context;
}

async function read(context: Context, texts: readonly string[]): Promise<OpenedDm[]> {
  const patch = await lettersToOwner(context, texts);
  context.state.change(() => patch);
  return Promise.all(
    patch.letters.map(async ({ event }) => {
      const dm = await openDm(event, owner, clock.now());
      if (isDropped(dm)) throw new Error(dm.dropped);
      return dm;
    }),
  );
}

describe('letters to the owner', () => {
  it('lose nothing where they are too long for one message, and keep their order', async () => {
    const text = Array.from({ length: 300 }, (_, index) => `line ${index} ${'é'.repeat(20)}`).join('\n');
    const heard = await read(desk(NODE), [text, 'second']);
    expect(heard.length).toBeGreaterThan(2);
    for (const { content } of heard) expect(Buffer.byteLength(content)).toBeLessThanOrEqual(6_000);
    expect(
      heard
        .slice(0, -1)
        .map(({ content }) => content)
        .join('\n'),
    ).toBe(text);
    const dates = heard.map(({ createdAt }) => createdAt);
    expect(dates).toEqual([...new Set(dates)].sort((one, other) => one - other));
  });

  it('of a stub say so in words; JSON stays JSON', async () => {
    const [words, json] = await read(desk({ ...NODE, stub: true }), ['hello', '{"a":1}']);
    expect(words!.content).toBe('STUB: no server exists.\nhello');
    expect(json!.content).toBe('{"a":1}');
  });
});

describe('ways', () => {
  const state = newState(unixSeconds(1), unixSeconds(2), 0);

  it('widen with each try: where they read, the relays of their order, Timmy’s', () => {
    const listed = { ...state, lists: { owner: { at: 1, relays: ['wss://inbox.example'] }, timmy: null } };
    expect(waysToOwner(NODE, listed, 1)).toEqual(['wss://inbox.example']);
    expect(waysToOwner(NODE, listed, 2)).toEqual(['wss://inbox.example', 'wss://o1.example', 'wss://o2.example']);
    expect(waysToOwner(NODE, listed, 9)).toHaveLength(4);
    expect(waysToOwner(NODE, state, 1)).toEqual(['wss://o1.example', 'wss://o2.example']);
    expect(waysToOwner({ ...NODE, ownerRelays: [] }, state, 1)).toEqual(NODE.timmyRelays);
    expect(waysToTimmy(NODE, state)).toEqual(NODE.timmyRelays);
    expect(ownRelays(NODE)).toEqual(['wss://o1.example', 'wss://t1.example', 'wss://o2.example']);
  });

  it('follow the newest word that is signed, and none from far ahead', async () => {
    const list = (at: number, urls: readonly string[]): Promise<NostrEvent> =>
      owner.sign({ kind: 10_050, created_at: at, content: '', tags: urls.map((url) => ['relay', url]) });
    const now = clock.now();
    const old = await list(now - 100, ['wss://old.example']);
    const fresh = await list(now - 10, ['wss://fresh.example', 'not a url']);
    const ahead = await list(now + 90_000, ['wss://ahead.example']);
    const empty = await list(now - 5, []);
    const forged = { ...(await list(now - 1, ['wss://evil.example'])), sig: '0'.repeat(128) };
    const found = [forged, old, ahead, fresh, empty, null, 'x'];
    expect(newestList(found, owner.publicKey, null, now)).toEqual({ at: now - 10, relays: ['wss://fresh.example'] });
    expect(newestList([old], owner.publicKey, { at: now - 10, relays: [] }, now)).toBeNull();
    expect(newestList([fresh], 'f'.repeat(64), null, now)).toBeNull();
  });
});
