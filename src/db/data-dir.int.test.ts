import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../lib/errors.ts';
import { unixSeconds } from '../lib/units.ts';
import { dataDir, lockDataDir, prepareDataDir } from './data-dir.ts';
import { openDatabase } from './database.ts';
import { migrate } from './migrate.ts';

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'timmy-data-'))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('the data directory', () => {
  it('is made with mode 700, and all that is in it with 600', () => {
    const dir = dataDir(join(home, 'deep', 'data'));
    prepareDataDir(dir);
    const unlock = lockDataDir(dir);
    const database = openDatabase(dir.databaseFile);
    migrate(database, unixSeconds(1), () => {});
    expect(modeOf(dir.path)).toBe('700');
    const files = readdirSync(dir.path);
    expect(files).toEqual(expect.arrayContaining(['timmy.db', 'timmy.db-wal', 'timmy.db-shm', 'daemon.pid']));
    for (const file of files) expect([file, modeOf(join(dir.path, file))]).toEqual([file, '600']);
    database.close();
    unlock();
  });

  it('is closed to others where it was open', () => {
    chmodSync(home, 0o755);
    const dir = dataDir(home);
    writeFileSync(dir.databaseFile, '', { mode: 0o644 });
    prepareDataDir(dir);
    expect([modeOf(home), modeOf(dir.databaseFile)]).toEqual(['700', '600']);
  });

  it('that cannot be one says so', () => {
    const file = join(home, 'file');
    writeFileSync(file, '');
    expect(() => prepareDataDir(dataDir(file))).toThrow(ConfigError);
  });
});

describe('the lock', () => {
  it('is held by one, who is named to the second', () => {
    const dir = dataDir(home);
    prepareDataDir(dir);
    const unlock = lockDataDir(dir);
    expect(() => lockDataDir(dir)).toThrow(ConfigError);
    expect(() => lockDataDir(dir)).toThrow(new RegExp(`process ${process.pid}\\b`));
    unlock();
    lockDataDir(dir)();
  });

  it('goes with its process, however that ended', async () => {
    const dir = dataDir(home);
    prepareDataDir(dir);
    const sqlite = JSON.stringify(createRequire(import.meta.url).resolve('better-sqlite3'));
    const program = `
      const lock = new (require(${sqlite}))(${JSON.stringify(join(home, 'daemon.lock'))});
      lock.exec('BEGIN EXCLUSIVE');
      process.stdout.write('locked');
      setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(holder.stdout, 'data');
    expect(() => lockDataDir(dir)).toThrow(ConfigError);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    lockDataDir(dir)();
  });
});

describe('the database', () => {
  it('commits so that a power cut undoes nothing, and erases what is erased', () => {
    const database = openDatabase(join(home, 'x.db'));
    const { $client } = database.read;
    const pragma = (name: string): unknown => $client.pragma(name, { simple: true });
    expect([pragma('journal_mode'), pragma('synchronous'), pragma('secure_delete')]).toEqual(['wal', 2, 1]);
    database.close();
  });

  it('rolls back all of a transaction that throws', () => {
    const database = openDatabase(':memory:');
    database.read.$client.exec('CREATE TABLE t (n INTEGER)');
    const failing = (): never =>
      database.write((tx) => {
        tx.$client.exec('INSERT INTO t VALUES (1)');
        throw new Error('no');
      });
    expect(failing).toThrow('no');
    expect(database.read.$client.prepare('SELECT count(*) FROM t').pluck().get()).toBe(0);
    database.close();
  });
});
