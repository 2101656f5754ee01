import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { ConfigError } from '../lib/errors.ts';
import { sha256Hex } from '../lib/hash.ts';
import type { UnixSeconds } from '../lib/units.ts';
import type { Database, Reader } from './database.ts';

interface Migration {
  readonly tag: string;
  readonly sha256: string;
  readonly sql: string;
}

const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url));

/** The migrations that this version knows, in order (drizzle-kit's journal and files). */
export function knownMigrations(folder: string = MIGRATIONS): Migration[] {
  const journal = JSON.parse(readFileSync(join(folder, 'meta/_journal.json'), 'utf8')) as {
    entries: { idx: number; tag: string }[];
  };
  return journal.entries.map(({ idx, tag }, position) => {
    if (idx !== position) throw new Error(`migration ${tag} is out of order`);
    const sql = readFileSync(join(folder, `${tag}.sql`), 'utf8');
    return { tag, sha256: sha256Hex(sql), sql };
  });
}

/**
 * Brings the database to this version in one transaction. The whole list is compared, not only its newest entry:
 * a database from a newer version, or one whose past differs from ours, is refused and left as it is.
 *
 * @param keepCopy called before anything is changed where there is data already; it must copy the database.
 * @returns the tags that were applied.
 * @throws ConfigError when the database does not belong to this version.
 */
export function migrate(
  database: Database,
  now: UnixSeconds,
  keepCopy: (before: string) => void,
  known: readonly Migration[] = knownMigrations(),
): string[] {
  const applied = appliedMigrations(database.read);
  for (const [position, row] of applied.entries()) {
    const ours = known[position];
    if (ours === undefined) {
      throw new ConfigError([
        `This database was made by a newer Timmy (it has migration ${row.tag}). Run that version, or restore a backup of this one.`,
      ]);
    }
    if (ours.tag !== row.tag || ours.sha256 !== row.sha256) {
      throw new ConfigError([
        `This database and this Timmy do not share a past: migration ${position} is ${row.tag} there and ${ours.tag} here, or was edited.`,
      ]);
    }
  }
  const missing = known.slice(applied.length);
  if (missing.length === 0) return [];
  if (applied.length > 0) keepCopy(missing[0]?.tag ?? '');
  database.write((tx) => {
    tx.$client.exec(
      'CREATE TABLE IF NOT EXISTS schema_migrations (position INTEGER PRIMARY KEY, tag TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT',
    );
    const note = tx.$client.prepare('INSERT INTO schema_migrations VALUES (?, ?, ?, ?)');
    for (const [offset, migration] of missing.entries()) {
      tx.$client.exec(migration.sql);
      note.run(applied.length + offset, migration.tag, migration.sha256, now);
    }
  });
  return missing.map((migration) => migration.tag);
}

function appliedMigrations(reader: Reader): { tag: string; sha256: string }[] {
  const exists = reader.$client
    .prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'")
    .get();
  if (exists === undefined) return [];
  return reader.$client.prepare('SELECT tag, sha256 FROM schema_migrations ORDER BY position').all() as {
    tag: string;
    sha256: string;
  }[];
}
