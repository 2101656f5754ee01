import { z } from 'zod';
import { OutsideError } from '../../lib/errors.ts';
import type { DigitalOceanApi } from './api.ts';
import { firewallShape, type Firewall } from './shapes.ts';

/** Its name, and the tag by which it holds every node. */
export const NODE_TAG = 'timmy-node';

const EVERYWHERE = ['0.0.0.0/0', '::/0'];
const inbound = (protocol: string, ports: string): object => ({
  protocol,
  ports,
  sources: { addresses: EVERYWHERE },
});
const outbound = (protocol: string): object => ({ protocol, ports: '0', destinations: { addresses: EVERYWHERE } });

/** SSH, web, Bitcoin, Lightning and Tailscale come in; all goes out. Port "0" is all of them. */
const WISH = {
  name: NODE_TAG,
  inbound_rules: [
    ...['22', '80', '443', '8333', '9735'].map((port) => inbound('tcp', port)),
    inbound('udp', '41641'),
    inbound('icmp', '0'),
  ],
  outbound_rules: ['tcp', 'udp', 'icmp'].map(outbound),
  tags: [NODE_TAG],
};

/**
 * The one filter that Docker on a node cannot get around. Made, or mended where somebody changed it: a port too many is
 * a difference as well. Two calls at once could make two, which filter as one.
 */
export async function ensureFirewall(api: DigitalOceanApi, signal: AbortSignal): Promise<void> {
  const lists = z.object({ firewalls: z.array(firewallShape) }).transform(({ firewalls }) => firewalls);
  const found = (await api.all('/v2/firewalls?', lists, signal)).find(({ name }) => name === NODE_TAG);
  if (found !== undefined && isAsWished(found)) return;
  await ensureTag(api, signal);
  if (found !== undefined) return await api.replace(`/v2/firewalls/${found.id}`, WISH, signal);
  const made = z.object({ firewall: firewallShape }).transform(({ firewall }) => firewall);
  if (!isAsWished(await api.create('/v2/firewalls', WISH, made, signal))) {
    throw new OutsideError('unavailable', 'cloud.firewall_differs');
  }
}

/** It has to exist before a firewall can name it. */
async function ensureTag(api: DigitalOceanApi, signal: AbortSignal): Promise<void> {
  const shape = z.object({ tag: z.object({ name: z.literal(NODE_TAG) }) });
  const found = await api.find(`/v2/tags/${NODE_TAG}`, shape, signal);
  if (found === null) await api.create('/v2/tags', { name: NODE_TAG }, shape, signal);
}

function isAsWished(firewall: Firewall): boolean {
  const wish = firewallShape.parse({ id: '0'.repeat(36), ...WISH });
  return (
    firewall.tags.includes(NODE_TAG) &&
    same(firewall.inbound_rules.map(inText), wish.inbound_rules.map(inText)) &&
    same(firewall.outbound_rules.map(outText), wish.outbound_rules.map(outText))
  );
}

const inText = (rule: Firewall['inbound_rules'][number]): string => textOf(rule, rule.sources);
const outText = (rule: Firewall['outbound_rules'][number]): string => textOf(rule, rule.destinations);

function textOf(
  rule: { protocol: string; ports?: string | undefined },
  ends: { addresses?: string[] | undefined },
): string {
  const ports = rule.protocol === 'icmp' || rule.ports === 'all' ? '0' : rule.ports;
  // Sources that are no addresses (droplets, tags, balancers) let somebody in whom we do not know.
  return JSON.stringify([rule.protocol, ports, [...(ends.addresses ?? [])].sort(), Object.keys(ends).sort()]);
}

function same(some: readonly string[], others: readonly string[]): boolean {
  return JSON.stringify([...some].sort()) === JSON.stringify([...others].sort());
}
