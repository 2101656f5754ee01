import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { CREDENTIALS, openNode, type TestNode } from '../../test/builders/node-agent.ts';
import { startFakeRelay, type FakeRelay } from '../../test/fakes/relay.ts';

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

describe('the bundle on a node', () => {
  it('announces itself by its claim, introduces itself, delivers the credentials and shreds them', async () => {
    const { node } = await stage();
    node.write(
      'etc/ssh/ssh_host_ed25519_key.pub',
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl root@x\n',
    );
    node.start();
    const pubkey = await node.pubkey();
    const announcement: unknown = JSON.parse((await node.timmy.hears(/node\.announce/)).content);
    expect(announcement).toMatchObject({
      jsonrpc: '2.0',
      params: {
        order: 'B-4KQ7M',
        attempt: 1,
        claim: 'claimclaimclaimclaimclaimclaimclaimclaimclai',
        host_keys: ['SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU'],
        impl: 'core',
      },
    });
    await node.accept();
    expect((await node.owner.hears(/I am your Bitcoin node of order B-4KQ7M/)).sender).toBe(pubkey);

    node.write('var/lib/timmy/credentials.json', CREDENTIALS);
    const letter = await node.owner.hears(/Credentials of B-4KQ7M/);
    expect(letter.content).toContain('canary-rpc-password-0123456789');
    expect(letter.content).toContain('SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU');
    expect((await node.owner.hears(/What to do next/)).content).toContain('1. Log in.');
    await expect.poll(() => existsSync(node.path('var/lib/timmy/credentials.json')), { timeout: 10_000 }).toBe(false);
    expect(readFileSync(node.path('var/lib/timmy/state.json'), 'utf8')).not.toMatch(/canary/);
    expect(node.journal()).not.toMatch(/canary|claimclaim/);
    expect((await node.timmy.heard()).some(({ content }) => content.includes('canary'))).toBe(false);
  });
});
