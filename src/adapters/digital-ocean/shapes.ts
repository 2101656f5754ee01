import { z } from 'zod';
import type { CloudSize, CloudSshKey, CloudVolume, Droplet } from '../../ports/cloud.ts';
import { unixSeconds } from '../../lib/units.ts';

/** Digital Ocean's answers, as much of them as we use: https://docs.digitalocean.com/reference/api/. More is welcome. */

/** Droplets, keys and actions are numbered; to us an id is text. */
const numbered = z
  .number()
  .int()
  .positive()
  .refine((id) => Number.isSafeInteger(id))
  .transform(String);
const name = z.string().max(300);
const ipv4 = z.ipv4();
const time = z.iso.datetime().transform((text) => unixSeconds(Math.floor(Date.parse(text) / 1000)));
/** A JSON number as the decimal that it was written as. */
const usd = z
  .number()
  .nonnegative()
  .transform(String)
  .refine((text) => /^\d+(\.\d+)?$/.test(text));

export const dropletShape = z
  .object({
    id: numbered,
    name,
    status: z.enum(['new', 'active', 'off', 'archive']),
    networks: z.object({
      v4: z.array(z.object({ ip_address: ipv4, type: z.string() })).max(100),
    }),
    region: z.object({ slug: name }),
    size_slug: name,
    tags: z.array(name).max(1000),
    created_at: time,
  })
  .transform((found): Droplet => ({
    id: found.id,
    name: found.name,
    // What is archived is neither running nor gone.
    state: found.status === 'archive' ? 'off' : found.status,
    // A private address stands in the same list, in no promised order.
    ipv4: found.networks.v4.find(({ type }) => type === 'public')?.ip_address ?? null,
    region: found.region.slug,
    size: found.size_slug,
    tags: found.tags,
    createdAt: found.created_at,
  }));

export const volumeShape = z
  .object({
    id: z.string().regex(/^[0-9a-f-]{36}$/),
    name,
    region: z.object({ slug: name }),
    size_gigabytes: z.number().int().positive(),
    droplet_ids: z.array(numbered).max(100).nullish(),
  })
  .transform((found): CloudVolume => ({
    id: found.id,
    name: found.name,
    region: found.region.slug,
    sizeGb: found.size_gigabytes,
    dropletIds: found.droplet_ids ?? [],
  }));

export const keyShape = z
  .object({ id: numbered, fingerprint: z.string().regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){15}$/), name })
  .transform((found): CloudSshKey => found);

export const sizeShape = z
  .object({
    slug: name,
    vcpus: z.number().int().positive(),
    memory: z.number().int().positive(),
    disk: z.number().int().nonnegative(),
    price_monthly: usd,
    price_hourly: usd,
    regions: z.array(name).max(1000),
    available: z.boolean(),
  })
  .transform((found): CloudSize => ({
    slug: found.slug,
    vcpus: found.vcpus,
    memoryMb: found.memory,
    diskGb: found.disk,
    monthlyUsd: found.price_monthly,
    hourlyUsd: found.price_hourly,
    regions: found.available ? found.regions : [],
  }));

export const accountShape = z.object({
  account: z.object({
    uuid: z.string().min(1).max(100),
    team: z.object({ uuid: z.string().min(1).max(100) }).nullish(),
    droplet_limit: z.number().int().nonnegative(),
    status: z.string(),
  }),
});

export const actionsShape = z.object({
  actions: z.array(z.object({ type: z.string(), status: z.string() })).max(1000),
});

const addresses = z.object({ addresses: z.array(z.string()).optional() }).loose();
const ports = z.union([z.string(), z.number()]).transform(String).optional();
export const firewallShape = z.object({
  id: z.string().regex(/^[0-9a-f-]{36}$/),
  name,
  inbound_rules: z
    .array(z.object({ protocol: z.string(), ports, sources: addresses }))
    .nullish()
    .transform((rules) => rules ?? []),
  outbound_rules: z
    .array(z.object({ protocol: z.string(), ports, destinations: addresses }))
    .nullish()
    .transform((rules) => rules ?? []),
  tags: z
    .array(z.string())
    .nullish()
    .transform((tags) => tags ?? []),
});
export type Firewall = z.infer<typeof firewallShape>;

/** How many there are in all, on a page of a list. */
export const totalShape = z.object({ meta: z.object({ total: z.number().int().nonnegative() }) });

/** An error in its own words. Anything else with the same status comes from somebody in front of it. */
export const problemShape = z.object({ id: z.string(), message: z.string() });
