import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rng } from '../../test/builders/guest.ts';
import { startFakeRelay, type FakeRelay, type RelayBehaviour } from '../../test/fakes/relay.ts';
import type { NostrEvent } from '../nostr/event.ts';
import { generateSecretKey } from '../nostr/keys.ts';
import { createLocalSigner } from '../nostr/local-signer.ts';
import { paceOf } from './pace.ts';
import { RelayLink } from './relay-link.ts';
import { systemClock, systemRng } from './system.ts';

const signer = createLocalSigner(generateSecretKey(rng), rng);
const deps = { clock: systemClock, rng: systemRng, pace: paceOf(true), signer };
const note = (content: string): Promise<NostrEvent> =>
  signer.sign({ kind: 1, created_at: systemClock.now(), tags: [], content });

let relay: FakeRelay;
let link: RelayLink;
beforeEach(async () => {
  relay = await startFakeRelay();
  link = new RelayLink(relay.url, deps);
});
afterEach(async () => {
  link.close();
  await relay.close();
});

describe('one relay', () => {
  it('takes an event, takes it again, refuses it, or is silent', async () => {
    const event = await note('one');
    expect(await link.publish(event)).toBe('taken');
    expect(await link.publish(event)).toBe('taken');
    relay.behave({ ok: { accepted: false, message: 'blocked: no' } });
    expect(await link.publish(await note('two'))).toBe('refused');
    relay.behave({ ok: { accepted: false, message: 'duplicate: have it' } });
    expect(await link.publish(await note('three'))).toBe('taken');
    const unreachable = new RelayLink('ws://127.0.0.1:1', deps);
    expect(await unreachable.publish(event)).toBe('silent');
  });

  const proofs: [string, NonNullable<RelayBehaviour['auth']>][] = [
    ['that challenges at once', { on: ['EVENT', 'REQ'], challenge: 'at-once', answer: 'ok' }],
    ['that challenges after its refusal', { on: ['EVENT', 'REQ'], challenge: 'on-refusal', answer: 'ok' }],
    ['that says restricted', { on: ['EVENT', 'REQ'], challenge: 'at-once', answer: 'ok', refusal: 'restricted' }],
  ];
  it.each(proofs)('is shown whose key it is: one %s', async (_, auth) => {
    relay.behave({ auth });
    expect(await link.publish(await note('one'))).toBe('taken');
    expect(await link.query({ kinds: [1] })).toHaveLength(1);
    expect(relay.auths.map(({ pubkey }) => pubkey)).toEqual([signer.publicKey]);
    const heard: unknown[] = [];
    const reader = new RelayLink(relay.url, deps);
    reader.subscribe(
      () => ({ kinds: [1] }),
      (event) => heard.push(event),
    );
    await expect.poll(() => heard.length, { timeout: 10_000 }).toBeGreaterThan(0);
    reader.close();
  });

  it('that takes no proof is left alone', async () => {
    relay.behave({ auth: { on: ['EVENT'], challenge: 'at-once', answer: 'refused' } });
    expect(await link.publish(await note('one'))).toBe('refused');
    for (let index = 0; index < 20; index++) relay.challenge();
    expect(await link.publish(await note('two'))).toBe('refused');
    expect(relay.received.length).toBeLessThanOrEqual(4);
  });

  it('is read again after it was away, and after it ended the subscription', async () => {
    const heard: string[] = [];
    link.subscribe(
      () => ({ kinds: [1] }),
      (event) => heard.push((event as NostrEvent).content),
    );
    await expect.poll(() => link.isConnected).toBe(true);
    relay.dropAll();
    relay.inject(await note('while away'));
    await expect.poll(() => heard, { timeout: 10_000 }).toContain('while away');
    relay.closeSubscriptions('error: tired');
    relay.inject(await note('while closed'));
    await expect.poll(() => heard, { timeout: 10_000 }).toContain('while closed');
    await relay.stop();
    await relay.restart();
    relay.inject(await note('after the restart'));
    await expect.poll(() => heard, { timeout: 10_000 }).toContain('after the restart');
  });

  it('may say what it likes', async () => {
    link.subscribe(
      () => ({ kinds: [1] }),
      () => {},
    );
    await expect.poll(() => link.isConnected).toBe(true);
    for (const text of [
      '',
      'null',
      '{}',
      '[]',
      '[1,2]',
      '["EVENT"]',
      '["OK",null,true]',
      '["EOSE","q1"]',
      '["AUTH",{}]',
      '["CLOSED","nobody"]',
      '["EVENT","inbox",null]',
    ])
      relay.shout(text);
    expect(await link.publish(await note('still here'))).toBe('taken');
  });
});
