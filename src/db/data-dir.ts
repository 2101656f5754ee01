import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { ConfigError } from '../lib/errors.ts';

/** Where everything lies. Opened with mode 0700, its files 0600: other users of the machine read nothing. */
export interface DataDir {
  readonly path: string;
  readonly databaseFile: string;
  /** The keys of texts: beside the database, and in no copy of it. */
  readonly keysFile: string;
}

/** Names the places in `path` without touching the disk. */
export function dataDir(path: string): DataDir {
  return { path, databaseFile: join(path, 'timmy.db'), keysFile: join(path, 'keys.db') };
}

/** Makes the directory if need be and closes it to others. @throws ConfigError when that cannot be done. */
export function prepareDataDir(dir: DataDir): void {
  try {
    mkdirSync(dir.path, { recursive: true, mode: 0o700 });
    if ((statSync(dir.path).mode & 0o077) !== 0) chmodSync(dir.path, 0o700);
    for (const suffix of ['', '-wal', '-shm']) {
      const file = dir.databaseFile + suffix;
      if (existsSync(file)) chmodSync(file, 0o600);
    }
    // SQLite makes its side files with the mode of the database: give that one its mode before the first byte.
    if (!existsSync(dir.databaseFile)) writeFileSync(dir.databaseFile, '', { mode: 0o600, flag: 'a' });
  } catch (error) {
    throw new ConfigError([
      `TIMMY_DATA_DIR ${dir.path} cannot be used (${(error as NodeJS.ErrnoException).code ?? 'unknown'}): it must be a directory that only this user can write.`,
    ]);
  }
}

/**
 * Takes the lock that makes this process the one daemon of the directory. The kernel drops it when the process
 * dies, however it dies: it is SQLite's own file lock on a file of its own, held by an open transaction.
 *
 * @returns a function that gives the lock back. @throws ConfigError naming the holder.
 */
export function lockDataDir(dir: DataDir): () => void {
  const file = join(dir.path, 'daemon.lock');
  const holder = join(dir.path, 'daemon.pid');
  // Who only looks whether somebody runs (`daemonOf`) holds it for a moment.
  const lock = new Sqlite(file, { timeout: 1000 });
  try {
    chmodSync(file, 0o600);
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
  } catch {
    lock.close();
    const pid = existsSync(holder) ? readFileSync(holder, 'utf8').trim() : '';
    throw new ConfigError([
      `Another timmy runs on ${dir.path}${pid === '' ? '' : ` (process ${pid})`}. Stop it first, or set TIMMY_DATA_DIR to another directory.`,
    ]);
  }
  writeFileSync(holder, `${process.pid}\n`, { mode: 0o600 });
  return () => lock.close();
}

/** The daemon that runs on this directory: its process id (0 where it is not known), or null where none does. */
export function daemonOf(dir: DataDir): number | null {
  const file = join(dir.path, 'daemon.lock');
  if (!existsSync(file)) return null;
  const lock = new Sqlite(file, { timeout: 0, readonly: true });
  try {
    lock.prepare('SELECT count(*) FROM sqlite_master').get();
    return null;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'SQLITE_BUSY') throw error;
    const holder = join(dir.path, 'daemon.pid');
    return existsSync(holder) ? Number(readFileSync(holder, 'utf8').trim()) : 0;
  } finally {
    lock.close();
  }
}
