import { describe, expect, it } from 'vitest';
import { verifyEverything } from '../../src/operator/verify.ts';
import { generateSecretKey } from '../../src/nostr/keys.ts';
import { cloudFingerprint } from '../../src/products/bootstrap/ssh-key.ts';
import { FACES } from '../../src/products/catalogue.ts';
import { createFastClock } from '../builders/fast-clock.ts';
import { openGuest } from '../builders/guest.ts';
import { openHouse, RELAY, rng } from '../builders/house.ts';
import { createMemoryCloud, type MemoryCloud } from '../fakes/memory-cloud.ts';
import { createRelayHub } from '../fakes/relay-hub.ts';
import { decodeInvoice } from '../../src/bolt11/index.ts';
import { mortalHub, openLives, type Kill } from './lives.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO2B1H8dTeUn2pDKxVvZkbl7dtd8ebqaCwFAIUKL1uIH me@here';

type Call = Parameters<MemoryCloud['fail']>[0];

interface Trouble {
  /** Crash points of the worker at which it is killed, one after the other. */
  readonly kills?: readonly Kill[];
  /** Killed just before, or just after, the nth call of this name was carried out at the cloud. */
  readonly killAt?: { readonly call: Call; readonly when: 'before' | 'after' };
  /** It has no key: a pair is made. */
  readonly withoutKey?: true;
  /** What befalls calls, the first ones first. */
  readonly faults?: readonly (readonly [Call, ...Parameters<MemoryCloud['fail']>[1][]])[];
}

/**
 * A node is ordered, paid, made, announced, cancelled and gone, whatever happens on the way; at the end there was one
 * droplet for one fee, nothing is left at the clouds, and the books agree.
 */
async function live(trouble: Trouble): Promise<{ reached: readonly string[]; killed: number; cloud: MemoryCloud }> {
  const clock = createFastClock();
  const cloud = createMemoryCloud(clock);
  const hub = createRelayHub([RELAY]);
  const secretKey = generateSecretKey(rng);
  let killsLeft = trouble.killAt === undefined ? 0 : 1;
  let died = 0;
  const lives = await openLives(trouble.kills ?? [], (life) => {
    const mortal = <T extends object>(of: T): T =>
      new Proxy(of, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target);
          if (typeof value !== 'function') return value;
          return async (...args: unknown[]): Promise<unknown> => {
            const isMeant = trouble.killAt?.call === name && killsLeft > 0;
            const die = (): void => {
              killsLeft--;
              died++;
              lives.kill();
            };
            if (isMeant && trouble.killAt?.when === 'before') die();
            life.death.throwIfAborted();
            const result: unknown = await (value as (...all: unknown[]) => unknown).apply(target, args);
            if (isMeant && trouble.killAt?.when === 'after') die();
            life.death.throwIfAborted();
            return result;
          };
        },
      });
    return openHouse({
      env: { DO_VOLUME_SIZE_GB: '100', BOOTSTRAP_ALLOW_LOSS: '1', REFUND_ASK_MIN_SATS: '1000000' },
      clouds: { cloud: mortal(cloud.cloud), tailnet: mortal(cloud.tailnet) },
      clock: { ...clock, uptimeMs: () => clock.monotonicMs() },
      path: life.path,
      hub: mortalHub(hub, life.death),
      secretKey,
      reach: life.reach,
    });
  });
  const guest = openGuest({ hub, relay: RELAY, clock }, lives.current.pubkey);
  const hears = async (match: RegExp, seconds = 4000): Promise<string> => {
    let found: string | null = null;
    void guest.hears(match).then((text) => (found = text));
    await clock.until(`hearing ${match.source}`, () => found !== null, seconds);
    return found ?? '';
  };
  await clock.pass(5);
  for (const [call, ...faults] of trouble.faults ?? []) cloud.fail(call, ...faults);
  lives.arm();

  await guest.say(trouble.withoutKey === true ? 'bootstrap keygen' : `bootstrap ${KEY}`);
  const id = /B-\w{5}/.exec(await hears(/^B-\w{5}. 10000 sats/))?.[0] ?? '';
  const bolt11 = await hears(/^lnbc/);
  const house = await lives.alive();
  house.pay(bolt11);
  house.timmy.onWalletHint(null);
  expect('invalid' in decodeInvoice(bolt11)).toBe(false);

  // Each host that comes up speaks, with the claim that it was born with.
  const spoke = new Set<string>();
  const speak = async (): Promise<void> => {
    for (const host of cloud.inventory().droplets) {
      if (spoke.has(host.id) || clock.now() < host.createdAt + 60) continue;
      spoke.add(host.id);
      const born = JSON.parse(host.userData) as { orderId: string; attempt: number; claim: string };
      const node = openGuest({ hub, relay: RELAY, clock }, house.pubkey);
      const params = {
        order: born.orderId,
        attempt: born.attempt,
        claim: born.claim,
        host_keys: [],
        version: '1',
        impl: 'core',
      };
      await node.say(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'node.announce', params }));
    }
  };
  const said = (match: RegExp): boolean => guest.heard.some((text) => match.test(text));
  for (let turn = 0; turn < 400 && !said(/ runs at |could not be made/); turn++) {
    await clock.pass(10);
    await speak();
  }
  if (said(/ runs at /)) {
    await clock.pass(120);
    await guest.say(`cancel ${id}`);
    await hears(/would be destroyed/);
    await clock.pass(3);
    await guest.say(`cancel ${id}`);
    await hears(/is gone: the cloud says so/, 20_000);
  }
  await clock.until('nothing is left', () => isEmpty(cloud), 20_000);
  await clock.pass(1300);
  lives.disarm();
  const last = await lives.alive();
  expect(verifyEverything(last.database.read, null, FACES)).toEqual([]);
  const read = (sql: string): unknown => last.database.read.$client.prepare(sql).pluck().get();
  expect(read('SELECT count(*) FROM cloud_rentals WHERE gone_at IS NULL')).toBe(0);
  expect(read(`SELECT count(*) FROM cloud_rentals WHERE kind = 'droplet'`)).toBe(cloud.hosts.length);
  expect(read(`SELECT count(*) FROM tasks WHERE state = 'dead'`)).toBe(0);
  expect(guest.heard.filter((text) => text.includes('has a key of its own')).length).toBeLessThanOrEqual(1);
  const keys = guest.heard.filter((text) => text.includes('BEGIN OPENSSH PRIVATE KEY'));
  expect(keys).toHaveLength(trouble.withoutKey === true ? 1 : 0);
  for (const key of keys) expect(cloud.hosts.map((host) => host.keys)).toEqual([[fingerprintOf(key)]]);
  const killed = died + lives.killed.length;
  const result = { reached: lives.reached, killed, cloud };
  await lives.close();
  clock.stop();
  return result;
}

/** Of the public half that stands in a private key as OpenSSH writes it. */
function fingerprintOf(pem: string): string {
  const bytes = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const at = bytes.indexOf(Buffer.from('\0\0\0\x0bssh-ed25519', 'latin1'));
  return cloudFingerprint(`ssh-ed25519 ${bytes.subarray(at, at + 51).toString('base64')}`);
}

function isEmpty(cloud: MemoryCloud): boolean {
  const { droplets, volumes, keys, tailnetKeys, devices } = cloud.inventory();
  return [droplets, volumes, keys, tailnetKeys, devices].every((things) => things.length === 0);
}

const MAKING: readonly Call[] = ['createSshKey', 'createVolume', 'createKey', 'createDroplet'];
const ENDING: readonly Call[] = [
  'droplet',
  'findDevices',
  'deleteSshKey',
  'deleteKey',
  'deleteDroplet',
  'deleteVolume',
];

describe('a node, its maker killed', () => {
  it.each(
    [...MAKING, ...ENDING].flatMap((call) => (['before', 'after'] as const).map((when) => [call, when] as const)),
  )(
    'at %s, %s it was carried out',
    async (call, when) => {
      const { killed, cloud } = await live({ killAt: { call, when } });
      expect(killed).toBe(1);
      expect(cloud.hosts).toHaveLength(1);
    },
    60_000,
  );
});

describe('a cloud that', () => {
  it.each(
    MAKING.flatMap((call) => (['away', 'lost_before', 'lost_after'] as const).map((fault) => [fault, call] as const)),
  )(
    'is %s at %s',
    async (fault, call) => {
      const { cloud } = await live({ faults: [[call, fault]] });
      expect(cloud.hosts).toHaveLength(1);
    },
    60_000,
  );
  it.each(ENDING.slice(2))(
    'does not say whether it did %s, and is busy',
    async (call) => {
      const { cloud } = await live({ faults: [[call, 'lost_before', 'lost_after', 'busy', 'busy', 'away']] });
      expect(cloud.hosts).toHaveLength(1);
    },
    60_000,
  );
  it.each(['droplet_limit', 'account_locked', 'key_invalid', 'payment_required'])(
    'says no to a droplet (%s): nothing is left, and the fee is owed',
    async (no) => {
      const { cloud } = await live({ faults: [['createDroplet', no]] });
      expect(cloud.hosts).toHaveLength(0);
    },
    60_000,
  );
});

describe('a node, its maker killed at the points of its own work', () => {
  const POINTS = ['ssh_key', 'volume', 'droplet', 'boot', 'tidy', 'clean_up'].flatMap((step) => [
    `bootstrap.${step}:acted`,
    `bootstrap.${step}:committed`,
  ]);
  it.each(POINTS)(
    '%s',
    async (point) => {
      const { killed, cloud } = await live({ kills: [point] });
      expect(killed).toBe(1);
      expect(cloud.hosts).toHaveLength(1);
    },
    60_000,
  );
  it.each(['bootstrap.make_key:acting', 'bootstrap.make_key:acted', 'bootstrap.make_key:committed'])(
    '%s: one key is made and sent, and it is the one that opens the machine',
    async (point) => {
      const { killed, cloud } = await live({ kills: [point], withoutKey: true });
      expect(killed).toBe(1);
      expect(cloud.hosts).toHaveLength(1);
    },
    60_000,
  );
});
