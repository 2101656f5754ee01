import { createHmac, hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Settings } from '../config/index.ts';
import { Secret } from '../lib/secret.ts';
import { renderUserData, type NodeImages } from '../node-image/index.ts';
import type { CloudShop } from '../products/_shared/cloud-shop.ts';
import type { Adapters } from './adapters.ts';

export interface CloudShopParts extends Pick<Adapters, 'cloud' | 'tailnet'> {
  readonly settings: Settings;
  readonly secretKey: Secret<Uint8Array>;
  /** Our public key, hex. */
  readonly publicKey: string;
  readonly inboxRelays: readonly string[];
  /** Where this customer reads, as far as we know. */
  readonly relaysOf: (npub: string) => readonly string[];
}

/** In `dist`, from the sources and from `dist` alike: it is bundled when Timmy is built. */
const AGENT = new URL('../../dist/node-agent/agent.cjs', import.meta.url);

/** What nodes are made with: the clouds, claims that derive and are nowhere kept, and the image of a host. */
export function createCloudShop(parts: CloudShopParts): CloudShop {
  const { settings, cloud, tailnet, publicKey, inboxRelays, relaysOf } = parts;
  const key = claimKey(settings.BOOTSTRAP_SECRET, parts.secretKey);
  const claimOf = (orderId: string, attempt: number): string =>
    createHmac('sha256', key.expose()).update(`node:${orderId}:${attempt}`).digest('base64url');
  const relays = settings.BOOTSTRAP_RELAYS.length > 0 ? settings.BOOTSTRAP_RELAYS : inboxRelays;
  let agent: string | null = null;
  return {
    cloud,
    tailnet,
    claimOf,
    userData: (wish) =>
      new Secret(
        renderUserData({
          node: {
            v: 1,
            order: wish.orderId,
            attempt: wish.attempt,
            claim: claimOf(wish.orderId, wish.attempt),
            timmy: publicKey,
            timmy_relays: relays,
            owner: wish.owner,
            owner_relays: relaysOf(wish.owner).slice(0, MAX_OWNER_RELAYS),
            voice: wish.voice,
            impl: wish.impl,
            prune_mib: wish.pruneMib,
            region: wish.region,
            size: wish.size,
            tailscale: wish.tailscaleKey !== null,
            term_ends_at: wish.termEndsAt,
            stub: cloud.kind === 'stub',
          },
          hostname: wish.hostname,
          agent: (agent ??= readFileSync(AGENT, 'utf8')),
          images: imagesOf(settings),
          checkpoint: checkpointOf(settings.BOOTSTRAP_CHECKPOINT),
          tailscaleKey: wish.tailscaleKey,
          volume: wish.volumeName,
        }),
      ),
  };
}

const MAX_OWNER_RELAYS = 8;

/** The setting, else a key of its own that derives from the nsec: the same after every start. */
function claimKey(setting: Secret | undefined, secretKey: Secret<Uint8Array>): Secret<Uint8Array> {
  if (setting !== undefined) return new Secret(Buffer.from(setting.expose()));
  return new Secret(Buffer.from(hkdfSync('sha256', secretKey.expose(), 'timmy', 'claims of nodes v1', 32)));
}

/** A stub runs none: what it is told is not asked for. */
function imagesOf(settings: Settings): NodeImages {
  return {
    bitcoin: settings.BOOTSTRAP_NODE_IMAGE ?? 'bitcoin',
    lnd: settings.BOOTSTRAP_LND_IMAGE ?? 'lnd',
    lnbits: settings.BOOTSTRAP_LNBITS_IMAGE ?? 'lnbits',
  };
}

function checkpointOf(setting: string | undefined): { height: number; hash: string } | null {
  const [height, hash] = setting?.split(':') ?? [];
  return height === undefined || hash === undefined ? null : { height: Number(height), hash };
}
