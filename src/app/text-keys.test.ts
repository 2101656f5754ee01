import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createHandClock } from '../../test/fakes/hand-clock.ts';
import { rng } from '../../test/builders/guest.ts';
import { createTexts } from '../customers/index.ts';
import { dataDir, migrate, openDatabase, prepareDataDir, type Database, type DataDir } from '../db/index.ts';
import { silentLog } from '../lib/log.ts';
import { generateSecretKey } from '../nostr/keys.ts';
import { openKeys } from './text-keys.ts';

const OWNER = 'aa'.repeat(32);
const clock = createHandClock();
const secretKey = generateSecretKey(rng);
let dir: DataDir;
let database: Database;
beforeEach(() => {
  dir = dataDir(mkdtempSync(join(tmpdir(), 'timmy-keys-')));
  prepareDataDir(dir);
  database = openDatabase(dir.databaseFile);
  migrate(database, clock.now(), () => {});
});
afterEach(() => {
  database.close();
  rmSync(dir.path, { recursive: true, force: true });
});

const open = (secret = secretKey): ReturnType<typeof openKeys> =>
  openKeys({ dir, database, secretKey: secret, clock, rng, log: silentLog });

async function keptText(): Promise<number> {
  const keys = await open();
  const id = database.write((tx) => createTexts(keys, rng).keep(tx, OWNER, 'of Ann', clock.now()));
  keys.close();
  return id;
}
async function readText(id: number): Promise<string | null> {
  const keys = await open();
  const text = createTexts(keys, rng).read(database.read, id);
  keys.close();
  return text;
}

it('are made with the first text, and found again', async () => {
  const id = await keptText();
  expect(await readText(id)).toBe('of Ann');
});

it('missing, they are asked for; nothing is made in their place', async () => {
  await keptText();
  for (const side of ['', '-wal', '-shm']) rmSync(dir.keysFile + side, { force: true });
  await expect(open()).rejects.toThrow(/keys\.db\. Put it back/);
  expect(existsSync(dir.keysFile)).toBe(false);
});

it('lost for good, as an empty file says, the texts count as erased and all goes on', async () => {
  const id = await keptText();
  for (const side of ['', '-wal', '-shm']) rmSync(dir.keysFile + side, { force: true });
  writeFileSync(dir.keysFile, '');
  expect(await readText(id)).toBeNull();
  expect(await readText(await keptText())).toBe('of Ann');
  expect(await readText(id)).toBeNull();
});

it('of another nsec they are refused', async () => {
  await keptText();
  await expect(open(generateSecretKey(rng))).rejects.toThrow(/sealed with another key/);
});
