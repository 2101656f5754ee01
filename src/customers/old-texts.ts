import { hkdfSync } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { keepFact, readFact, statement, type Database, type Reader } from '../db/index.ts';
import { ConfigError } from '../lib/errors.ts';
import type { Rng } from '../lib/rng.ts';
import type { Secret } from '../lib/secret.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { openBox, sealBox } from './box.ts';
import type { TextKeys } from './text-keys.ts';

/** Texts that are sealed anew in one transaction. */
const SLICE = 200;

/** Is every text under a key of its owner, as from this version on? */
export function areTextsSealedAnew(reader: Reader): boolean {
  return readFact(reader, 'texts_sealed') !== null;
}

/**
 * Versions before sealed all texts with one key made from the nsec. Seals them anew, each with its owner's key, slice by
 * slice; then takes the old boxes out of the file and out of the copies beside it, which the nsec alone would open: the
 * copies keep the books. Once, at the start; killed midway it goes on at the next.
 *
 * @returns how many texts were sealed anew. @throws ConfigError where the nsec does not open one.
 */
export function sealOldTextsAnew(
  database: Database,
  file: string,
  parts: {
    readonly keys: TextKeys;
    readonly secretKey: Secret<Uint8Array>;
    readonly rng: Rng;
    readonly now: UnixSeconds;
  },
): number {
  const oldKey = Buffer.from(hkdfSync('sha256', parts.secretKey.expose(), 'timmy', 'texts at rest v1', 32));
  let sealed = 0;
  for (let after: number | null = 0; after !== null;) {
    const slice = sealSlice(database, oldKey, parts, after);
    sealed += slice.sealed;
    after = slice.last;
  }
  const hadTexts = statement(database.read, 'SELECT 1 FROM texts LIMIT 1').get() !== undefined;
  if (hadTexts) {
    // Rows that were moved may have left their old boxes in gaps of pages.
    database.read.$client.exec('VACUUM');
    database.checkpoint('TRUNCATE');
  }
  for (const copy of copiesOf(file)) eraseTexts(copy);
  database.write((tx) => keepFact(tx, 'texts_sealed', 'by owner'));
  return sealed;
}

interface OldText {
  readonly id: number;
  readonly owner: string;
  readonly box: Buffer;
}

function sealSlice(
  database: Database,
  oldKey: Buffer,
  { keys, rng, now }: { readonly keys: TextKeys; readonly rng: Rng; readonly now: UnixSeconds },
  after: number,
): { readonly sealed: number; readonly last: number | null } {
  const sql = 'SELECT id, owner, box FROM texts WHERE id > ? AND key_id IS NULL ORDER BY id LIMIT ?';
  const slice = statement(database.read, sql).all(after, SLICE) as OldText[];
  database.write((tx) => {
    for (const { id, owner, box } of slice) {
      const key = keys.current(owner, now);
      const anew = sealBox(key.key, openedOld(oldKey, id, box), rng);
      statement(tx, 'UPDATE texts SET box = ?, key_id = ? WHERE id = ?').run(anew, key.id, id);
    }
  });
  return { sealed: slice.length, last: slice.length < SLICE ? null : (slice.at(-1)?.id ?? null) };
}

function openedOld(oldKey: Buffer, id: number, box: Buffer): Buffer {
  try {
    return openBox(oldKey, box);
  } catch (error) {
    throw new ConfigError([
      `Text ${id} of this database is not sealed with the key configured, or is damaged (${error instanceof Error ? error.message : 'unknown'}). Put a good copy of the database in its place.`,
    ]);
  }
}

/** The copies that migrations made. */
function copiesOf(file: string): string[] {
  if (file === '' || file === ':memory:') return [];
  const folder = dirname(file);
  const begins = `${basename(file)}.before-`;
  return readdirSync(folder).flatMap((name) =>
    name.startsWith(begins) && !/-(journal|wal|shm)$/.test(name) ? [join(folder, name)] : [],
  );
}

function eraseTexts(copy: string): void {
  const sqlite = new Sqlite(copy, { timeout: 1000 });
  try {
    if (sqlite.pragma('quick_check(1)', { simple: true }) !== 'ok') throw new Error('damaged');
    sqlite.pragma('secure_delete = ON');
    const columns = sqlite.pragma('table_info(texts)') as { name: string }[];
    // A copy of this version or a later one has nothing that the nsec alone opens.
    if (columns.length === 0 || columns.some(({ name }) => name === 'key_id')) return;
    sqlite.exec('DELETE FROM texts; VACUUM');
  } catch (error) {
    throw new ConfigError([
      `The texts in ${copy} cannot be erased (${error instanceof Error ? error.message : 'unknown'}), and this version keeps none that the nsec alone opens. Delete that copy, or move it away`,
    ]);
  } finally {
    sqlite.close();
  }
}
