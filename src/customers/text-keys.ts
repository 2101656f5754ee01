import { statement, type Reader } from '../db/index.ts';
import { ConfigError } from '../lib/errors.ts';
import type { Rng } from '../lib/rng.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { openBox, sealBox } from './box.ts';
import type { KeyFile, KeyId, KeyRow } from './key-file.ts';
import type { KeySealer } from './key-sealer.ts';

export interface TextKey {
  readonly id: KeyId;
  readonly key: Buffer;
}

/** A random key for each customer, with which their texts are sealed. */
export interface TextKeys {
  /**
   * The key for what this customer says at `at`, made where there is none, or none of this week: durable before any text
   * needs it.
   */
  current(owner: string, at: UnixSeconds): TextKey;
  /** A new one in its place; the earlier ones still open what they sealed. To do it in vain does no harm. */
  renew(owner: string, at: UnixSeconds): TextKey;
  /** Null: it was destroyed. */
  find(id: KeyId): Buffer | null;
  /** Destroys this customer's keys that no text names, but for the current one. @returns how many. */
  destroyUnused(reader: Reader, owner: string): number;
  /**
   * Destroys the keys that no text names, made before `before`, of one page after `after`. Not within a transaction.
   *
   * @returns where the next page begins, null where there is none.
   */
  sweep(reader: Reader, before: UnixSeconds, after: KeyId): KeyId | null;
  close(): void;
}

/** Unwrapped keys, and newest ids, that are remembered. */
const REMEMBERED = 4000;
const PAGE = 200;
/**
 * A customer's key is used for so long, then a new one: when the texts of that time are past their term, their key goes
 * (`sweep`), and with it what older copies of the database have of them. Seconds.
 */
const USED_FOR = 7 * 86_400;

type Newest = Pick<KeyRow, 'id' | 'createdAt'>;

/** Opens the data key, or makes it. @throws ConfigError where it was sealed by another nsec. */
export async function openTextKeys(file: KeyFile, sealer: KeySealer, rng: Rng): Promise<TextKeys> {
  const sealed = file.dataKey();
  if (sealed !== null) return createTextKeys(file, await opened(sealer, sealed), rng);
  const dataKey = Buffer.from(rng.bytes(32));
  file.keepDataKey(await sealer.seal(dataKey));
  return createTextKeys(file, dataKey, rng);
}

async function opened(sealer: KeySealer, sealed: Buffer): Promise<Buffer> {
  try {
    return await sealer.open(sealed);
  } catch (error) {
    throw new ConfigError([
      `keys.db in the data directory was sealed with another key than the one configured (${error instanceof Error ? error.message : 'unknown'}). Put back the keys.db that belongs to this database.`,
    ]);
  }
}

export function createTextKeys(file: KeyFile, dataKey: Uint8Array, rng: Rng): TextKeys {
  const keys = new Map<KeyId, Buffer>();
  const newest = new Map<string, Newest>();

  function renew(owner: string, at: UnixSeconds): TextKey {
    const key = Buffer.from(rng.bytes(32));
    const id = file.add(owner, sealBox(dataKey, key, rng), at);
    remember(keys, id, key);
    remember(newest, owner, { id, createdAt: at });
    return { id, key };
  }

  function find(id: KeyId): Buffer | null {
    const known = keys.get(id);
    if (known !== undefined) return remember(keys, id, known);
    const box = file.box(id);
    return box === null ? null : remember(keys, id, openBox(dataKey, box));
  }

  function destroy(rows: readonly Pick<KeyRow, 'id' | 'owner'>[]): number {
    for (const { id, owner } of rows) {
      keys.get(id)?.fill(0);
      keys.delete(id);
      if (newest.get(owner)?.id === id) newest.delete(owner);
    }
    file.destroy(rows.map(({ id }) => id));
    return rows.length;
  }

  return {
    current: (owner, at) => {
      const last = newest.get(owner) ?? file.newestOf(owner);
      if (last === null || at - last.createdAt >= USED_FOR) return renew(owner, at);
      const key = find(last.id);
      if (key === null) return renew(owner, at);
      remember(newest, owner, last);
      return { id: last.id, key };
    },
    renew,
    find,
    destroyUnused: (reader, owner) => {
      const ids = file.idsOf(owner);
      const unused = ids.filter((id) => id !== ids.at(-1) && !isUsed(reader, owner, id));
      return destroy(unused.map((id) => ({ id, owner })));
    },
    sweep: (reader, before, after) => {
      const page = file.page(after, PAGE);
      const unused = page.filter(({ id, owner, createdAt }) => createdAt < before && !isUsed(reader, owner, id));
      if (unused.length > 0) destroy(unused);
      return page.length < PAGE ? null : (page.at(-1)?.id ?? null);
    },
    close: () => {
      for (const key of keys.values()) key.fill(0);
      keys.clear();
      file.close();
    },
  };
}

function isUsed(reader: Reader, owner: string, id: KeyId): boolean {
  return statement(reader, 'SELECT 1 FROM texts WHERE owner = ? AND key_id = ? LIMIT 1').get(owner, id) !== undefined;
}

/** The least recently used makes room. */
function remember<K, V>(map: Map<K, V>, key: K, value: V): V {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= REMEMBERED) break;
    map.delete(oldest);
  }
  return value;
}
