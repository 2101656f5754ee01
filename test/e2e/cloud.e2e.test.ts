import { generateSecretKey } from 'nostr-tools/pure';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCustomer, type Customer } from '../builders/daemon-customer.ts';
import { openOutside, type Outside } from '../builders/daemon-outside.ts';
import type { Daemon } from '../builders/daemon.ts';
import { systemClock } from '../../src/app/system.ts';
import { calls, FakeDigitalOcean } from '../fakes/digital-ocean/index.ts';
import { createNodeFarm, type NodeFarm } from '../fakes/node/index.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO2B1H8dTeUn2pDKxVvZkbl7dtd8ebqaCwFAIUKL1uIH me@here';
const DIGEST = `@sha256:${'ab'.repeat(32)}`;

let outside: Outside;
let cloud: FakeDigitalOcean;
let farm: NodeFarm;
let customer: Customer;
let daemon: Daemon;

beforeEach(async () => {
  outside = await openOutside();
  cloud = new FakeDigitalOcean({
    lags: { privateAddress: 0, publicAddress: 1, active: 2, tagIndex: 1, nameIndex: 0, gone: 1, detach: 1 },
  });
  await cloud.start();
  daemon = outside.daemon({
    DO_API_TOKEN: cloud.token,
    DO_API_BASE_URL: cloud.url,
    DO_VOLUME_SIZE_GB: '100',
    BOOTSTRAP_ALLOW_LOSS: '1',
    BOOTSTRAP_BOOT_TIMEOUT_S: '60',
    BOOTSTRAP_NODE_IMAGE: `bitcoin/bitcoin${DIGEST}`,
    BOOTSTRAP_LND_IMAGE: `lightninglabs/lnd${DIGEST}`,
    BOOTSTRAP_LNBITS_IMAGE: `lnbits/lnbits${DIGEST}`,
  });
  const secretKey = generateSecretKey();
  customer = await openCustomer(outside.relays, daemon.publicKey, { secretKey, patienceMs: 60_000 });
  const wires = await openCustomer(outside.relays, daemon.publicKey);
  farm = createNodeFarm(cloud, {
    clock: systemClock,
    publish: (_relays, event) => wires.publish({ ...event, tags: event.tags.map((tag) => [...tag]) }),
  });
});
afterEach(async () => {
  cloud.assertInvariants();
  await farm.stop();
  await customer.close();
  await outside.close();
  await cloud.stop();
});

const hears = async (match: RegExp): Promise<string> => (await customer.ear.takeText(match)).input;

async function order(): Promise<string> {
  await customer.say(`bootstrap ${KEY}`);
  const price = await hears(/10000 sats for 30 days/);
  outside.lnbits.payInvoice(await hears(/^lnbc/));
  return /B-\w{5}/.exec(price)?.[0] ?? '';
}

/** Said, read, and said again: two that come at once are one. */
async function cancel(id: string): Promise<void> {
  await customer.say(`cancel ${id}`);
  await hears(/would be destroyed/);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  await customer.say(`cancel ${id}`);
}

async function end(id: string): Promise<void> {
  await cancel(id);
  await hears(/is gone: the cloud says so/);
  expect(cloud.books.inventory()).toEqual({ droplets: [], volumes: [], keys: [] });
  expect(cloud.books.bills().filter(({ ended }) => !ended)).toEqual([]);
  const { stdout } = await daemon.cli('nodes', 'costs', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ now_usd_a_month: '0.00', things: [], nodes: [{ id }] });
  expect((await daemon.cli('ledger', 'verify')).code).toBe(0);
}

describe('a node at a Digital Ocean with books of its own', () => {
  it('is made, says its first word, and is gone when it is cancelled', async () => {
    await daemon.start();
    const id = await order();
    const host = await until(() => cloud.books.droplets[0]);
    expect(host.name).toBe(`timmy-${id.replace('-', '').toLowerCase()}-1`);
    await tellUntil(() => farm.nodes.length > 0);
    await farm.settled();
    expect(await hears(/ runs at /)).toContain(host.address);
    expect(await hears(/has a key of its own/)).toContain(farm.nodes[0]?.node.hostKeys[0]);
    expect(cloud.books.droplets).toHaveLength(1);
    await end(id);
  });

  it.each(['bootstrap.ssh_key:acted', 'bootstrap.volume:acted', 'bootstrap.droplet:acted', 'bootstrap.clean_up:acted'])(
    'killed at %s, is one node for one fee all the same',
    async (point) => {
      const starting = daemon.start({ TIMMY_CRASH_AT: point });
      await starting;
      const dying = daemon.ended();
      const id = await order();
      if (point.includes('clean_up')) {
        await tellUntil(() => farm.nodes.length > 0);
        await farm.settled();
        await hears(/has a key of its own/);
        await cancel(id);
      }
      expect(await dying).toMatchObject({ signal: 'SIGKILL' });
      await daemon.start();
      if (!point.includes('clean_up')) {
        await tellUntil(() => farm.nodes.length > 0);
        await farm.settled();
        await hears(/has a key of its own/);
        expect(cloud.books.droplets).toHaveLength(1);
        return end(id);
      }
      await hears(/is gone: the cloud says so/);
      expect(cloud.books.droplets).toHaveLength(1);
      expect(cloud.books.droplets[0]?.deletedAt).not.toBeNull();
    },
  );

  it('whose making was answered by nobody, and done, is found and not made again', async () => {
    cloud.faults.add({ ...calls.createDroplet, fault: { kind: 'reset_after' } });
    await daemon.start();
    const id = await order();
    await tellUntil(() => farm.nodes.length > 0);
    await farm.settled();
    await hears(/ runs at /);
    expect(cloud.books.droplets).toHaveLength(1);
    await end(id);
  });
});

async function until<T>(look: () => T | undefined): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The fake cloud's machines come up by its clock; somebody has to look. */
async function tellUntil(isThere: () => boolean): Promise<void> {
  await until(() => {
    cloud.tell();
    return isThere() ? true : undefined;
  });
}
