import { afterEach, describe, expect, it } from 'vitest';
import { unixSeconds } from '../../src/lib/units.ts';
import { createHandClock } from '../fakes/hand-clock.ts';
import { createMemoryCloud, type MemoryCloud } from '../fakes/memory-cloud.ts';
import { openGuest } from '../builders/guest.ts';
import { RELAY } from '../builders/house.ts';
import { visit, type Visit } from './visit.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO2B1H8dTeUn2pDKxVvZkbl7dtd8ebqaCwFAIUKL1uIH me@here';

let v: Visit;
let cloud: MemoryCloud;
afterEach(async () => {
  expect(v.broken()).toEqual([]);
  expect(v.count(`SELECT count(*) FROM tasks WHERE state = 'dead'`)).toBe(0);
  await v.close();
});

async function open(env: Record<string, string> = {}): Promise<void> {
  const clock = createHandClock();
  cloud = createMemoryCloud(clock);
  v = await visit({
    clock,
    clouds: { cloud: cloud.cloud },
    env: { BOOTSTRAP_ALLOW_LOSS: '1', ...env },
  });
  await v.pass(2);
}

const invoiceIn = (heard: readonly string[]): string => heard.filter((text) => text.startsWith('lnbc')).at(-1) ?? '';
const say = async (text: string, seconds = 2): Promise<string[]> => {
  await v.guest.say(text);
  await v.pass(seconds);
  return v.news();
};
const payLast = async (seconds = 2): Promise<string[]> => {
  await v.pay(invoiceIn(v.guest.heard));
  await v.pass(seconds);
  return v.news();
};
/** Time that passes in steps of an hour. */
const days = async (count: number): Promise<void> => {
  for (let hour = 0; hour < count * 24; hour++) {
    v.clock.advance(3_599_000);
    await v.pass(1);
  }
};
/** The node of the newest droplet speaks to us with the claim it was born with. */
async function announce(changes: Record<string, unknown> = {}) {
  const host = cloud.hosts.at(-1);
  const born = JSON.parse(host?.userData ?? '{}') as { orderId: string; attempt: number; claim: string };
  const node = openGuest({ hub: v.house.hub, relay: RELAY, clock: v.clock }, v.house.pubkey);
  const params = {
    order: born.orderId,
    attempt: born.attempt,
    claim: born.claim,
    host_keys: [`SHA256:${'A'.repeat(43)}`],
    version: '1',
    impl: 'core',
    ...changes,
  };
  await node.say(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'node.announce', params }));
  await v.pass(2);
  return node;
}

describe('a node in words', () => {
  it('is explained, ordered with a key, paid, made step by step, introduced, and taken back', async () => {
    await open();
    expect(await say('bootstrap')).toEqual([
      expect.stringMatching(/^A Bitcoin node of your own: a server in nyc3 \(4 CPUs, 8 GB, 160 GB of disk\) with Bitcoin Core, a pruned chain .* 10000 sats for 30 days\. Send: bootstrap and your SSH public key/),
    ]);
    expect(await say(`bootstrap ${KEY}`)).toEqual([
      expect.stringMatching(/^B-XXXXX. 10000 sats for 30 days: a server .* costs me 48.00 USD a month/),
      '<invoice for 10000>',
    ]);
    expect(await payLast(5)).toEqual([
      expect.stringMatching(/^Paid. B-XXXXX is being made/),
      'B-XXXXX: the server is ordered and starts.',
    ]);
    await v.pass(60);
    expect(await v.news()).toEqual([expect.stringMatching(/^B-XXXXX: the server runs and installs its software/)]);
    const node = await announce();
    expect(node.heard.map((text) => JSON.parse(text) as unknown)).toEqual([
      expect.objectContaining({ result: expect.objectContaining({ accepted: true }) as unknown }),
    ]);
    expect(await v.news()).toEqual([
      expect.stringMatching(/^B-XXXXX runs at 203\.0\.113\.\d+, yours until .* Log in: ssh root@203/),
      expect.stringMatching(/^The node of B-XXXXX has a key of its own .* npub1\w+\. Its host key: SHA256:A/),
    ]);
    await v.pass(5);
    expect(cloud.inventory()).toMatchObject({ droplets: [{ deletedAt: null }], keys: [], volumes: [] });
    expect(await say('status')).toEqual([expect.stringMatching(/^B-XXXXX: your node runs at 203/)]);

    // What the node writes in words is bought by nobody.
    await node.say('I am 12 % synced');
    await v.pass(2);
    expect(node.heard).toHaveLength(1);

    const id = /B-\w{5}/.exec(v.guest.heard.find((text) => text.includes('B-')) ?? '')?.[0] ?? '';
    await days(15);
    await v.news();
    expect(await say(`cancel ${id}`)).toEqual([expect.stringMatching(/would be destroyed.* 4999 sats of its fee would come back/)]);
    expect((await say(`cancel ${id}`, 1))[0]).toMatch(/^B-XXXXX is being destroyed. Of its fee you have not used all. 4999 sats are yours/);
    await v.pass(30);
    expect((await v.news()).at(-1)).toMatch(/^B-XXXXX is gone: the cloud says so/);
    expect(cloud.inventory()).toMatchObject({ droplets: [], keys: [], volumes: [] });
    expect(v.count(`SELECT count(*) FROM cloud_rentals WHERE gone_at IS NULL`)).toBe(0);
  });
});
void unixSeconds;
