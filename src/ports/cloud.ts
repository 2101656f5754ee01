import type { Secret } from '../lib/secret.ts';
import type { UnixSeconds } from '../lib/units.ts';

/**
 * Where nodes are rented. One method for each call of the cloud, so that each has its own intent, outcome and look-up.
 * Every method throws `OutsideError` only: `unavailable` (nothing happened there, ask again), `rejected` (a final no;
 * the message is one of `CloudNo`), `unknown` (it may have happened: look it up by name, never simply do it again).
 * Deleting what is not there is done.
 */
export interface Cloud {
  readonly kind: 'stub' | 'digital-ocean';
  account(signal: AbortSignal): Promise<CloudAccount>;
  /** All sizes with their prices, and where they can be had. */
  sizes(signal: AbortSignal): Promise<readonly CloudSize[]>;
  hasImage(slug: string, signal: AbortSignal): Promise<boolean>;
  /** The one firewall of all nodes, by tag; made where it is missing, mended where it differs. Idempotent. */
  ensureFirewall(signal: AbortSignal): Promise<void>;

  /** `fingerprint`: MD5 in colons, of the key's blob: the cloud's own name for it. Null: none. */
  findSshKey(fingerprint: string, signal: AbortSignal): Promise<CloudSshKey | null>;
  /** @throws rejected `key_in_use` where somebody of this account has it already: look it up. */
  createSshKey(key: { name: string; publicKey: string }, signal: AbortSignal): Promise<CloudSshKey>;
  deleteSshKey(id: string, signal: AbortSignal): Promise<void>;

  findVolume(name: string, region: string, signal: AbortSignal): Promise<CloudVolume | null>;
  createVolume(volume: VolumeWish, signal: AbortSignal): Promise<CloudVolume>;
  /** @throws unavailable `attached` while a droplet holds it: its deletion has first to be seen. */
  deleteVolume(id: string, signal: AbortSignal): Promise<void>;

  /** Every droplet of exactly this name, and every one with `tag`: tags come late, so both are asked. */
  findDroplets(name: string, tag: string, signal: AbortSignal): Promise<readonly Droplet[]>;
  /** Every droplet with this tag, all pages. */
  listDroplets(tag: string, signal: AbortSignal): Promise<readonly Droplet[]>;
  /** Every volume whose name begins with this, all pages. */
  listVolumes(prefix: string, signal: AbortSignal): Promise<readonly CloudVolume[]>;
  /** Not idempotent at the cloud: called twice it makes two. @throws rejected with what the cloud said no to. */
  createDroplet(wish: DropletWish, signal: AbortSignal): Promise<Droplet>;
  /** Null: there is none (any more). */
  droplet(id: string, signal: AbortSignal): Promise<Droplet | null>;
  /** Asked and accepted; it is gone when `droplet` says null. @throws unavailable `busy` while the cloud works on it. */
  deleteDroplet(id: string, signal: AbortSignal): Promise<void>;
}

/** Final noes of a cloud, as `OutsideError.message`. */
export type CloudNo =
  | 'unauthorized'
  | 'forbidden'
  | 'account_locked'
  | 'droplet_limit'
  | 'key_in_use'
  | 'key_invalid'
  | 'region_or_size'
  | 'image'
  | 'payment_required'
  | 'invalid';

export interface CloudAccount {
  /** Whose things these are: under another one, what is ours looks gone. */
  readonly id: string;
  /** False: the cloud has locked the account or warns of it. */
  readonly isGood: boolean;
  /** How many droplets the account may have in all, ours and others'. */
  readonly dropletLimit: number;
}

export interface CloudSize {
  readonly slug: string;
  readonly vcpus: number;
  readonly memoryMb: number;
  readonly diskGb: number;
  /** USD as the cloud says it, a decimal ("48", "0.07143"). */
  readonly monthlyUsd: string;
  readonly hourlyUsd: string;
  /** Slugs of the regions where it can be had now. */
  readonly regions: readonly string[];
}

export interface CloudSshKey {
  readonly id: string;
  readonly fingerprint: string;
  /** The name somebody gave it: ours say whose order made it. */
  readonly name: string;
}

export interface VolumeWish {
  readonly name: string;
  readonly region: string;
  readonly sizeGb: number;
  readonly tags: readonly string[];
}

export interface CloudVolume {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly sizeGb: number;
  readonly dropletIds: readonly string[];
}

export interface DropletWish {
  /** Host name as well. */
  readonly name: string;
  readonly region: string;
  readonly size: string;
  readonly image: string;
  /** Never empty: the cloud would mail a password otherwise. */
  readonly sshKeyIds: readonly string[];
  readonly volumeIds: readonly string[];
  readonly tags: readonly string[];
  /** ≤ 65,536 bytes. Holds the node's claim: never kept, never logged. */
  readonly userData: Secret;
}

export interface Droplet {
  readonly id: string;
  readonly name: string;
  /** `dead`: its making failed at the cloud; `off`: it exists, bills, and does not run. */
  readonly state: 'new' | 'active' | 'off' | 'dead';
  /** Its public IPv4 address, or null while it has none. */
  readonly ipv4: string | null;
  readonly region: string;
  readonly size: string;
  readonly tags: readonly string[];
  readonly createdAt: UnixSeconds;
}

/** A Tailscale network that nodes join; errors as for `Cloud`. */
export interface Tailnet {
  /** A key for one device, once. `key` is shown this once and nowhere kept. `description`: ≤ 50 letters, digits, `-`. */
  createKey(
    wish: { description: string; expirySeconds: number },
    signal: AbortSignal,
  ): Promise<{ readonly id: string; readonly key: Secret; readonly expiresAt: UnixSeconds }>;
  deleteKey(id: string, signal: AbortSignal): Promise<void>;
  /** Devices of this host name that carry our tag. */
  findDevices(hostname: string, signal: AbortSignal): Promise<readonly TailnetDevice[]>;
  deleteDevice(id: string, signal: AbortSignal): Promise<void>;
}

export interface TailnetDevice {
  readonly id: string;
  /** As it is reached: "timmy-b4kq7m-1.tail1234.ts.net". */
  readonly name: string;
}
