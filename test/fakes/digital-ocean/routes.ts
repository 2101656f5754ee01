import { z } from 'zod';
import { fingerprintOf, type Books, type FakeDroplet, type FakeVolume } from './books.ts';

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What no honest client may do, noted when it is done. */
export type Note = (violation: string) => void;

const problem = (status: number, id: string, message: string): Answer => ({ status, body: { id, message } });
const notFound = problem(404, 'not_found', 'The resource you were accessing could not be found.');
const refused = (message: string): Answer => problem(422, 'unprocessable_entity', message);
const done: Answer = { status: 204, body: '' };

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

function droplets(books: Books, request: Request, [id, sub]: readonly string[], note: Note): Answer {
  const { method, query } = request;
  if (id === undefined) {
    if (method === 'POST') return createDroplet(books, request.body, note);
    if (method === 'DELETE') {
      note('droplets were to be deleted in bulk');
      return problem(400, 'bad_request', 'this fake does not');
    }
    const [name, tag] = [query.get('name'), query.get('tag_name')];
    if (name !== null && tag !== null) return refused('name and tag_name cannot be combined');
    const found = books.droplets.filter((droplet) =>
      tag === null
        ? books.isListed(droplet, 'nameIndex') && (name === null || droplet.name.toLowerCase() === name.toLowerCase())
        : books.isListed(droplet, 'tagIndex') && droplet.tags.includes(tag),
    );
    return page(
      request,
      'droplets',
      found.map((droplet) => dropletJson(books, droplet)),
    );
  }
  const droplet = books.droplets.find((other) => String(other.id) === id);
  if (droplet === undefined || !books.isThere(droplet)) return notFound;
  if (sub === 'actions' && method === 'GET') {
    const action = { id: droplet.id + 1_000_000, type: 'create', status: books.action(droplet) };
    return page(request, 'actions', [{ ...action, resource_id: droplet.id, resource_type: 'droplet' }]);
  }
  if (sub !== undefined) return notFound;
  if (method === 'GET') return { status: 200, body: { droplet: dropletJson(books, droplet) } };
  if (method !== 'DELETE') return problem(405, 'method_not_allowed', 'Not allowed');
  // While it is being made; a making that hangs or failed can be deleted.
  const { making = 'ok' } = droplet.script;
  if (!books.isMade(droplet) && (making === 'ok' || making === 'off'))
    return refused('Droplet already has a pending event.');
  if (droplet.deletedAt === null) {
    droplet.deletedAt = books.now();
    books.note('droplet gone', String(droplet.id), droplet.name);
  }
  return done;
}

const dropletWish = z.object({
  name: z.string().regex(/^[A-Za-z0-9.-]{1,255}$/),
  region: z.string(),
  size: z.string(),
  image: z.string(),
  ssh_keys: z.array(z.union([z.number().int(), z.string()])).default([]),
  volumes: z.array(z.string()).default([]),
  tags: z.array(z.string().regex(/^[A-Za-z0-9_:-]{1,255}$/)).default([]),
  user_data: z.string().default(''),
});

function createDroplet(books: Books, body: string, note: Note): Answer {
  const wish = parse(body, dropletWish);
  if (wish === null) return refused('Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)');
  if (wish.ssh_keys.length === 0) note(`droplet ${wish.name} was asked for without a key`);
  const size = books.sizes.find(({ slug }) => slug === wish.size);
  if (size === undefined) return refused('You specified an invalid size for Droplet creation.');
  if (!books.regions.includes(wish.region)) return refused('You specified an invalid region for Droplet creation.');
  if (!size.available || !size.regions.includes(wish.region)) return refused('Size is not available in this region.');
  if (!books.images.has(wish.image)) return refused('You specified an invalid image for Droplet creation.');
  if (Buffer.byteLength(wish.user_data) > 65_536) return refused('user_data is too long');
  const sshKeys = wish.ssh_keys.map((key) =>
    books.keys.find(({ id, fingerprint }) => id === key || fingerprint === key),
  );
  if (sshKeys.some((key) => key === undefined))
    return refused(`${wish.ssh_keys.join(', ')} are invalid key identifiers for Droplet creation.`);
  const held = wish.volumes.map((id) => books.volumes.find((volume) => volume.id === id && volume.deletedAt === null));
  if (held.some((volume) => volume?.region !== wish.region)) return refused('volume is not in this region');
  if (held.some((volume) => volume !== undefined && books.holders(volume).length > 0))
    return refused('volume is already attached');
  if (books.account.status === 'locked') return problem(403, 'forbidden', 'Your account is locked.');
  if (books.droplets.filter(({ deletedAt }) => deletedAt === null).length >= books.account.droplet_limit)
    return refused('creating this/these droplet(s) will exceed your droplet limit');
  const droplet = books.addDroplet({
    ...{ name: wish.name, region: wish.region, size: wish.size, image: wish.image, tags: wish.tags },
    ...{ sshKeys: sshKeys.flatMap((key) => key?.id ?? []), volumes: wish.volumes, userData: wish.user_data },
  });
  const action = {
    id: droplet.id + 1_000_000,
    rel: 'create',
    href: `https://api/v2/actions/${droplet.id + 1_000_000}`,
  };
  return { status: 202, body: { droplet: dropletJson(books, droplet), links: { actions: [action] } } };
}

function dropletJson(books: Books, droplet: FakeDroplet): object {
  const size = books.sizes.find(({ slug }) => slug === droplet.size);
  // Tags are put on after the making.
  const isTagged = books.isListed(droplet, 'tagIndex');
  return {
    ...{ id: droplet.id, name: droplet.name, memory: size?.memory, vcpus: size?.vcpus, disk: size?.disk },
    ...{ locked: !books.isMade(droplet), status: books.status(droplet), created_at: iso(droplet.createdAt) },
    ...{ networks: { v4: books.addresses(droplet), v6: [] }, region: { slug: droplet.region, name: droplet.region } },
    ...{ size_slug: droplet.size, size, image: { slug: droplet.image }, tags: isTagged ? droplet.tags : [] },
    ...{ volume_ids: droplet.volumes, backup_ids: [], snapshot_ids: [], features: [], vpc_uuid: 'f' },
  };
}

function page(request: Request, name: string, rows: readonly unknown[]): Answer {
  const perPage = Math.min(200, Math.max(1, Number(request.query.get('per_page') ?? 20)));
  const number = Math.max(1, Number(request.query.get('page') ?? 1));
  const hasNext = number * perPage < rows.length;
  const next = `https://api.digitalocean.com${request.path}?page=${number + 1}&per_page=${perPage}`;
  return {
    status: 200,
    body: {
      [name]: rows.slice((number - 1) * perPage, number * perPage),
      links: hasNext ? { pages: { next } } : {},
      meta: { total: rows.length },
    },
  };
}

function parse<T>(text: string, shape: z.ZodType<T>): T | null {
  try {
    return shape.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

const iso = (seconds: number): string => new Date(Math.floor(seconds) * 1000).toISOString().replace('.000Z', 'Z');
