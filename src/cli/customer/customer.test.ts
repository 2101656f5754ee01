import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createHandClock } from '../../../test/fakes/hand-clock.ts';
import { createRelayHub } from '../../../test/fakes/relay-hub.ts';
import { silentLog } from '../../lib/log.ts';
import { plusSeconds } from '../../lib/units.ts';
import { generateSecretKey, publicKeyOf } from '../../nostr/keys.ts';
import { createLocalSigner } from '../../nostr/local-signer.ts';
import { openDm } from '../../nostr/open.ts';
import { openLegacyDm } from '../../nostr/open-legacy.ts';
import { dmRelayList, parseDmRelayList } from '../../nostr/relay-list.ts';
import { createRumor, sealDm, sealLegacyDm } from '../../nostr/seal.ts';
import { openCustomer, type CustomerOptions, type ReceivedDm } from './customer.ts';

const A = 'wss://a.example';
const B = 'wss://b.example';
const rng = { bytes: (length: number) => randomBytes(length) };

function world(urls: readonly string[] = [A]) {
  const hub = createRelayHub(urls);
  const clock = createHandClock();
  const timmy = createLocalSigner(generateSecretKey(rng), rng);
  const secretKey = generateSecretKey(rng);
  const me = publicKeyOf(secretKey);
  const shown: ReceivedDm[] = [];
  const options: CustomerOptions = {
    secretKey,
    relays: urls,
    connect: () => hub.connect(),
    clock,
    rng,
    log: silentLog,
    onMessage: (message) => shown.push(message),
  };
  const rumor = (content: string, secondsFromNow = 0) =>
    createRumor({
      pubkey: timmy.publicKey,
      kind: 14,
      content,
      createdAt: plusSeconds(clock.now(), secondsFromNow),
      recipients: [me],
    });
  const wrap = (content: string, secondsFromNow = 0) =>
    sealDm(rumor(content, secondsFromNow), me, timmy, rng, clock.now());
  const texts = () => shown.map(({ text }) => text);
  return { hub, clock, timmy, secretKey, me, shown, texts, options, rumor, wrap };
}

describe('opening', () => {
  it('says where it can be written to before it resolves', async () => {
    const { hub, options, me } = world([A, B]);
    const customer = await openCustomer(options);
    for (const url of [A, B]) {
      const lists = hub.stored(url).filter(({ pubkey }) => pubkey === me);
      expect(lists.map(({ kind }) => kind).sort()).toEqual([10_002, 10_050]);
      expect(lists.flatMap((event) => parseDmRelayList(event))).toEqual([A, B]);
    }
    await customer.close();
  });

  it('leaves a relay list that another client made as it is, and reads there too', async () => {
    const w = world([A, B]);
    const theirs = await createLocalSigner(w.secretKey, rng).sign(dmRelayList([B], w.clock.now()));
    await w.hub.put(A, theirs);
    const customer = await openCustomer({ ...w.options, relays: [A], keepRelayList: true });
    expect(w.hub.stored(A)).toEqual([theirs]);
    await w.hub.put(B, await w.wrap('over there'));
    await customer.close();
    expect(w.texts()).toEqual(['over there']);
  });

  it('fails when no relay can be read', async () => {
    const w = world([]);
    const opening = openCustomer({ ...w.options, relays: ['wss://gone.example'] });
    await w.clock.timerSet(10_000);
    w.clock.advance(10_000);
    await expect(opening).rejects.toThrow('no relay could be read: wss://gone.example');
  });
});

describe('reading', () => {
  it('shows messages in the order they were written, each once', async () => {
    const w = world([A, B]);
    const customer = await openCustomer(w.options);
    const first = w.rumor('first', 1);
    const again = () => sealDm(first, w.me, w.timmy, rng, w.clock.now());
    await w.hub.put(A, await w.wrap('second', 2));
    await w.hub.put(A, await again());
    await w.hub.put(B, await again());
    expect(w.texts()).toEqual([]);
    w.clock.advance(150);
    expect(w.texts()).toEqual(['first', 'second']);
    await w.hub.put(B, await again());
    await customer.close();
    expect(w.texts()).toEqual(['first', 'second']);
  });

  it('shows nothing from before it opened, unless asked', async () => {
    const w = world();
    await w.hub.put(A, await w.wrap('old', -10));
    await w.hub.put(A, await w.wrap('older', -20));
    const deaf = await openCustomer(w.options);
    await deaf.close();
    expect(w.texts()).toEqual([]);
    const curious = await openCustomer({ ...w.options, showSince: plusSeconds(w.clock.now(), -60) });
    expect(w.texts()).toEqual(['older', 'old']);
    await curious.close();
  });

  it('reads kind 4 beside gift wraps', async () => {
    const w = world();
    const customer = await openCustomer(w.options);
    await w.hub.put(A, await sealLegacyDm({ recipient: w.me, content: 'legacy' }, w.timmy, w.clock.now()));
    await customer.close();
    expect(w.shown).toMatchObject([{ text: 'legacy', protocol: 'nip04', from: w.timmy.publicKey }]);
  });
});

describe('sending', () => {
  it('wraps for the recipient, with strictly rising dates', async () => {
    const w = world();
    const customer = await openCustomer(w.options);
    const sent = [await customer.send(w.timmy.publicKey, 'one'), await customer.send(w.timmy.publicKey, 'two')];
    const wraps = w.hub.stored(A).filter(({ kind }) => kind === 1059);
    const opened = await Promise.all(wraps.map((event) => openDm(event, w.timmy, w.clock.now())));
    expect(opened).toMatchObject([
      { content: 'one', sender: w.me, rumorId: sent[0]?.id, createdAt: w.clock.now() },
      { content: 'two', sender: w.me, rumorId: sent[1]?.id, createdAt: w.clock.now() + 1 },
    ]);
    expect(sent[0]).toMatchObject({ accepted: [A], refused: [] });
    await customer.close();
  });

  it.each(['nip04', 'nip44'] as const)('speaks kind 4 with %s', async (protocol) => {
    const w = world();
    const customer = await openCustomer(w.options);
    const { id } = await customer.send(w.timmy.publicKey, 'hello', protocol);
    const event = w.hub.stored(A).find(({ kind }) => kind === 4);
    expect(event?.content.includes('?iv=')).toBe(protocol === 'nip04');
    expect(await openLegacyDm(event, w.timmy, w.clock.now())).toMatchObject({ content: 'hello', rumorId: id });
    await customer.close();
  });

  it("goes to the recipient's own relays where they are looked up and found", async () => {
    const w = world([A, B]);
    await w.hub.put(B, await w.timmy.sign(dmRelayList([B], w.clock.now())));
    const customer = await openCustomer({ ...w.options, relays: [A], discoveryRelays: [B] });
    expect(await customer.send(w.timmy.publicKey, 'hello')).toMatchObject({ accepted: [B] });
    await customer.close();
  });

  it('tells which relays did not take it', async () => {
    const w = world();
    const customer = await openCustomer(w.options);
    const gone = 'wss://gone.example';
    await w.hub.put(A, await w.timmy.sign(dmRelayList([gone], w.clock.now())));
    await customer.close();
    const other = await openCustomer({ ...w.options, discoveryRelays: [A] });
    const sending = other.send(w.timmy.publicKey, 'hello');
    for (const pause of [500, 1000]) {
      await w.clock.timerSet(pause);
      w.clock.advance(pause);
    }
    expect(await sending).toMatchObject({ accepted: [], refused: [{ relay: gone, why: 'unreachable' }] });
    await other.close();
  });
});
