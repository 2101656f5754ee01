import type { NodeJson, NodeSpec } from '../../src/node-image/index.ts';

/** No image of anything: the digests say so. */
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

/** A node that could be rented; nothing of it changes from day to day. */
export function nodeSpec(spec: Partial<NodeSpec> = {}, node: Partial<NodeJson> = {}): NodeSpec {
  return {
    node: {
      v: 1,
      order: 'B-4KQ7M',
      attempt: 1,
      claim: 'k'.repeat(43),
      timmy: '1'.repeat(64),
      timmy_relays: ['wss://relay.example'],
      owner: '2'.repeat(64),
      owner_relays: ['wss://owner.example/inbox?of=me'],
      voice: 'words',
      impl: 'core',
      prune_mib: 95_000,
      region: 'nyc3',
      size: 's-4vcpu-8gb',
      tailscale: false,
      term_ends_at: 1_800_000_000,
      stub: false,
      ...node,
    },
    hostname: 'timmy-b4kq7m-1',
    agent: 'console.log("the agent");\n',
    images: {
      bitcoin: `example/bitcoin@${digest('a')}`,
      lnd: `example/lnd:v0@${digest('b')}`,
      lnbits: `registry.example:5000/lnbits@${digest('c')}`,
    },
    checkpoint: null,
    tailscaleKey: null,
    volume: null,
    ...spec,
  };
}
