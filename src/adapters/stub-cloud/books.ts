import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const dropletShape = z.object({
  id: z.string().regex(/^\d{1,9}$/),
  name: z.string(),
  region: z.string(),
  size: z.string(),
  tags: z.array(z.string()),
  volumeIds: z.array(z.string()),
  ipv4: z.string(),
  /** Unix seconds. */
  createdAt: z.number().int().nonnegative(),
});
const volumeShape = z.object({ id: z.uuid(), name: z.string(), region: z.string(), sizeGb: z.number().int() });
const keyShape = z.object({ id: z.string().regex(/^\d{1,9}$/), name: z.string(), fingerprint: z.string() });

export type StubDroplet = z.infer<typeof dropletShape>;
export type StubVolume = z.infer<typeof volumeShape>;
export type StubKey = z.infer<typeof keyShape>;

/** One kind of thing that this cloud keeps: a small file for each, so that no kill leaves half of anything. */
class Shelf<T extends { readonly id: string }> {
  readonly #directory: string;
  readonly #shape: z.ZodType<T>;

  constructor(directory: string, shape: z.ZodType<T>) {
    this.#directory = directory;
    this.#shape = shape;
  }

  /** What a kill left half-written, or somebody broke, is no thing. */
  all(): T[] {
    return namesIn(this.#directory)
      .filter((name) => name.endsWith('.json'))
      .flatMap((name) => this.#read(join(this.#directory, name)) ?? [])
      .sort((a, b) => (a.id.length === b.id.length ? (a.id < b.id ? -1 : 1) : a.id.length - b.id.length));
  }

  get(id: string): T | null {
    return /^[0-9a-f-]{1,40}$/.test(id) ? this.#read(this.#path(id)) : null;
  }

  put(thing: T): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    replaceFile(this.#path(thing.id), JSON.stringify(thing));
  }

  remove(id: string): void {
    if (this.get(id) !== null) rmSync(this.#path(id), { force: true });
  }

  #path(id: string): string {
    return join(this.#directory, `${id}.json`);
  }

  #read(path: string): T | null {
    const text = textOf(path);
    try {
      return text === null ? null : (this.#shape.safeParse(JSON.parse(text)).data ?? null);
    } catch {
      return null;
    }
  }
}

/** All that exists at this cloud, in one folder. It outlives the process, as a real one would. */
export class StubBooks {
  readonly droplets: Shelf<StubDroplet>;
  readonly volumes: Shelf<StubVolume>;
  readonly keys: Shelf<StubKey>;
  readonly #nodes: string;
  readonly #counter: string;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#counter = join(directory, 'last-id');
    this.droplets = new Shelf(join(directory, 'droplets'), dropletShape);
    this.volumes = new Shelf(join(directory, 'volumes'), volumeShape);
    this.keys = new Shelf(join(directory, 'keys'), keyShape);
    this.#nodes = join(directory, 'nodes');
  }

  /** Never the same twice: who still asks for what is gone must not meet another. */
  nextId(): string {
    const id = String(Number(textOf(this.#counter) ?? 1000) + 1);
    replaceFile(this.#counter, id);
    return id;
  }

  /** The disk of a droplet: the root under which its agent runs. */
  diskOf(id: string): string {
    return join(this.#nodes, id);
  }

  /** Disks of droplets that are no more: a kill came between the one and the other. */
  orphanedDisks(): string[] {
    return namesIn(this.#nodes).filter((id) => this.droplets.get(id) === null);
  }

  wipe(id: string): void {
    rmSync(this.diskOf(id), { recursive: true, force: true });
  }
}

function replaceFile(path: string, text: string): void {
  const file = openSync(`${path}.new`, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return null;
    throw error;
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return [];
    throw error;
  }
}
