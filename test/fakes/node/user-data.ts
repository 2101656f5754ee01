import { gunzipSync } from 'node:zlib';
import { parseDocument } from 'yaml';
import { z } from 'zod';

/** What cloud-init makes of a node's user_data: its files, as they will lie on the disk. */
export interface ReadUserData {
  readonly hostname: string;
  readonly files: ReadonlyMap<string, { readonly text: string; readonly mode: string }>;
  readonly commands: readonly (readonly string[])[];
}

const encodings = {
  'gz+b64': (content: string) => gunzipSync(Buffer.from(content, 'base64')),
  b64: (content: string) => Buffer.from(content, 'base64'),
} as const;

/** Strict: a key that cloud-init would silently pass over is a mistake of ours. */
const shape = z.strictObject({
  hostname: z.string().regex(/^[a-z0-9-]{1,63}$/),
  ssh_pwauth: z.literal(false),
  package_update: z.boolean(),
  package_upgrade: z.boolean().optional(),
  packages: z.array(z.string()),
  write_files: z.array(
    z.strictObject({
      path: z.string().startsWith('/'),
      permissions: z.string().regex(/^0[0-7]{3}$/),
      owner: z.string().optional(),
      encoding: z.enum(['gz+b64', 'b64']).optional(),
      content: z.string(),
    }),
  ),
  runcmd: z.array(z.array(z.string())),
});

/** @throws where it is not what cloud-init understands: the first line, the YAML, a key, an encoding. */
export function readUserData(userData: string): ReadUserData {
  if (!userData.startsWith('#cloud-config\n')) throw new Error('user_data does not begin with #cloud-config');
  const document = parseDocument(userData, { strict: true, uniqueKeys: true, version: '1.1' });
  const problems = [...document.errors, ...document.warnings];
  if (problems.length > 0) throw new Error(`user_data is no good YAML: ${problems.map(({ code }) => code).join(', ')}`);
  const config = shape.parse(document.toJS());
  const files = config.write_files.map(({ path, permissions, encoding, content }) => {
    const text = encoding === undefined ? content : encodings[encoding](content).toString();
    return [path, { text, mode: permissions }] as const;
  });
  return { hostname: config.hostname, files: new Map(files), commands: config.runcmd };
}

const nodeShape = z.object({
  v: z.literal(1),
  order: z.string().regex(/^B-[0-9A-HJKMNP-TV-Z]{5}$/),
  attempt: z.number().int().positive(),
  claim: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  timmy: z.string().regex(/^[0-9a-f]{64}$/),
  timmy_relays: z.array(z.string()).min(1),
  owner: z.string().regex(/^[0-9a-f]{64}$/),
  owner_relays: z.array(z.string()),
  voice: z.enum(['words', 'rpc']),
  impl: z.enum(['core', 'knots']),
  term_ends_at: z.number().int(),
  stub: z.boolean(),
});
export type NodeFile = z.infer<typeof nodeShape>;

/** Its `/etc/timmy/node.json`, which nobody but root may read. */
export function nodeFileOf({ files }: ReadUserData): NodeFile {
  const file = files.get('/etc/timmy/node.json');
  if (file?.mode !== '0600') throw new Error('node.json is missing, or others may read it');
  return nodeShape.parse(JSON.parse(file.text));
}
