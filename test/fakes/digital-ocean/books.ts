import { createHash, randomUUID } from 'node:crypto';

/** How the making of a droplet goes. `stuck`: it stays new. `off`: it is made, and does not run. */
export interface DropletScript {
  readonly making?: 'ok' | 'errored' | 'stuck' | 'off';
  /** When its public address is there: long before it is active (as usually), only with it, or never. */
  readonly address?: 'before' | 'with' | 'never';
}

/** Seconds from a droplet's making, or from what else is named. Pessimistic on purpose. */
export interface Lags {
  readonly privateAddress: number;
  readonly publicAddress: number;
  readonly active: number;
  /** Until a look-up by tag, by name finds it. */
  readonly tagIndex: number;
  readonly nameIndex: number;
  /** From its deletion until it is not found any more. */
  readonly gone: number;
  /** From its deletion until its volumes are free. */
  readonly detach: number;
}

export const LAGS: Lags = {
  privateAddress: 8,
  publicAddress: 20,
  active: 45,
  tagIndex: 15,
  nameIndex: 2,
  gone: 3,
  detach: 5,
};

export interface FakeDroplet {
  readonly id: number;
  readonly name: string;
  readonly region: string;
  readonly size: string;
  readonly image: string;
  readonly sshKeys: readonly number[];
  readonly volumes: readonly string[];
  readonly tags: readonly string[];
  readonly userData: string;
  readonly script: DropletScript;
  readonly createdAt: number;
  /** When DELETE was accepted. */
  deletedAt: number | null;
  address: string;
  /** Somebody switched it off. */
  isOff: boolean;
  /** Its being active was told to who listens. */
  wasTold: boolean;
}

export interface FakeVolume {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly sizeGb: number;
  readonly tags: readonly string[];
  readonly createdAt: number;
  deletedAt: number | null;
}

export interface FakeKey {
  readonly id: number;
  readonly name: string;
  readonly publicKey: string;
  readonly fingerprint: string;
}

export interface FakeSize {
  readonly slug: string;
  readonly vcpus: number;
  readonly memory: number;
  readonly disk: number;
  readonly price_monthly: number;
  readonly price_hourly: number;
  readonly regions: string[];
  readonly available: boolean;
}

const everywhere = ['nyc3', 'fra1', 'sgp1'];
const size = (slug: string, vcpus: number, disk: number, monthly: number, hourly: number): FakeSize => ({
  ...{ slug, vcpus, memory: vcpus * 2048, disk, price_monthly: monthly, price_hourly: hourly },
  ...{ regions: [...everywhere], available: true },
});

/** One thing as it is billed: whole hours begun, from its making until its deletion was accepted. */
export interface Bill {
  readonly kind: 'droplet' | 'volume';
  readonly id: string;
  readonly name: string;
  readonly hours: number;
  readonly nanoUsd: bigint;
  readonly ended: boolean;
}

/** All that exists at this Digital Ocean, whatever its client believes. Times are unix seconds with fractions. */
export class Books {
  readonly droplets: FakeDroplet[] = [];
  readonly volumes: FakeVolume[] = [];
  readonly keys: FakeKey[] = [];
  readonly tags = new Set<string>();
  readonly firewalls: (Record<string, unknown> & { id: string; name: string })[] = [];
  readonly sizes = [
    size('s-2vcpu-4gb', 2, 80, 24, 0.03571),
    size('s-4vcpu-8gb', 4, 160, 48, 0.07143),
    size('s-8vcpu-16gb', 8, 320, 96, 0.14286),
  ];
  readonly regions: readonly string[] = everywhere;
  readonly images = new Set(['debian-13-x64', 'debian-12-x64', 'ubuntu-24-04-x64']);
  readonly account = { droplet_limit: 10, status: 'active', uuid: randomUUID() };
  /** How the next ones go, first in first out; then all goes well. */
  readonly scripts: DropletScript[] = [];
  /** Everything made and destroyed, in order. */
  readonly log: { at: number; what: string; id: string; name: string }[] = [];
  readonly now: () => number;
  readonly #lags: Lags;
  #lastId = 300_000_000;

  constructor(now: () => number, lags: Lags) {
    this.now = now;
    this.#lags = lags;
  }

  addDroplet(
    wish: Pick<FakeDroplet, 'name' | 'region' | 'size' | 'image' | 'sshKeys' | 'volumes' | 'tags' | 'userData'>,
  ) {
    const id = (this.#lastId += 1);
    const droplet: FakeDroplet = {
      ...{ ...wish, id, script: this.scripts.shift() ?? {}, createdAt: this.now(), deletedAt: null },
      ...{ address: `198.51.100.${(id % 250) + 1}`, isOff: false, wasTold: false },
    };
    for (const tag of wish.tags) this.tags.add(tag);
    this.droplets.push(droplet);
    this.note('droplet made', String(id), wish.name);
    return droplet;
  }

  addVolume(wish: Pick<FakeVolume, 'name' | 'region' | 'sizeGb' | 'tags'>): FakeVolume {
    const volume = { ...wish, id: randomUUID(), createdAt: this.now(), deletedAt: null };
    this.volumes.push(volume);
    this.note('volume made', volume.id, wish.name);
    return volume;
  }

  addKey(name: string, publicKey: string, fingerprint: string): FakeKey {
    const key = { id: (this.#lastId += 1), name, publicKey, fingerprint };
    this.keys.push(key);
    this.note('key made', String(key.id), name);
    return key;
  }

  note(what: string, id: string, name: string): void {
    this.log.push({ at: this.now(), what, id, name });
  }

  /** Not deleted, or so lately that it is still found. */
  isThere(droplet: FakeDroplet): boolean {
    return droplet.deletedAt === null || this.now() < droplet.deletedAt + this.#lags.gone;
  }

  isListed(droplet: FakeDroplet, by: 'tagIndex' | 'nameIndex'): boolean {
    return this.isThere(droplet) && this.age(droplet) >= this.#lags[by];
  }

  age(droplet: FakeDroplet): number {
    return this.now() - droplet.createdAt;
  }

  /** Is it past its making? */
  isMade(droplet: FakeDroplet): boolean {
    const { making = 'ok' } = droplet.script;
    return this.age(droplet) >= this.#lags.active && (making === 'ok' || making === 'off');
  }

  status(droplet: FakeDroplet): 'new' | 'active' | 'off' {
    if (!this.isMade(droplet)) return 'new';
    return droplet.isOff || droplet.script.making === 'off' ? 'off' : 'active';
  }

  action(droplet: FakeDroplet): 'in-progress' | 'completed' | 'errored' {
    if (this.isMade(droplet)) return 'completed';
    return droplet.script.making === 'errored' && this.age(droplet) >= this.#lags.publicAddress
      ? 'errored'
      : 'in-progress';
  }

  /** A private one comes first, and stays first. */
  addresses(droplet: FakeDroplet): { ip_address: string; type: 'private' | 'public'; netmask: string }[] {
    const { address = 'before', making = 'ok' } = droplet.script;
    const from = { before: this.#lags.publicAddress, with: this.#lags.active, never: Infinity }[address];
    const hasPublic = making !== 'errored' && this.age(droplet) >= from;
    return [
      ...(this.age(droplet) >= this.#lags.privateAddress
        ? [{ ip_address: `10.132.0.${(droplet.id % 250) + 2}`, type: 'private' as const, netmask: '255.255.0.0' }]
        : []),
      ...(hasPublic ? [{ ip_address: droplet.address, type: 'public' as const, netmask: '255.255.240.0' }] : []),
    ];
  }

  holders(volume: FakeVolume): number[] {
    const holds = (droplet: FakeDroplet): boolean =>
      droplet.volumes.includes(volume.id) &&
      (droplet.deletedAt === null || this.now() < droplet.deletedAt + this.#lags.detach);
    return this.droplets.filter(holds).map(({ id }) => id);
  }

  bills(): Bill[] {
    const hours = (from: number, until: number | null): number =>
      Math.max(1, Math.ceil(((until ?? this.now()) - from) / 3600));
    return [
      ...this.droplets.map((droplet): Bill => {
        const price = this.sizes.find(({ slug }) => slug === droplet.size)?.price_hourly ?? 0;
        const billed = hours(droplet.createdAt, droplet.deletedAt);
        return {
          ...{ kind: 'droplet', id: String(droplet.id), name: droplet.name, hours: billed },
          ...{ nanoUsd: BigInt(billed) * BigInt(Math.round(price * 1e9)), ended: droplet.deletedAt !== null },
        };
      }),
      ...this.volumes.map((volume): Bill => {
        const billed = hours(volume.createdAt, volume.deletedAt);
        const nanoUsd = (BigInt(billed) * BigInt(volume.sizeGb) * 100_000_000n) / 672n;
        return {
          kind: 'volume',
          id: volume.id,
          name: volume.name,
          hours: billed,
          nanoUsd,
          ended: volume.deletedAt !== null,
        };
      }),
    ];
  }

  /** What is there now and (keys apart) bills. */
  inventory(): { droplets: string[]; volumes: string[]; keys: string[] } {
    return {
      droplets: this.droplets.filter(({ deletedAt }) => deletedAt === null).map(({ name }) => name),
      volumes: this.volumes.filter(({ deletedAt }) => deletedAt === null).map(({ name }) => name),
      keys: this.keys.map(({ name }) => name),
    };
  }
}

/** MD5 in colons of the key's blob; null where it is no key. */
export function fingerprintOf(publicKey: string): string | null {
  const [, blob] = publicKey.trim().split(/\s+/);
  if (blob === undefined || !/^[A-Za-z0-9+/]+=*$/.test(blob)) return null;
  const digest = createHash('md5').update(Buffer.from(blob, 'base64')).digest('hex');
  return digest.match(/../g)?.join(':') ?? null;
}
