import { z } from 'zod';
import { done, iso, notFound, page, parse, problem, refused, type Answer, type Note, type Request } from './answers.ts';
import type { Books, FakeDroplet } from './books.ts';

/** Everything under `/v2/droplets`. */
export function droplets(books: Books, request: Request, [id, sub]: readonly string[], note: Note): Answer {
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
