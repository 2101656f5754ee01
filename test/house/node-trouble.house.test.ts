import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { recordOutage } from '../../src/downtime/index.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createHandClock } from '../fakes/hand-clock.ts';
import { createMemoryCloud, type MemoryCloud } from '../fakes/memory-cloud.ts';
import { createRelayHub, type RelayHub } from '../fakes/relay-hub.ts';
import { openGuest, type Guest } from '../builders/guest.ts';
import { RELAY } from '../builders/house.ts';
import { visit, type Visit } from './visit.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO2B1H8dTeUn2pDKxVvZkbl7dtd8ebqaCwFAIUKL1uIH me@here';
const OTHER_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB';
const DAY = 86_400;
const NEVER = new AbortController().signal;

let v: Visit;
let cloud: MemoryCloud;
let isRelayAway = false;

afterEach(async () => {
  expect(v.broken()).toEqual([]);
  expect(v.count(`SELECT count(*) FROM tasks WHERE state = 'dead'`)).toBe(0);
  const billed = v.count('SELECT count(*) FROM cloud_rentals WHERE gone_at IS NULL');
  const { droplets, volumes } = cloud.inventory();
  expect(billed).toBe(droplets.length + volumes.length);
  await v.close();
});

/** Relays that take nothing from anybody while they are away; what they hold they still show. */
function hubThatMayBeAway(): RelayHub {
  const hub = createRelayHub([RELAY]);
  return {
    ...hub,
    connect: () => {
      const relays = hub.connect();
      return {
        ...relays,
        publish: (url, event, ...rest) =>
          isRelayAway ? Promise.resolve({ outcome: 'later', why: 'unreachable' }) : relays.publish(url, event, ...rest),
      };
    },
  };
}

async function open(env: Record<string, string> = {}, path?: string): Promise<void> {
  const clock = createHandClock();
  cloud = createMemoryCloud(clock);
  isRelayAway = false;
  v = await visit({
    clock,
    hub: hubThatMayBeAway(),
    clouds: { cloud: cloud.cloud },
    env: Object.assign(env, { BOOTSTRAP_ALLOW_LOSS: '1' }),
    ...(path === undefined ? {} : { path }),
  });
  await v.pass(2);
}

const say = async (text: string, seconds = 2): Promise<string[]> => {
  await v.guest.say(text);
  await v.pass(seconds);
  return v.news();
};
const payLast = async (seconds = 2): Promise<string[]> => {
  await v.pay(v.guest.heard.filter((text) => text.startsWith('lnbc')).at(-1) ?? '');
  await v.pass(seconds);
  return v.news();
};
const hours = async (count: number): Promise<void> => {
  for (let hour = 0; hour < count; hour++) {
    v.clock.advance(3_599_000);
    await v.pass(1);
  }
};
const id = (): string => /B-\w{5}/.exec(v.guest.heard.find((text) => text.includes('B-')) ?? '')?.[0] ?? '';

async function announce(
  node: Guest = openGuest({ hub: v.house.hub, relay: RELAY, clock: v.clock }, v.house.pubkey),
  nth = -1,
) {
  const born = JSON.parse(cloud.hosts.at(nth)?.userData ?? '{}') as { orderId: string; attempt: number; claim: string };
  const params = {
    order: born.orderId,
    attempt: born.attempt,
    claim: born.claim,
    host_keys: [],
    version: '1',
    impl: 'core',
  };
  await node.say(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'node.announce', params }));
  await v.pass(2);
  return node;
}

async function ready(): Promise<void> {
  await say(`bootstrap ${KEY}`);
  await payLast(70);
  await announce();
  await v.pass(20);
  await v.news();
}

describe('a lease whose end nobody could hear of', () => {
  it('renewed after we were away for forty days is not used up already', async () => {
    await open();
    await ready();
    await hours(29 * 24);
    // The machine slept; who renews pays for time to come.
    const from = v.clock.now();
    v.clock.sleepMachine(40 * DAY);
    v.house.database.write((tx) => recordOutage(tx, 'down', from, v.clock.now()));
    await hours(2);
    const heard = (await v.news()).join('\n');
    expect(heard).toMatch(/The time of B-XXXXX is over.* I destroy it in (2 days|48 hours)/);
    await payLast(30);
    const rest = (await say(`cancel ${id()}`)).join('\n');
    const back = Number(/(\d+) sats of its fee/.exec(rest)?.[1]);
    expect(back).toBeGreaterThan(9_900);
    expect(v.count('SELECT count(*) FROM debts')).toBe(0);
  }, 30_000);

  it('is destroyed no sooner than was said, when relays come back late', async () => {
    await open();
    await ready();
    await hours(20 * 24);
    isRelayAway = true;
    // Past the end and past the grace; then a relay takes all that was said, at once.
    await hours(10 * 24 + 40);
    isRelayAway = false;
    await hours(9);
    const heard = (await v.news()).join('\n');
    expect(heard).toMatch(/The time of B-XXXXX is over/);
    expect(cloud.inventory().droplets).toHaveLength(1);
    await hours(30);
    expect(cloud.inventory().droplets).toHaveLength(0);
  }, 60_000);

  it('says how long it still runs as it is', async () => {
    await open();
    await ready();
    await hours(20 * 24);
    isRelayAway = true;
    await hours(12 * 24 + 10);
    isRelayAway = false;
    await hours(1);
    const over = (await v.news()).filter((text) => text.includes('is over')).at(-1) ?? '';
    expect(over).toMatch(/I destroy it in 24 hours/);
    await hours(40);
    expect(cloud.inventory().droplets).toHaveLength(0);
  }, 60_000);
});

describe('an order that waits for its fee', () => {
  it('is not paid for by mistake by who corrects the key, the region or the size', async () => {
    await open();
    await say(`bootstrap ${KEY}`);
    expect(await say(`bootstrap ${OTHER_KEY}`)).toEqual([
      expect.stringMatching(/^B-XXXXX waits for its fee, and is another: .*your key SHA256:.*cancel B-XXXXX/),
    ]);
    expect(await say('bootstrap region=fra1')).toEqual([expect.stringMatching(/is another/)]);
    expect(await say('bootstrap keygen')).toEqual([expect.stringMatching(/is another/)]);
    expect((await say(`bootstrap region=nyc3 ${KEY}`)).at(-1)).toBe('<invoice for 10000>');
    expect((await say('bootstrap')).at(-1)).toBe('<invoice for 10000>');
    await say(`cancel ${id()}`);
    expect((await say(`bootstrap ${OTHER_KEY}`)).at(-1)).toBe('<invoice for 10000>');
  });

  it('is made when it is paid, though the cloud was not asked for hours', async () => {
    await open();
    await say(`bootstrap ${KEY}`);
    v.house.database.write((tx) => {
      tx.$client.exec(`UPDATE facts SET value = json_set(value, '$.at', 1) WHERE name = 'cloud_word'`);
    });
    expect((await payLast(5))[0]).toMatch(/^Paid. B-XXXXX is being made/);
    await v.pass(20);
  });
});

describe('what is paid', () => {
  const invoices = (): string[] => v.guest.heard.filter((text) => text.startsWith('lnbc'));
  const owed = (): number => v.count('SELECT coalesce(sum(amount_msats), 0) / 1000 FROM debts');

  it('by an old and a new invoice, twice and late: each term once, the rest is owed', async () => {
    await open({ REFUND_ASK_MIN_SATS: '1000000' });
    await ready();
    await say(`invoice ${id()}`);
    v.clock.advance(3_300_000);
    await v.pass(2);
    await say(`invoice ${id()}`);
    const [, old = '', fresh = ''] = invoices();
    expect(old).not.toBe(fresh);
    await v.pay(old);
    await v.pass(2);
    await v.pay(fresh);
    await v.pass(2);
    expect(v.count(`SELECT count(*) FROM receipts WHERE kind = 'charge'`)).toBe(2);
    expect(owed()).toBe(10_000);
    // The grace of the second term; the renewal is on its way when the owner ends it.
    await hours(61 * 24);
    const last = invoices().at(-1) ?? '';
    await say(`cancel ${id()}`);
    await v.guest.say(`cancel ${id()}`);
    await v.pay(last);
    await v.pass(60);
    expect(cloud.inventory().droplets).toHaveLength(0);
    expect(owed()).toBe(20_000);
  }, 60_000);

  it('counts under the settings it was sold by, through restarts, forget and a closed shop', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'timmy-node-'));
    const env: Record<string, string> = { REFUND_ASK_MIN_SATS: '1000000' };
    await open(env, join(folder, 'timmy.db'));
    await ready();
    await v.guest.say('forget');
    await hours(24);
    for (const change of [
      { BOOTSTRAP_FEE_SATS: '20000', BOOTSTRAP_TERM_HOURS: '100' },
      { BOOTSTRAP_MAX_ACTIVE: '0', BOOTSTRAP_SIZES: 's-2vcpu-4gb', DO_SIZE: 's-2vcpu-4gb', DO_REGION: 'fra1' },
      { BOOTSTRAP_WARN_HOURS: '1', BOOTSTRAP_GRACE_HOURS: '1' },
    ]) {
      Object.assign(env, change);
      await v.restart();
      await v.pass(2);
      expect(v.broken()).toEqual([]);
      expect(cloud.inventory().droplets).toHaveLength(1);
      await say(`invoice ${id()}`);
      await hours(2);
    }
    await hours(31 * 24);
    expect(cloud.inventory().droplets).toHaveLength(0);
    expect(owed()).toBe(0);
    rmSync(folder, { recursive: true });
  }, 60_000);
});

describe('a term', () => {
  it('is said to the hour', async () => {
    await open({ BOOTSTRAP_TERM_HOURS: '140' });
    expect((await say('bootstrap'))[0]).toContain('10000 sats for 5 days 20 hours');
  });
});

describe('cancel', () => {
  it('that was sent twice by one tap ends nothing', async () => {
    await open();
    await ready();
    await v.guest.say(`cancel ${id()}`);
    await v.guest.say(`cancel ${id()} `);
    await v.pass(3);
    expect((await v.news()).every((text) => text.includes('would be destroyed'))).toBe(true);
    expect(cloud.inventory().droplets).toHaveLength(1);
    await say(`cancel ${id()}`, 60);
    expect(cloud.inventory().droplets).toHaveLength(0);
  });
});

describe('a claim', () => {
  it('of a host that is being taken away again is not believed', async () => {
    await open({ DO_REGION_FALLBACK: 'fra1' });
    await say(`bootstrap ${KEY}`);
    await payLast(5);
    const [first] = cloud.hosts;
    if (first !== undefined) first.dead = true;
    cloud.fail('deleteDroplet', 'busy', 'busy', 'busy', 'busy');
    await v.pass(12);
    const node = await announce(undefined, 0);
    expect(node.heard[0]).toContain('-32001');
    await v.pass(200);
    await announce();
    await v.pass(30);
    expect(cloud.inventory().droplets).toMatchObject([{ region: 'fra1' }]);
  });

  it('that comes in the grace is introduced still', async () => {
    await open({ BOOTSTRAP_TERM_HOURS: '2', BOOTSTRAP_ANNOUNCE_TIMEOUT_S: '60' });
    await say(`bootstrap ${KEY}`);
    await payLast(150);
    await hours(3);
    await v.news();
    await announce();
    expect((await v.news()).join('\n')).toContain('has a key of its own');
  });

  it('with the key of a customer makes no node of them', async () => {
    await open();
    await say(`bootstrap ${KEY}`);
    await payLast(70);
    await announce(v.guest);
    await v.news();
    expect(await say('status')).toEqual([expect.stringMatching(/^B-XXXXX: /)]);
    await announce();
    expect((await v.news()).join('\n')).toContain('has a key of its own');
    await v.pass(20);
  });
});

describe('what the sweeper finds', () => {
  it('of an order that this database never asked for (it is an older copy) is left alone, and told', async () => {
    await open();
    await say(`bootstrap ${KEY}`);
    const name = `timmy-${id().replace('-', '').toLowerCase()}-1`;
    await cloud.cloud.createSshKey({ name: 'later', publicKey: OTHER_KEY }, NEVER);
    await cloud.cloud.createDroplet(
      {
        name,
        region: 'nyc3',
        size: 's-4vcpu-8gb',
        image: 'debian-13-x64',
        sshKeyIds: cloud.inventory().keys.map((key) => key.id),
        volumeIds: [],
        tags: ['timmy', 'timmy-node'],
        userData: new Secret('{}'),
      },
      NEVER,
    );
    await v.pass(1300);
    expect(cloud.inventory().droplets).toHaveLength(1);
    expect(v.count('SELECT count(*) FROM cloud_strays')).toBe(1);
    cloud.destroy(cloud.hosts[0]?.id ?? '');
  });

  it('and an order of such a copy that is being made takes up what is there', async () => {
    await open({ DO_VOLUME_SIZE_GB: '100' });
    await say(`bootstrap ${KEY}`);
    const name = `timmy-${id().replace('-', '').toLowerCase()}-1`;
    const { id: volume } = await cloud.cloud.createVolume({ name, region: 'nyc3', sizeGb: 100, tags: [] }, NEVER);
    await payLast(70);
    await announce();
    expect(cloud.inventory().volumes).toMatchObject([{ id: volume }]);
    await v.pass(20);
  });

  it('ends a volume that came late for an order that is over', async () => {
    await open({ DO_VOLUME_SIZE_GB: '100' });
    cloud.fail('createVolume', 'lost_before', 'region_or_size');
    await say(`bootstrap ${KEY}`);
    await payLast(200);
    expect(v.count(`SELECT count(*) FROM bootstraps WHERE state = 'failed' AND doing IS NULL`)).toBe(1);
    await cloud.cloud.createVolume(
      {
        name: `timmy-${id().replace('-', '').toLowerCase()}-1`,
        region: 'nyc3',
        sizeGb: 100,
        tags: [],
      },
      NEVER,
    );
    await v.pass(1300);
    expect(cloud.inventory().volumes).toHaveLength(0);
    expect(v.count('SELECT count(*) FROM cloud_rentals')).toBe(1);
  });

  it('knows what a droplet cost that was only found when it was taken away', async () => {
    await open();
    cloud.fail('createDroplet', 'lost_after');
    await say(`bootstrap ${KEY}`);
    await payLast(1);
    cloud.fail('findDroplets', 'forbidden');
    await v.pass(300);
    expect(cloud.hosts).toHaveLength(1);
    expect(cloud.inventory()).toMatchObject({ droplets: [], keys: [] });
    expect(v.count('SELECT count(*) FROM cloud_rentals WHERE gone_at IS NOT NULL')).toBe(1);
  });
});

describe('one SSH key of two customers', () => {
  it('goes from the cloud with the last order that needs it', async () => {
    await open();
    const other = await v.house.guest();
    await say(`bootstrap ${KEY}`);
    await other.say(`bootstrap ${KEY}`);
    await v.pass(2);
    await payLast(30);
    await v.pay(other.heard.filter((text) => text.startsWith('lnbc')).at(-1) ?? '');
    await v.pass(20);
    await announce(undefined, 0);
    expect(cloud.inventory().keys).toHaveLength(1);
    const [, second] = cloud.hosts;
    if (second !== undefined) second.dead = true;
    await v.pass(200);
    expect(cloud.inventory().keys).toEqual([]);
    expect(cloud.inventory().droplets).toHaveLength(1);
  });
});
