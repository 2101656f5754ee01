import type { Secret } from '../lib/secret.ts';
import { checkNodeImages, IMAGE, type NodeImages } from './images.ts';

/** `/etc/timmy/node.json`: what a node knows of its order at birth. All of it is public but `claim`, which is good once. */
export interface NodeJson {
  readonly v: 1;
  /** As people see it: "B-4KQ7M". */
  readonly order: string;
  readonly attempt: number;
  /** 43 characters, base64url: shows Timmy that the key which announces itself is this node's. */
  readonly claim: string;
  /** Timmy's public key, hex. */
  readonly timmy: string;
  readonly timmy_relays: readonly string[];
  /** The customer's public key, hex: the only one that the node obeys. */
  readonly owner: string;
  readonly owner_relays: readonly string[];
  /** How the owner is spoken to unasked. */
  readonly voice: 'words' | 'rpc';
  readonly impl: 'core' | 'knots';
  /** 0: the whole chain is kept. */
  readonly prune_mib: number;
  readonly region: string;
  readonly size: string;
  readonly tailscale: boolean;
  /** Unix seconds. */
  readonly term_ends_at: number;
  /** True: there is no server; the agent makes up a node and says so. */
  readonly stub: boolean;
}

/** All that a node's user_data is made of. */
export interface NodeSpec {
  readonly node: NodeJson;
  readonly hostname: string;
  /** The bundled agent (`dist/node-agent/agent.cjs`), as text. */
  readonly agent: string;
  readonly images: NodeImages;
  /** A block that the right chain has. */
  readonly checkpoint: { readonly height: number; readonly hash: string } | null;
  /** Good for one device, and only for minutes: it lies in /run until the node has joined. */
  readonly tailscaleKey: Secret | null;
  /** The cloud's name of the volume that holds the chain; null: the droplet's own disk does. */
  readonly volume: string | null;
}

const HEX_64 = /^[0-9a-f]{64}$/;
const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;
const MAX_RELAYS = 16;
const MAX_AGENT_CHARS = 400_000;

/**
 * Every value is of its own narrow form, so that none can end a line, a quote or a string where it is written: the
 * machine reads them as root. @throws RangeError that names all wrong fields and no value.
 */
export function checkSpec(spec: NodeSpec): void {
  const { node, images, checkpoint } = spec;
  const checks: Record<string, boolean> = {
    v: node.v === 1,
    order: /^B-[0-9A-HJKMNP-TV-Z]{5}$/.test(node.order),
    attempt: isWhole(node.attempt, 1, 1_000_000),
    claim: /^[A-Za-z0-9_-]{43}$/.test(node.claim),
    timmy: HEX_64.test(node.timmy),
    timmy_relays: areRelays(node.timmy_relays) && node.timmy_relays.length > 0,
    owner: HEX_64.test(node.owner),
    owner_relays: areRelays(node.owner_relays),
    voice: ['words', 'rpc'].includes(node.voice),
    impl: ['core', 'knots'].includes(node.impl),
    prune_mib: node.prune_mib === 0 || isWhole(node.prune_mib, 550, 10_000_000),
    region: SLUG.test(node.region),
    size: SLUG.test(node.size),
    tailscale: node.tailscale === (spec.tailscaleKey !== null),
    tailscale_key: spec.tailscaleKey === null || /^tskey-[A-Za-z0-9-]{8,200}$/.test(spec.tailscaleKey.expose()),
    term_ends_at: isWhole(node.term_ends_at, 1, 10 ** 11),
    hostname: SLUG.test(spec.hostname),
    agent: spec.agent.length > 0 && spec.agent.length <= MAX_AGENT_CHARS,
    checkpoint: checkpoint === null || (isWhole(checkpoint.height, 1, 100_000_000) && HEX_64.test(checkpoint.hash)),
    volume: spec.volume === null || /^[a-z][a-z0-9-]{0,63}$/.test(spec.volume),
    images: Object.values(images).every((image: string) => image.length <= 300 && IMAGE.test(image)),
  };
  const wrong = Object.keys(checks).filter((name) => !checks[name]);
  if (wrong.length > 0) throw new RangeError(`this node cannot be made: ${wrong.join(', ')}`);
  const problems = node.stub ? [] : checkNodeImages(images, node.impl);
  if (problems.length > 0) throw new RangeError(`this node cannot be made: ${problems.join('; ')}`);
}

function isWhole(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max;
}

function areRelays(urls: readonly string[]): boolean {
  // Printable ASCII without blank, quote, backslash: what URLs are made of.
  return urls.length <= MAX_RELAYS && urls.every((url) => /^wss?:\/\/[!#-[\]-~]{1,250}$/.test(url));
}
