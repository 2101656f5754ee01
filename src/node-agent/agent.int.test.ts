import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { CLAIM, CREDENTIALS, nowSeconds, openNode, person, type TestNode } from '../../test/builders/node-agent.ts';
import { startFakeRelay, type FakeRelay } from '../../test/fakes/relay.ts';
import type { NostrEvent } from '../nostr/event.ts';
import { encodeNpub } from '../nostr/keys.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function stage(count = 1, more: Record<string, unknown> = {}): Promise<{ relays: FakeRelay[]; node: TestNode }> {
  const relays: FakeRelay[] = [];
  for (let index = 0; index < count; index++) {
    const relay = await startFakeRelay();
    relays.push(relay);
    closing.push(() => relay.close());
  }
  const node = openNode(relays, more);
  closing.push(() => node.close());
  return { relays, node };
}

const COMMAND_TIMEOUT = { timeout: 10_000 };

describe('the bundle on a node', () => {
  it('announces itself by its claim, introduces itself, delivers the credentials and shreds them', async () => {
    const { node, relays } = await stage();
    node.write(
      'etc/ssh/ssh_host_ed25519_key.pub',
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl root@x\n',
    );
    node.start();
    const pubkey = await node.pubkey();
    const announcement: unknown = JSON.parse((await node.timmy.hears(/node\.announce/)).content);
    const hostKeys = ['SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU'];
    expect(announcement).toMatchObject({
      jsonrpc: '2.0',
      params: { order: 'B-4KQ7M', attempt: 1, claim: CLAIM, host_keys: hostKeys, impl: 'core' },
    });
    await node.accept();
    const introduction = await node.owner.hears(/I am your Bitcoin node of order B-4KQ7M/);
    expect(introduction.sender).toBe(pubkey);
    expect(introduction.content).toContain(encodeNpub(pubkey));
    expect(introduction.content).toContain(hostKeys[0]);

    node.write('var/lib/timmy/credentials.json', CREDENTIALS);
    const letter = await node.owner.hears(/Credentials of B-4KQ7M/);
    expect(letter.content).toContain('canary-rpc-password-0123456789');
    expect(letter.content).toContain(hostKeys[0]);
    expect((await node.owner.hears(/What to do next/)).content).toContain('1. Log in.');
    await expect.poll(() => existsSync(node.path('var/lib/timmy/credentials.json')), COMMAND_TIMEOUT).toBe(false);
    expect(readFileSync(node.path('var/lib/timmy/state.json'), 'utf8')).not.toMatch(/canary/);
    expect(node.journal()).not.toMatch(/canary|claimclaim/);
    expect((await node.timmy.heard()).some(({ content }) => content.includes('canary'))).toBe(false);
    // Where it reads, and who it is, once.
    await expect.poll(() => relays[0]!.events().filter(({ kind }) => kind === 0 || kind === 10_050).length).toBe(2);
  });

  it('whose claim is refused stops announcing and serves its owner all the same', async () => {
    const { node } = await stage();
    node.write('var/lib/timmy/credentials.json', CREDENTIALS);
    node.start();
    const pubkey = await node.pubkey();
    await node.timmy.say(
      pubkey,
      JSON.stringify({ jsonrpc: '2.0', id: 'announce', error: { code: -32001, message: 'used' } }),
    );
    await expect.poll(() => node.journal(), COMMAND_TIMEOUT).toMatch(/announce\.refused/);
    await node.owner.hears(/Credentials of B-4KQ7M/);
    expect((await node.timmy.heard()).every(({ content }) => content.includes('node.announce'))).toBe(true);
  });

  it('takes no answer but Timmy’s', async () => {
    const { node, relays } = await stage();
    node.start();
    const pubkey = await node.pubkey();
    const stranger = person(relays);
    const answer = JSON.stringify({ jsonrpc: '2.0', id: 'announce', result: { accepted: true, report_every_s: 60 } });
    await stranger.say(pubkey, answer);
    await stranger.say(pubkey, 'status');
    await stranger.say(pubkey, JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'node.rotate' }));
    await node.timmy.say(pubkey, 'status'); // nor does Timmy get anything for asking
    await node.timmy.say(pubkey, JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'node.status' }));
    await node.owner.say(pubkey, 'help');
    await node.owner.hears(/I obey your key alone. Send me/);
    expect(node.journal()).not.toMatch(/announce\.accepted/);
    expect(await stranger.heard()).toEqual([]);
    expect((await node.timmy.heard()).every(({ content }) => content.includes('node.announce'))).toBe(true);
  });

  it('hears of its term from Timmy, and not again from an old word', async () => {
    const { node } = await stage();
    node.start();
    const pubkey = await node.pubkey();
    const term = (endsAt: number, order = 'B-4KQ7M'): string =>
      JSON.stringify({ jsonrpc: '2.0', method: 'node.term', params: { order, term_ends_at: endsAt } });
    const now = nowSeconds();
    await node.timmy.say(pubkey, term(now + 90 * 86_400), { createdAt: now });
    await expect.poll(() => node.state()['termEndsAt'], COMMAND_TIMEOUT).toBe(now + 90 * 86_400);
    await node.timmy.say(pubkey, term(now + 86_400), { createdAt: now - 60 });
    await node.timmy.say(pubkey, term(now + 86_400, 'B-00000'), { createdAt: now + 1 });
    await node.owner.say(pubkey, 'status');
    const until = new Date((now + 90 * 86_400) * 1000).toISOString().slice(0, 10);
    expect((await node.owner.hears(/Rented until/)).content).toContain(until);
  });
});

describe('its letters', () => {
  it('go where the owner reads, by the newest word of theirs', async () => {
    const { node, relays } = await stage(1);
    const home = await startFakeRelay();
    closing.push(() => home.close());
    const list = (urls: string[], at: number): Promise<NostrEvent> =>
      node.owner.signer.sign({ kind: 10_050, created_at: at, content: '', tags: urls.map((url) => ['relay', url]) });
    relays[0]!.inject(await list([home.url], nowSeconds() - 10));
    node.start();
    await expect.poll(() => node.state()['lists'], COMMAND_TIMEOUT).toMatchObject({ owner: { relays: [home.url] } });
    node.write('var/lib/timmy/credentials.json', CREDENTIALS);
    await expect.poll(() => home.events().length, COMMAND_TIMEOUT).toBeGreaterThan(1);
  });

  it('go a step wider each time nobody takes them there', async () => {
    const { node, relays } = await stage(2, {});
    const dead = await node.owner.signer.sign({
      kind: 10_050,
      created_at: nowSeconds() - 10,
      content: '',
      tags: [['relay', 'ws://127.0.0.1:1']],
    });
    for (const relay of relays) relay.inject(dead);
    node.write('var/lib/timmy/credentials.json', CREDENTIALS);
    node.start();
    await node.owner.hears(/Credentials of B-4KQ7M/);
  });

  it('go by relays that ask whose key it is, and so do the answers', async () => {
    const { node, relays } = await stage(1);
    relays[0]!.behave({ auth: { on: ['REQ', 'EVENT'], challenge: 'at-once', answer: 'ok' } });
    node.start();
    const pubkey = await node.pubkey();
    await node.owner.say(pubkey, 'help');
    await node.owner.hears(/Send me:/);
    expect(relays[0]!.auths.every((auth) => auth.pubkey === pubkey)).toBe(true);
  });

  it('wait for relays that say no, and go once they say yes', async () => {
    const { node, relays } = await stage(1);
    relays[0]!.behave({ ok: { accepted: false, message: 'rate-limited: slow down' } });
    node.write('var/lib/timmy/credentials.json', CREDENTIALS);
    node.start();
    await expect.poll(() => relays[0]!.received.length, COMMAND_TIMEOUT).toBeGreaterThan(6);
    expect(existsSync(node.path('var/lib/timmy/credentials.json'))).toBe(true);
    relays[0]!.behave({ ok: 'normal' });
    await node.owner.hears(/Credentials of B-4KQ7M/);
    await expect.poll(() => existsSync(node.path('var/lib/timmy/credentials.json')), COMMAND_TIMEOUT).toBe(false);
  });

  it('are the same ones after each death: one key, one announcement, one set of credentials', async () => {
    for (const points of [
      ['identity.kept', 'introduction.kept', 'announce.kept', 'announce.sent'],
      [
        'credentials.kept',
        'letter.offered',
        'letter.taken',
        'letter.taken#2',
        'letter.taken#4',
        'credentials.delivered',
      ],
    ]) {
      const { node, relays } = await stage(2);
      node.write('var/lib/timmy/credentials.json', CREDENTIALS);
      for (const point of points) {
        node.start({ TIMMY_CRASH_AT: point });
        expect(await node.ended(), point).toMatchObject({ signal: 'SIGKILL' });
      }
      node.start();
      await node.owner.hears(/What to do next/);
      await node.accept();
      await expect.poll(() => node.journal(), COMMAND_TIMEOUT).toMatch(/announce\.accepted/);
      await expect.poll(() => existsSync(node.path('var/lib/timmy/credentials.json')), COMMAND_TIMEOUT).toBe(false);
      const heard = await node.owner.heard();
      expect(heard.map(({ content }) => content.slice(0, 14))).toEqual([
        'I am your Bitc',
        'Credentials of',
        'What to do nex',
      ]);
      expect(new Set([...heard, ...(await node.timmy.heard())].map(({ sender }) => sender)).size).toBe(1);
      expect((await node.timmy.heard()).filter(({ content }) => content.includes('node.announce'))).toHaveLength(1);
      expect(relays[0]!.events().filter(({ kind }) => kind === 0)).toHaveLength(1);
      await node.kill();
      const kept = readdirSync(node.path('var/lib/timmy')).filter((name) => name !== 'state.json.new'); // killed while it wrote
      expect(kept.sort()).toEqual(['identity.json', 'state.json']);
    }
  });
});

describe('a stub', () => {
  it('says in every message that no server exists, makes up credentials and a sync', async () => {
    const { node } = await stage(1, { stub: true });
    node.start();
    const pubkey = await node.pubkey();
    await node.accept();
    await node.owner.hears(/Credentials of B-4KQ7M/);
    await node.owner.hears(/50 % of the chain/);
    await node.owner.hears(/Synced/);
    await node.owner.say(pubkey, 'rotate');
    await node.owner.hears(/The new Bitcoin RPC password works/);
    for (const { content } of await node.owner.heard()) expect(content).toMatch(/^STUB: no server exists\.\n/);
    const reports = (await node.timmy.heard()).filter(({ content }) => content.includes('node.report'));
    expect(reports.length).toBeGreaterThanOrEqual(2); // the first, and that it is synced
  }, 60_000);

  it('tells programs by a field', async () => {
    const { node } = await stage(1, { stub: true, voice: 'rpc' });
    node.start();
    const letter = await node.owner.hears(/node\.credentials/);
    expect(JSON.parse(letter.content)).toMatchObject({ params: { order: 'B-4KQ7M', stub: 'STUB: no server exists.' } });
    await node.owner.say(await node.pubkey(), JSON.stringify({ jsonrpc: '2.0', id: 'x', method: 'node.status' }));
    expect(JSON.parse((await node.owner.hears(/"id":"x"/)).content)).toMatchObject({
      result: { order: 'B-4KQ7M', stub: 'STUB: no server exists.', peers: 8 },
    });
  });
});
