import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { OutsideError } from '../../lib/errors.ts';
import type { Secret } from '../../lib/secret.ts';
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
import { jsonSender } from '../http/index.ts';
import { DigitalOceanApi } from './api.ts';
import { ensureFirewall } from './firewall.ts';
import { accountShape, actionsShape, dropletShape, keyShape, sizeShape, volumeShape } from './shapes.ts';

export interface DigitalOceanOptions {
  /** `DO_API_BASE_URL`, without `/v2`. */
  readonly url: string;
  readonly token: Secret;
  readonly clock: Clock;
  /** On average; default 1, which leaves others with the same token a quarter of the 5,000 an hour. */
  readonly callsPerSecond?: number;
}

/** Digital Ocean's own limit of `user_data`. */
const MAX_USER_DATA_BYTES = 65_536;
/** Lists of what is sold change in weeks, and any stranger can make us ask. */
const LISTS_GOOD_FOR_SECONDS = 3600;

const dropletsShape = z.object({ droplets: z.array(dropletShape) }).transform(({ droplets }) => droplets);
const volumesShape = z.object({ volumes: z.array(volumeShape) }).transform(({ volumes }) => volumes);
const sizesShape = z.object({ sizes: z.array(sizeShape) }).transform(({ sizes }) => sizes);
const oneDroplet = z.object({ droplet: dropletShape }).transform(({ droplet }) => droplet);
const oneVolume = z.object({ volume: volumeShape }).transform(({ volume }) => volume);
const oneKey = z.object({ ssh_key: keyShape }).transform(({ ssh_key }) => ssh_key);

/** Digital Ocean's API v2. Destroys one thing at a time, by its id: never by a tag or a name. */
export function createDigitalOcean(options: DigitalOceanOptions): Cloud {
  return new DigitalOcean(options);
}

class DigitalOcean implements Cloud {
  readonly kind = 'digital-ocean';
  readonly #api: DigitalOceanApi;
  readonly #clock: Clock;
  #sizes: { list: readonly CloudSize[]; readAt: number } | null = null;
  readonly #images = new Map<string, number>();

  constructor({ url, token, clock, callsPerSecond = 1 }: DigitalOceanOptions) {
    this.#api = new DigitalOceanApi(jsonSender('cloud', url, clock), { token, clock, callsPerSecond });
    this.#clock = clock;
  }

  async account(signal: AbortSignal): Promise<CloudAccount> {
    const { account } = await this.#api.read('/v2/account', accountShape, signal);
    const { uuid, team } = account;
    return { id: team?.uuid ?? uuid, isGood: account.status === 'active', dropletLimit: account.droplet_limit };
  }

  /** At most an hour old. */
  async sizes(signal: AbortSignal): Promise<readonly CloudSize[]> {
    const now = this.#clock.now();
    if (this.#sizes === null || Math.abs(now - this.#sizes.readAt) > LISTS_GOOD_FOR_SECONDS) {
      this.#sizes = { list: await this.#api.all('/v2/sizes?', sizesShape, signal), readAt: now };
    }
    return this.#sizes.list;
  }

  /** That it exists is believed for an hour. */
  async hasImage(slug: string, signal: AbortSignal): Promise<boolean> {
    const now = this.#clock.now();
    const seenAt = this.#images.get(slug);
    if (seenAt !== undefined && Math.abs(now - seenAt) <= LISTS_GOOD_FOR_SECONDS) return true;
    const shape = z.object({ image: z.object({ slug: z.string() }) });
    const found = await this.#api.find(`/v2/images/${encodeURIComponent(slug)}`, shape, signal);
    if (found?.image.slug !== slug) return false;
    if (this.#images.size >= 20) this.#images.clear();
    this.#images.set(slug, now);
    return true;
  }

  async ensureFirewall(signal: AbortSignal): Promise<void> {
    await ensureFirewall(this.#api, signal);
  }

  async findSshKey(fingerprint: string, signal: AbortSignal): Promise<CloudSshKey | null> {
    const found = await this.#api.find(`/v2/account/keys/${encodeURIComponent(fingerprint)}`, oneKey, signal);
    if (found !== null && found.fingerprint !== fingerprint) throw new OutsideError('unavailable', 'cloud.nonsense');
    return found;
  }

  async createSshKey(key: { name: string; publicKey: string }, signal: AbortSignal): Promise<CloudSshKey> {
    return await this.#api.create('/v2/account/keys', { name: key.name, public_key: key.publicKey }, oneKey, signal);
  }

  async deleteSshKey(id: string, signal: AbortSignal): Promise<void> {
    await this.#api.destroy(`/v2/account/keys/${numbered(id)}`, signal);
  }

  async findVolume(name: string, region: string, signal: AbortSignal): Promise<CloudVolume | null> {
    const query = `name=${encodeURIComponent(name)}&region=${encodeURIComponent(region)}`;
    const found = await this.#api.all(`/v2/volumes?${query}&`, volumesShape, signal);
    return found.find((volume) => volume.name === name && volume.region === region) ?? null;
  }

  async createVolume(wish: VolumeWish, signal: AbortSignal): Promise<CloudVolume> {
    const body = {
      name: wish.name,
      region: wish.region,
      size_gigabytes: wish.sizeGb,
      filesystem_type: 'ext4',
      filesystem_label: 'timmy-node',
      tags: wish.tags,
    };
    return await this.#api.create('/v2/volumes', body, oneVolume, signal);
  }

  async deleteVolume(id: string, signal: AbortSignal): Promise<void> {
    if (!/^[0-9a-f-]{36}$/.test(id)) throw new RangeError('not the id of a volume');
    try {
      await this.#api.destroy(`/v2/volumes/${id}`, signal);
    } catch (error) {
      if (!(error instanceof OutsideError) || error.message !== 'cloud.conflict') throw error;
      throw new OutsideError('unavailable', 'attached');
    }
  }

  async findDroplets(name: string, tag: string, signal: AbortSignal): Promise<readonly Droplet[]> {
    const path = `/v2/droplets?name=${encodeURIComponent(name)}&`;
    const named = await this.#api.all(path, dropletsShape, signal);
    const tagged = await this.listDroplets(tag, signal);
    const found = named.filter((droplet) => droplet.name === name);
    return [...found, ...tagged.filter(({ id }) => found.every((other) => other.id !== id))];
  }

  async listDroplets(tag: string, signal: AbortSignal): Promise<readonly Droplet[]> {
    const path = `/v2/droplets?tag_name=${encodeURIComponent(tag)}&`;
    const found = await this.#api.all(path, dropletsShape, signal);
    // A filter that was not understood would make all of the account's droplets ours.
    return found.filter(({ tags }) => tags.includes(tag));
  }

  async listVolumes(prefix: string, signal: AbortSignal): Promise<readonly CloudVolume[]> {
    const found = await this.#api.all('/v2/volumes?', volumesShape, signal);
    return found.filter(({ name }) => name.startsWith(prefix));
  }

  async createDroplet(wish: DropletWish, signal: AbortSignal): Promise<Droplet> {
    if (wish.sshKeyIds.length === 0) throw new RangeError('a droplet without a key: its password would be mailed');
    const userData = wish.userData.expose();
    if (Buffer.byteLength(userData) > MAX_USER_DATA_BYTES) throw new RangeError('user_data is too long');
    const body = {
      name: wish.name,
      region: wish.region,
      size: wish.size,
      image: wish.image,
      ssh_keys: wish.sshKeyIds.map((id) => Number(numbered(id))),
      ...(wish.volumeIds.length > 0 && { volumes: wish.volumeIds }),
      tags: wish.tags,
      user_data: userData,
      ipv6: true,
      monitoring: false,
      with_droplet_agent: false,
      backups: false,
    };
    return await this.#api.create('/v2/droplets', body, oneDroplet, signal);
  }

  /** While it is new its making is asked after: a droplet whose making failed stays new for ever. */
  async droplet(id: string, signal: AbortSignal): Promise<Droplet | null> {
    const found = await this.#api.find(`/v2/droplets/${numbered(id)}`, oneDroplet, signal);
    if (found !== null && found.id !== id) throw new OutsideError('unavailable', 'cloud.nonsense');
    if (found?.state !== 'new') return found;
    const asked = await this.#api.find(`/v2/droplets/${id}/actions?per_page=200`, actionsShape, signal);
    const failed = asked?.actions.some(({ type, status }) => type === 'create' && status === 'errored') === true;
    return failed ? { ...found, state: 'dead' } : found;
  }

  async deleteDroplet(id: string, signal: AbortSignal): Promise<void> {
    await this.#api.destroy(`/v2/droplets/${numbered(id)}`, signal);
  }
}

/** An empty or strange id in the path of a DELETE could name more than one thing. */
function numbered(id: string): string {
  if (!/^[1-9]\d{0,15}$/.test(id)) throw new RangeError('not an id of Digital Ocean');
  return id;
}
