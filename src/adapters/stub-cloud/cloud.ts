import { createHash, randomUUID } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { OutsideError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { unixSeconds } from '../../lib/units.ts';
import type {
  Cloud,
  CloudAccount,
  CloudSize,
  CloudSshKey,
  CloudVolume,
  Droplet,
  DropletWish,
  VolumeWish,
} from '../../ports/cloud.ts';
import { Agents } from './agents.ts';
import { StubBooks, type StubDroplet, type StubVolume } from './books.ts';
import { writeDisk } from './boot.ts';

export interface StubCloudOptions {
  /** Its own folder in the data directory. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Node's regions and sizes beside the built-in ones: whatever the operator named is to be had. */
  readonly regions: readonly string[];
  readonly sizes: readonly string[];
}

export interface StubCloud extends Cloud {
  readonly kind: 'stub';
  /** Runs the agents of the droplets that there are, and of those to come. */
  start(): void;
  /** Ends them; their droplets stay. */
  stop(): Promise<void>;
}

const MAX_DROPLETS = 10;
const MAX_VOLUMES = 20;
const MAX_KEYS = 100;
const ACTIVE_AFTER_SECONDS = 2;
/** How often it is looked whether a droplet came or went: another process may have destroyed one. */
const LOOK_EVERY_MS = 1000;

/** Digital Ocean's list of 2022, so that prices and terms look as they will. */
const SIZES: Readonly<Record<string, Omit<CloudSize, 'slug' | 'regions'>>> = {
  's-2vcpu-4gb': { vcpus: 2, memoryMb: 4096, diskGb: 80, monthlyUsd: '24', hourlyUsd: '0.03571' },
  's-4vcpu-8gb': { vcpus: 4, memoryMb: 8192, diskGb: 160, monthlyUsd: '48', hourlyUsd: '0.07143' },
  's-8vcpu-16gb': { vcpus: 8, memoryMb: 16_384, diskGb: 320, monthlyUsd: '96', hourlyUsd: '0.14286' },
};
const USUAL = SIZES['s-4vcpu-8gb']!;

/**
 * A cloud without a cloud. What exists is in files; a droplet's address is one that documentation uses (RFC 5737), and
 * its agent is a child process that really makes a key, announces itself and writes to its owner. No server exists.
 */
export function createStubCloud(options: StubCloudOptions): StubCloud {
  return new Stub(options);
}

class Stub implements StubCloud {
  readonly kind = 'stub';
  readonly #options: StubCloudOptions;
  readonly #books: StubBooks;
  readonly #agents: Agents;
  #cancelLook: (() => void) | null = null;

  constructor(options: StubCloudOptions) {
    this.#options = options;
    this.#books = new StubBooks(options.directory);
    this.#agents = new Agents(options.clock, options.log);
  }

  start(): void {
    for (const id of this.#books.orphanedDisks()) this.#books.wipe(id);
    this.#look();
  }

  async stop(): Promise<void> {
    this.#cancelLook?.();
    this.#cancelLook = null;
    await this.#agents.stopAll();
  }

  account(): Promise<CloudAccount> {
    return Promise.resolve({ id: 'stub', isGood: true, dropletLimit: MAX_DROPLETS });
  }

  sizes(): Promise<readonly CloudSize[]> {
    const slugs = new Set([...Object.keys(SIZES), ...this.#options.sizes]);
    const { regions } = this.#options;
    return Promise.resolve([...slugs].map((slug) => ({ ...(SIZES[slug] ?? USUAL), slug, regions })));
  }

  hasImage(): Promise<boolean> {
    return Promise.resolve(true);
  }

  ensureFirewall(): Promise<void> {
    return Promise.resolve();
  }

  findSshKey(fingerprint: string): Promise<CloudSshKey | null> {
    return Promise.resolve(this.#books.keys.all().find((key) => key.fingerprint === fingerprint) ?? null);
  }

  async createSshKey({ name, publicKey }: { name: string; publicKey: string }): Promise<CloudSshKey> {
    const blob = publicKey.split(' ')[1];
    if (blob === undefined) throw new OutsideError('rejected', 'key_invalid');
    const digest = createHash('md5').update(Buffer.from(blob, 'base64')).digest('hex');
    const fingerprint = digest.match(/../g)?.join(':') ?? '';
    if ((await this.findSshKey(fingerprint)) !== null) throw new OutsideError('rejected', 'key_in_use');
    const keys = this.#books.keys.all();
    if (keys.length >= MAX_KEYS) throw new OutsideError('rejected', 'invalid');
    const key = { id: this.#books.nextId(), name, fingerprint };
    this.#books.keys.put(key);
    return key;
  }

  deleteSshKey(id: string): Promise<void> {
    this.#books.keys.remove(id);
    return Promise.resolve();
  }

  findVolume(name: string, region: string): Promise<CloudVolume | null> {
    const found = this.#books.volumes.all().find((volume) => volume.name === name && volume.region === region);
    return Promise.resolve(found === undefined ? null : this.#volume(found));
  }

  async createVolume({ name, region, sizeGb }: VolumeWish): Promise<CloudVolume> {
    if ((await this.findVolume(name, region)) !== null) throw new OutsideError('unknown', 'cloud.conflict');
    if (this.#books.volumes.all().length >= MAX_VOLUMES) throw new OutsideError('rejected', 'invalid');
    const volume = { id: randomUUID(), name, region, sizeGb };
    this.#books.volumes.put(volume);
    return this.#volume(volume);
  }

  async deleteVolume(id: string): Promise<void> {
    const volume = this.#books.volumes.get(id);
    if (volume !== null && this.#volume(volume).dropletIds.length > 0)
      throw new OutsideError('unavailable', 'attached');
    this.#books.volumes.remove(id);
    return Promise.resolve();
  }

  findDroplets(name: string, tag: string): Promise<readonly Droplet[]> {
    return Promise.resolve(this.#droplets((droplet) => droplet.name === name || droplet.tags.includes(tag)));
  }

  listDroplets(tag: string): Promise<readonly Droplet[]> {
    return Promise.resolve(this.#droplets((droplet) => droplet.tags.includes(tag)));
  }

  listVolumes(prefix: string): Promise<readonly CloudVolume[]> {
    const found = this.#books.volumes.all().filter(({ name }) => name.startsWith(prefix));
    return Promise.resolve(found.map((volume) => this.#volume(volume)));
  }

  async createDroplet(wish: DropletWish): Promise<Droplet> {
    const droplets = this.#books.droplets.all();
    if (wish.sshKeyIds.some((id) => this.#books.keys.get(id) === null) || wish.sshKeyIds.length === 0)
      throw new OutsideError('rejected', 'key_invalid');
    const missing = wish.volumeIds.some((id) => this.#books.volumes.get(id)?.region !== wish.region);
    if (missing) throw new OutsideError('rejected', 'invalid');
    if (!this.#options.regions.includes(wish.region)) throw new OutsideError('rejected', 'region_or_size');
    if (droplets.length >= MAX_DROPLETS) throw new OutsideError('rejected', 'droplet_limit');
    const id = this.#books.nextId();
    const { name, region, size, tags, volumeIds } = wish;
    const written = writeDisk(this.#books.diskOf(id), wish.userData.expose());
    if (!written) this.#options.log.warn('stub.node.no_agent', { droplet: id });
    const droplet: StubDroplet = {
      ...{ id, name, region, size, tags: [...tags], volumeIds: [...volumeIds] },
      ipv4: freeAddress(droplets.map(({ ipv4 }) => ipv4)),
      createdAt: this.#options.clock.now(),
    };
    this.#books.droplets.put(droplet);
    return Promise.resolve(this.#droplet(droplet));
  }

  droplet(id: string): Promise<Droplet | null> {
    const found = this.#books.droplets.get(id);
    return Promise.resolve(found === null ? null : this.#droplet(found));
  }

  /** The file goes first: what is deleted does not come up again, wherever this is killed. */
  async deleteDroplet(id: string): Promise<void> {
    if (this.#books.droplets.get(id) === null) return;
    this.#books.droplets.remove(id);
    await this.#agents.stop(id);
    this.#books.wipe(id);
  }

  #droplets(isMeant: (droplet: StubDroplet) => boolean): Droplet[] {
    return this.#books.droplets
      .all()
      .filter(isMeant)
      .map((droplet) => this.#droplet(droplet));
  }

  #droplet(found: StubDroplet): Droplet {
    const isActive = this.#isActive(found);
    const { id, name, region, size, tags, ipv4 } = found;
    return {
      ...{ id, name, region, size, tags },
      state: isActive ? 'active' : 'new',
      ipv4: isActive ? ipv4 : null,
      createdAt: unixSeconds(found.createdAt),
    };
  }

  #isActive({ createdAt }: StubDroplet): boolean {
    return this.#options.clock.now() - createdAt >= ACTIVE_AFTER_SECONDS;
  }

  #volume(volume: StubVolume): CloudVolume {
    const holders = this.#books.droplets.all().filter(({ volumeIds }) => volumeIds.includes(volume.id));
    return { ...volume, dropletIds: holders.map(({ id }) => id) };
  }

  #look(): void {
    const active = this.#books.droplets.all().filter((droplet) => this.#isActive(droplet));
    for (const { id } of active) this.#agents.start(id, this.#books.diskOf(id));
    for (const id of this.#agents.ids) {
      if (this.#books.droplets.get(id) !== null) continue;
      void this.#agents.stop(id).then(() => this.#books.wipe(id));
    }
    this.#cancelLook = this.#options.clock.after(LOOK_EVERY_MS, () => this.#look());
  }
}

function freeAddress(taken: readonly string[]): string {
  for (let last = 1; last < 255; last++) {
    const address = `203.0.113.${last}`;
    if (!taken.includes(address)) return address;
  }
  throw new OutsideError('rejected', 'droplet_limit');
}
