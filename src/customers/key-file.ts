import { chmodSync, closeSync, openSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { randomInt, type Rng } from '../lib/rng.ts';
import type { UnixSeconds } from '../lib/units.ts';

/** The id of a customer's key. Of one owner the later key has the greater id; no id is given twice. */
export type KeyId = number;

export interface KeyRow {
  readonly id: KeyId;
  readonly owner: string;
  readonly createdAt: UnixSeconds;
}

/**
 * `keys.db`: the customers' keys, each sealed by the data key, and the data key, sealed by the nsec. It lies beside the
 * database and is in no copy of it: what is destroyed here is gone from all copies at once.
 */
export interface KeyFile {
  dataKey(): Buffer | null;
  keepDataKey(box: Buffer): void;
  newestOf(owner: string): Pick<KeyRow, 'id' | 'createdAt'> | null;
  box(id: KeyId): Buffer | null;
  /** Durable when it returns. */
  add(owner: string, box: Buffer, at: UnixSeconds): KeyId;
  idsOf(owner: string): readonly KeyId[];
  /** By id, after `after`. */
  page(after: KeyId, limit: number): readonly KeyRow[];
  /** Neither the file nor its WAL holds any of these keys when it returns; nor any that were destroyed before. */
  destroy(ids: readonly KeyId[]): void;
  close(): void;
}

/**
 * A sealed key stands last in its row, behind so many zeros, and pages are small: so it lies on an overflow page of its
 * own. SQLite moves cells about and may leave the old bytes in the gaps of a page; overflow pages it never moves, and
 * it zeroes them when their row goes (`secure_delete`).
 */
const PAGE_BYTES = 512;
const APART_BYTES = 512;

/** Ids are so far apart, at random: a copy of this file that is put back does not give those again that were given since. */
const ID_STEP = 2 ** 20;

/** Opens the file, or makes it. `':memory:'` is for tests. @throws when it cannot be kept as it must be. */
export function openKeyFile(path: string, rng: Rng): KeyFile {
  if (path !== ':memory:') {
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
  }
  const sqlite = new Sqlite(path, { timeout: 1000 });
  try {
    sqlite.pragma(`page_size = ${PAGE_BYTES}`);
    sqlite.pragma('journal_mode = WAL');
    sqlite.pragma('synchronous = FULL');
    sqlite.pragma('secure_delete = ON');
    if (sqlite.pragma('secure_delete', { simple: true }) !== 1) throw new Error('keys.db does not keep secure_delete');
    sqlite.exec(
      `CREATE TABLE IF NOT EXISTS data_key (id INTEGER PRIMARY KEY CHECK (id = 1), box BLOB NOT NULL) STRICT;
       CREATE TABLE IF NOT EXISTS text_keys (id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL,
         created_at INTEGER NOT NULL, apart BLOB NOT NULL, box BLOB NOT NULL) STRICT;
       CREATE INDEX IF NOT EXISTS text_keys_owner ON text_keys (owner, id)`,
    );
    if (sqlite.pragma('page_size', { simple: true }) !== PAGE_BYTES) throw new Error('keys.db has another page size');
  } catch (error) {
    sqlite.close();
    throw error;
  }
  const readDataKey = sqlite.prepare('SELECT box FROM data_key').pluck();
  const writeDataKey = sqlite.prepare('INSERT INTO data_key (id, box) VALUES (1, ?)');
  const newest = sqlite.prepare(
    'SELECT id, created_at AS createdAt FROM text_keys WHERE owner = ? ORDER BY id DESC LIMIT 1',
  );
  const read = sqlite.prepare('SELECT box FROM text_keys WHERE id = ?').pluck();
  const last = sqlite.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'text_keys'`).pluck();
  const insert = sqlite.prepare(
    `INSERT INTO text_keys (id, owner, created_at, apart, box) VALUES (?, ?, ?, zeroblob(${APART_BYTES}), ?)`,
  );
  const ofOwner = sqlite.prepare('SELECT id FROM text_keys WHERE owner = ? ORDER BY id').pluck();
  const pageAfter = sqlite.prepare(
    'SELECT id, owner, created_at AS createdAt FROM text_keys WHERE id > ? ORDER BY id LIMIT ?',
  );
  const remove = sqlite.prepare('DELETE FROM text_keys WHERE id IN (SELECT value FROM json_each(?))');
  /** The WAL may hold what was destroyed just before a crash. */
  const emptyWal = (): void => {
    const [{ busy } = { busy: 1 }] = sqlite.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
    if (busy !== 0) throw new Error('keys.db is read by another process');
  };
  emptyWal();

  return {
    dataKey: () => (readDataKey.get() as Buffer | undefined) ?? null,
    keepDataKey: (box) => void writeDataKey.run(box),
    newestOf: (owner) => (newest.get(owner) as Pick<KeyRow, 'id' | 'createdAt'> | undefined) ?? null,
    box: (id) => (read.get(id) as Buffer | undefined) ?? null,
    add: (owner, box, at) => {
      const id = ((last.get() as number | undefined) ?? 0) + 1 + randomInt(rng, ID_STEP);
      insert.run(id, owner, at, box);
      return id;
    },
    idsOf: (owner) => ofOwner.all(owner) as KeyId[],
    page: (after, limit) => pageAfter.all(after, limit) as KeyRow[],
    destroy: (ids) => {
      if (ids.length > 0) remove.run(JSON.stringify(ids));
      emptyWal();
    },
    close: () => void sqlite.close(),
  };
}
