import type { Clock } from '../../src/lib/clock.ts';
import { OutsideError } from '../../src/lib/errors.ts';
import { Secret } from '../../src/lib/secret.ts';
import { unixSeconds, type UnixSeconds } from '../../src/lib/units.ts';
import type {
  Cloud,
  CloudSize,
  CloudSshKey,
  CloudVolume,
  Droplet,
  Tailnet,
  VolumeWish,
} from '../../src/ports/cloud.ts';
import { cloudFingerprint } from '../../src/products/bootstrap/ssh-key.ts';

/** What befalls the next call of this name: before anything happened there, or after, with the answer lost. */
export type CloudFault = 'away' | 'lost_before' | 'lost_after' | 'busy' | (string & {});

interface Host {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly size: string;
  readonly tags: readonly string[];
  readonly volumeIds: readonly string[];
  readonly createdAt: UnixSeconds;
  readonly userData: string;
  /** Of the keys that open it, as the cloud names them. */
  readonly keys: readonly string[];
  ipv4: string;
  deletedAt: UnixSeconds | null;
  dead: boolean;
}

const SIZES: readonly CloudSize[] = [
  {
    slug: 's-2vcpu-4gb',
    vcpus: 2,
    memoryMb: 4096,
    diskGb: 80,
    monthlyUsd: '24',
    hourlyUsd: '0.03571',
    regions: ['nyc3', 'fra1'],
  },
  {
    slug: 's-4vcpu-8gb',
    vcpus: 4,
    memoryMb: 8192,
    diskGb: 160,
    monthlyUsd: '48',
    hourlyUsd: '0.07143',
    regions: ['nyc3', 'fra1', 'sgp1'],
  },
];

/** So long after it was asked for a droplet is found by its tag; is active; and stays listed after it was deleted. Seconds. */
const TAG_LAG = 15;
const BOOT = 45;
const GONE_LAG = 3;

export interface MemoryCloud {
  readonly cloud: Cloud;
  readonly tailnet: Tailnet;
  /** What there is now, bills and all. */
  readonly inventory: () => {
    readonly droplets: readonly Host[];
    readonly volumes: readonly CloudVolume[];
    readonly keys: readonly CloudSshKey[];
    readonly tailnetKeys: readonly string[];
    readonly devices: readonly string[];
  };
  /** Every droplet there ever was. */
  readonly hosts: readonly Host[];
  /** What each droplet was given: for tests that look into it. */
  fail(call: keyof Cloud | keyof Tailnet, ...faults: CloudFault[]): void;
  /** Asked for so often, by name of the call. */
  readonly calls: Map<string, number>;
  /** Somebody ends it at the cloud's console. */
  destroy(id: string): void;
  move(id: string, ipv4: string): void;
  /** Never gets an address; or its making fails. */
  boot: 'well' | 'never' | 'dead';
  dropletLimit: number;
  /** Another one: another token, whose account has none of ours. */
  accountId: string;
}

/** A cloud in memory with books of its own, which lags, doubles and forgets as real ones do. Under any clock. */
export function createMemoryCloud(clock: Pick<Clock, 'now'>): MemoryCloud {
  const hosts: Host[] = [];
  const volumes: CloudVolume[] = [];
  const keys: CloudSshKey[] = [];
  /** Each with its end: what nobody knows of dies by itself. */
  const tailnetKeys = new Map<string, number>();
  const devices = new Map<string, string>();
  const faults = new Map<string, CloudFault[]>();
  const calls = new Map<string, number>();
  let serial = 0;
  const next = (): string => String(++serial);

  async function call<T>(name: string, act: () => T): Promise<T> {
    calls.set(name, (calls.get(name) ?? 0) + 1);
    await Promise.resolve();
    const fault = faults.get(name)?.shift();
    if (fault === 'away') throw new OutsideError('unavailable', 'cloud.away');
    if (fault === 'lost_before') throw new OutsideError('unknown', 'cloud.no_answer');
    if (fault === 'busy') throw new OutsideError('unavailable', 'busy');
    if (fault === 'lost_after') {
      act();
      throw new OutsideError('unknown', 'cloud.no_answer');
    }
    if (fault !== undefined) throw new OutsideError('rejected', fault);
    return act();
  }

  const isThere = (host: Host): boolean => memory.accountId === 'ours' && isKept(host);
  const isKept = (host: Host): boolean => host.deletedAt === null || clock.now() < host.deletedAt + GONE_LAG;
  const shown = (host: Host): Droplet => {
    const isUp = memory.boot === 'well' && clock.now() >= host.createdAt + BOOT;
    return {
      id: host.id,
      name: host.name,
      state: host.dead || memory.boot === 'dead' ? 'dead' : isUp ? 'active' : 'new',
      ipv4: isUp ? host.ipv4 : null,
      region: host.region,
      size: host.size,
      tags: host.tags,
      createdAt: host.createdAt,
    };
  };
  const holds = (volume: CloudVolume): boolean =>
    hosts.some((host) => isThere(host) && host.volumeIds.includes(volume.id));

  const cloud: Cloud = {
    kind: 'digital-ocean',
    account: () => call('account', () => ({ id: memory.accountId, isGood: true, dropletLimit: memory.dropletLimit })),
    sizes: () => call('sizes', () => SIZES),
    hasImage: () => call('hasImage', () => true),
    ensureFirewall: () => call('ensureFirewall', () => undefined),
    findSshKey: (fingerprint) => call('findSshKey', () => keys.find((key) => key.fingerprint === fingerprint) ?? null),
    createSshKey: ({ name, publicKey }) =>
      call('createSshKey', () => {
        const fingerprint = cloudFingerprint(publicKey);
        if (keys.some((key) => key.fingerprint === fingerprint)) throw new OutsideError('rejected', 'key_in_use');
        const key = { id: next(), fingerprint, name };
        keys.push(key);
        return key;
      }),
    deleteSshKey: (id) => call('deleteSshKey', () => take(keys, (key) => key.id === id)),
    findVolume: (name, region) =>
      call('findVolume', () => volumes.find((one) => one.name === name && one.region === region) ?? null),
    createVolume: (wish: VolumeWish) =>
      call('createVolume', () => {
        if (volumes.some((one) => one.name === wish.name && one.region === wish.region))
          throw new OutsideError('rejected', 'invalid');
        const volume = { ...wish, id: next(), dropletIds: [] };
        volumes.push(volume);
        return volume;
      }),
    deleteVolume: (id) =>
      call('deleteVolume', () => {
        const volume = volumes.find((one) => one.id === id);
        if (volume !== undefined && holds(volume)) throw new OutsideError('unavailable', 'attached');
        take(volumes, (one) => one.id === id);
      }),
    findDroplets: (name, tag) =>
      call('findDroplets', () =>
        hosts
          .filter((host) => isThere(host) && clock.now() >= host.createdAt + 2)
          .filter((host) => host.name === name || (host.tags.includes(tag) && clock.now() >= host.createdAt + TAG_LAG))
          .map(shown),
      ),
    listDroplets: (tag) =>
      call('listDroplets', () =>
        hosts
          .filter((host) => isThere(host) && host.tags.includes(tag) && clock.now() >= host.createdAt + TAG_LAG)
          .map(shown),
      ),
    listVolumes: (prefix) => call('listVolumes', () => volumes.filter(({ name }) => name.startsWith(prefix))),
    createDroplet: ({ userData, sshKeyIds, ...wish }) =>
      call('createDroplet', () => {
        if (sshKeyIds.length === 0 || !sshKeyIds.every((id) => keys.some((key) => key.id === id)))
          throw new OutsideError('rejected', 'key_invalid');
        if (hosts.filter(isThere).length >= memory.dropletLimit) throw new OutsideError('rejected', 'droplet_limit');
        const host: Host = {
          ...wish,
          id: next(),
          createdAt: clock.now(),
          userData: userData.expose(),
          keys: keys.filter(({ id }) => sshKeyIds.includes(id)).map(({ fingerprint }) => fingerprint),
          ipv4: `203.0.113.${(serial % 250) + 1}`,
          deletedAt: null,
          dead: false,
        };
        hosts.push(host);
        return shown(host);
      }),
    droplet: (id) =>
      call('droplet', () => {
        const host = hosts.find((one) => one.id === id);
        return host === undefined || !isThere(host) ? null : shown(host);
      }),
    deleteDroplet: (id) => call('deleteDroplet', () => memory.destroy(id)),
  };

  const tailnet: Tailnet = {
    createKey: ({ expirySeconds }) =>
      call('createKey', () => {
        const id = `k${next()}`;
        tailnetKeys.set(id, clock.now() + expirySeconds);
        return { id, key: new Secret(`tskey-auth-${id}`), expiresAt: unixSeconds(clock.now() + expirySeconds) };
      }),
    deleteKey: (id) => call('deleteKey', () => void tailnetKeys.delete(id)),
    findDevices: (hostname) =>
      call('findDevices', () =>
        [...devices].filter(([, name]) => name === hostname).map(([id, name]) => ({ id, name: `${name}.tail.ts.net` })),
      ),
    deleteDevice: (id) => call('deleteDevice', () => void devices.delete(id)),
  };

  const memory: MemoryCloud = {
    cloud,
    tailnet,
    hosts,
    calls,
    boot: 'well',
    dropletLimit: 25,
    accountId: 'ours',
    inventory: () => ({
      droplets: hosts.filter(({ deletedAt }) => deletedAt === null),
      volumes,
      keys,
      tailnetKeys: [...tailnetKeys].filter(([, until]) => until > clock.now()).map(([id]) => id),
      devices: [...devices.values()],
    }),
    fail: (name, ...next_) => void faults.set(name, [...(faults.get(name) ?? []), ...next_]),
    destroy: (id) => {
      const host = hosts.find((one) => one.id === id);
      if (host !== undefined) host.deletedAt ??= clock.now();
    },
    move: (id, ipv4) => {
      const host = hosts.find((one) => one.id === id);
      if (host !== undefined) host.ipv4 = ipv4;
    },
  };
  return memory;
}

function take<T>(from: T[], which: (one: T) => boolean): void {
  const at = from.findIndex(which);
  if (at !== -1) from.splice(at, 1);
}
