import { z } from 'zod';
import { done, iso, notFound, page, parse, problem, refused, type Answer, type Note, type Request } from './answers.ts';
import { fingerprintOf, type Books, type FakeVolume } from './books.ts';
import { droplets } from './droplets.ts';

/** The scope that a call needs, as Digital Ocean names them. */
export function scopeOf({ method, path }: Request): string {
  const verb = { GET: 'read', POST: 'create', PUT: 'update', DELETE: 'delete' }[method] ?? 'read';
  const kind = /^\/v2\/(account\/keys|droplets\/\d+\/actions|[a-z]+)/.exec(path)?.[1] ?? '';
  const named: Record<string, string> = {
    account: 'account',
    'account/keys': 'ssh_key',
    droplets: 'droplet',
    volumes: 'block_storage',
    tags: 'tag',
    firewalls: 'firewall',
    sizes: 'sizes',
    images: 'image',
  };
  return kind.endsWith('/actions') ? 'actions:read' : `${named[kind] ?? kind}:${verb}`;
}

/** Everything that Digital Ocean answers to a client that rents nodes. Codes and texts are its own. */
export function route(books: Books, request: Request, note: Note): Answer {
  const { method, path } = request;
  const [, kind = '', rest = ''] = /^\/v2\/(account\/keys|[a-z]+)(?:\/(.*))?$/.exec(path) ?? [];
  const parts = rest === '' ? [] : rest.split('/').map(decodeURIComponent);
  if (kind === 'account' && method === 'GET') return { status: 200, body: { account: { ...books.account } } };
  if (kind === 'sizes' && method === 'GET') return page(request, 'sizes', books.sizes);
  if (kind === 'images' && method === 'GET') {
    const slug = parts[0] ?? '';
    return books.images.has(slug) ? { status: 200, body: { image: { id: 1, slug, status: 'available' } } } : notFound;
  }
  if (kind === 'account/keys') return keys(books, request, parts[0]);
  if (kind === 'volumes') return volumes(books, request, parts[0]);
  if (kind === 'tags') return tags(books, request, parts[0]);
  if (kind === 'firewalls') return firewalls(books, request, parts[0]);
  if (kind === 'droplets') return droplets(books, request, parts, note);
  return notFound;
}

function keys(books: Books, { method, body }: Request, id: string | undefined): Answer {
  const json = (key: (typeof books.keys)[number]): object => ({
    ...{ id: key.id, name: key.name, fingerprint: key.fingerprint, public_key: key.publicKey },
  });
  if (method === 'POST' && id === undefined) {
    const wish = parse(body, z.object({ name: z.string().min(1), public_key: z.string() }));
    if (wish === null) return refused('Name can’t be blank');
    const [type = '', blob] = wish.public_key.trim().split(/\s+/);
    if (!/^(ssh-(rsa|dss|ed25519)|ecdsa-sha2-nistp(256|384|521))$/.test(type))
      return refused(
        "Key invalid type, we support 'ssh-rsa', 'ssh-dss', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', or 'ssh-ed25519'",
      );
    const fingerprint = blob === undefined ? null : fingerprintOf(wish.public_key);
    if (fingerprint === null) return refused('Key invalid, key should be of the format `type key [comment]`');
    if (books.keys.some((key) => key.fingerprint === fingerprint))
      return refused('SSH Key is already in use on your account');
    return { status: 201, body: { ssh_key: json(books.addKey(wish.name, wish.public_key, fingerprint)) } };
  }
  const index = books.keys.findIndex((key) => String(key.id) === id || key.fingerprint === id);
  const key = books.keys[index];
  if (key === undefined) return notFound;
  if (method === 'GET') return { status: 200, body: { ssh_key: json(key) } };
  if (method !== 'DELETE') return problem(405, 'method_not_allowed', 'Not allowed');
  books.keys.splice(index, 1);
  books.note('key gone', String(key.id), key.name);
  return done;
}

function volumes(books: Books, request: Request, id: string | undefined): Answer {
  const { method, query, body } = request;
  const there = books.volumes.filter(({ deletedAt }) => deletedAt === null);
  const json = (volume: FakeVolume): object => ({
    ...{ id: volume.id, name: volume.name, size_gigabytes: volume.sizeGb, tags: volume.tags },
    ...{ region: { slug: volume.region, name: volume.region }, droplet_ids: books.holders(volume) },
    ...{ filesystem_type: 'ext4', filesystem_label: 'timmy-node', created_at: iso(volume.createdAt) },
  });
  if (method === 'GET' && id === undefined) {
    const [name, region] = [query.get('name'), query.get('region')];
    const found = there.filter(
      (volume) => (name === null || volume.name === name) && (region === null || volume.region === region),
    );
    return page(request, 'volumes', found.map(json));
  }
  if (method === 'POST' && id === undefined) {
    const wish = parse(body, volumeWish);
    if (wish === null) return refused('invalid volume');
    if (!books.regions.includes(wish.region)) return refused('region is invalid');
    if (there.some(({ name, region }) => name === wish.name && region === wish.region))
      return problem(409, 'conflict', 'failed to create volume');
    const { name, region, size_gigabytes: sizeGb, tags: names = [] } = wish;
    return { status: 201, body: { volume: json(books.addVolume({ name, region, sizeGb, tags: names })) } };
  }
  const volume = there.find((other) => other.id === id);
  if (volume === undefined) return notFound;
  if (method === 'GET') return { status: 200, body: { volume: json(volume) } };
  if (method !== 'DELETE') return problem(405, 'method_not_allowed', 'Not allowed');
  if (books.holders(volume).length > 0)
    return problem(409, 'conflict', 'failed to delete volume: volume is attached to a droplet');
  endVolume(books, volume);
  return done;
}

const volumeWish = z.object({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/),
  region: z.string(),
  size_gigabytes: z.number().int().min(1).max(16_384),
  filesystem_type: z.literal('ext4').optional(),
  filesystem_label: z.string().max(16).optional(),
  tags: z.array(z.string().regex(/^[A-Za-z0-9_:-]{1,255}$/)).optional(),
});

function endVolume(books: Books, volume: FakeVolume): void {
  volume.deletedAt = books.now();
  books.note('volume gone', volume.id, volume.name);
}

function tags(books: Books, { method, body }: Request, name: string | undefined): Answer {
  if (method === 'POST' && name === undefined) {
    const wish = parse(body, z.object({ name: z.string().regex(/^[A-Za-z0-9_:-]{1,255}$/) }));
    if (wish === null) return refused('Name is invalid');
    books.tags.add(wish.name);
    return { status: 201, body: { tag: { name: wish.name, resources: {} } } };
  }
  if (method !== 'GET' || name === undefined || !books.tags.has(name)) return notFound;
  return { status: 200, body: { tag: { name, resources: {} } } };
}

const ends = z.object({ addresses: z.array(z.string()).optional() }).loose();
const firewallWish = z.object({
  name: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9.-]*$/),
  inbound_rules: z.array(z.object({ protocol: z.enum(['tcp', 'udp', 'icmp']), ports: z.string(), sources: ends })),
  outbound_rules: z.array(
    z.object({ protocol: z.enum(['tcp', 'udp', 'icmp']), ports: z.string(), destinations: ends }),
  ),
  tags: z.array(z.string()).default([]),
});

function firewalls(books: Books, request: Request, id: string | undefined): Answer {
  const { method, body } = request;
  if (method === 'GET' && id === undefined) return page(request, 'firewalls', books.firewalls);
  const wish = parse(body, firewallWish);
  if (wish === null) return refused('invalid firewall');
  const unknown = wish.tags.find((tag) => !books.tags.has(tag));
  if (unknown !== undefined) return refused(`invalid tag: ${unknown}`);
  const found = books.firewalls.find((firewall) => firewall.id === id);
  if (method === 'PUT' && found !== undefined) {
    Object.assign(found, wish);
    books.note('firewall changed', found.id, found.name);
    return { status: 200, body: { firewall: found } };
  }
  if (method !== 'POST' || id !== undefined) return notFound;
  if (books.firewalls.some(({ name }) => name === wish.name)) return problem(409, 'conflict', 'duplicate name');
  const firewall = { ...wish, id: crypto.randomUUID(), status: 'waiting', droplet_ids: [] };
  books.firewalls.push(firewall);
  books.note('firewall made', firewall.id, firewall.name);
  return { status: 202, body: { firewall } };
}
