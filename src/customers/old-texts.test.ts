import { createCipheriv, hkdfSync } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { rng } from '../../test/builders/guest.ts';
import { openedBy } from '../../test/builders/thief.ts';
import { knownMigrations, migrate, openDatabase, statement, type Database } from '../db/index.ts';
import { ConfigError } from '../lib/errors.ts';
import type { Secret } from '../lib/secret.ts';
import { unixSeconds } from '../lib/units.ts';
import { generateSecretKey } from '../nostr/keys.ts';
import { createLocalKeySealer } from './key-sealer.ts';
import { openKeyFile } from './key-file.ts';
import { areTextsSealedAnew, sealOldTextsAnew } from './old-texts.ts';
import { openTextKeys, type TextKeys } from './text-keys.ts';
import { createTexts } from './texts.ts';

const NOW = unixSeconds(1_800_000_000);
const TEXTS = 450;
/** The migration of this version, and its place. */
const KEYS_CAME = knownMigrations().findIndex(({ tag }) => tag.endsWith('text_keys'));
const TAG = knownMigrations()[KEYS_CAME]?.tag ?? '';
const secretKey = generateSecretKey(rng);
const owner = (n: number): string => String(n % 7).padStart(64, '0');
const said = (n: number): string => `text ${n} ${'of a customer '.repeat(n % 9)}`;
let home: string;
let file: string;
let database: Database;
let keys: TextKeys;
let boxes: Buffer[];

/** As the version before sealed them. */
function oldBox(text: string): Buffer {
  const key = Buffer.from(hkdfSync('sha256', secretKey.expose(), 'timmy', 'texts at rest v1', 32));
  const nonce = rng.bytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'timmy-old-'));
  file = join(home, 'timmy.db');
  database = openDatabase(file);
  migrate(database, NOW, () => {}, knownMigrations().slice(0, KEYS_CAME));
  boxes = Array.from({ length: TEXTS }, (_none, n) => oldBox(said(n)));
  const insert = 'INSERT INTO texts (owner, box, created_at) VALUES (?, ?, ?)';
  database.write((tx) => boxes.forEach((box, n) => statement(tx, insert).run(owner(n), box, NOW)));
  migrate(database, NOW, (tag) => {
    database.read.$client.prepare('VACUUM INTO ?').run(`${file}.before-${tag}`);
  });
  copyFileSync(`${file}.before-${TAG}`, `${file}.before-0003_earlier`);
  keys = await openTextKeys(openKeyFile(join(home, 'keys.db'), rng), createLocalKeySealer(secretKey, rng), rng);
});
afterEach(() => {
  keys.close();
  database.close();
  rmSync(home, { recursive: true, force: true });
});

const seal = (secret: Secret<Uint8Array> = secretKey): number =>
  sealOldTextsAnew(database, file, { keys, secretKey: secret, rng, now: NOW });
const all = (): (string | null)[] =>
  Array.from({ length: TEXTS }, (_none, n) => createTexts(keys, rng).read(database.read, n + 1));

it('all texts are read as before, each with its owner’s key, and no file holds what the nsec alone opens', () => {
  const opens = (database_: string): number =>
    openedBy({ database: database_, keys: '', secretKey: secretKey.expose() }).length;
  expect(opens(`${file}.before-${TAG}`)).toBe(TEXTS);
  expect(areTextsSealedAnew(database.read)).toBe(false);
  expect(seal()).toBe(TEXTS);
  expect(areTextsSealedAnew(database.read)).toBe(true);
  expect(all()).toEqual(boxes.map((_box, n) => said(n)));
  expect(statement(database.read, 'SELECT count(DISTINCT key_id) FROM texts').pluck().get()).toBe(7);
  const bytes = Buffer.concat(readdirSync(home).map((name) => readFileSync(join(home, name))));
  for (const box of boxes) expect(bytes.includes(box.subarray(0, 28))).toBe(false);
  expect(opens(file)).toBe(0);
});

it('the copies beside it keep all but the texts', () => {
  seal();
  for (const tag of [TAG, '0003_earlier']) {
    const copy = new Sqlite(`${file}.before-${tag}`, { readonly: true });
    expect(copy.prepare('SELECT count(*) FROM texts').pluck().get()).toBe(0);
    expect(copy.prepare('SELECT count(*) FROM schema_migrations').pluck().get()).toBe(KEYS_CAME);
    copy.close();
  }
});

it('killed midway it goes on where it was', () => {
  let left = 250;
  const mortal: TextKeys = {
    ...keys,
    current: (of, at) => {
      if (left-- === 0) throw new Error('killed');
      return keys.current(of, at);
    },
  };
  expect(() => sealOldTextsAnew(database, file, { keys: mortal, secretKey, rng, now: NOW })).toThrow('killed');
  expect(statement(database.read, 'SELECT count(*) FROM texts WHERE key_id IS NULL').pluck().get()).toBe(250);
  expect(seal()).toBe(250);
  expect(all()).toEqual(boxes.map((_box, n) => said(n)));
});

it('with another nsec, or beside a copy that is damaged, it stops and says why', () => {
  expect(() => seal(generateSecretKey(rng))).toThrow(ConfigError);
  writeFileSync(`${file}.before-0001_damaged`, 'this is no database');
  expect(() => seal()).toThrow(/before-0001_damaged.*Delete that copy/);
  rmSync(`${file}.before-0001_damaged`);
  expect(seal()).toBe(0);
  expect(all()).toEqual(boxes.map((_box, n) => said(n)));
});

it('a new database has none', () => {
  database.write((tx) => statement(tx, 'DELETE FROM texts').run());
  expect(seal()).toBe(0);
});
