import { afterEach, beforeEach, expect, it } from 'vitest';
import { freshDatabase } from '../../test/builders/fresh-database.ts';
import { rng } from '../../test/builders/guest.ts';
import { statement, type Database } from '../db/index.ts';
import { ConfigError } from '../lib/errors.ts';
import { plusSeconds, unixSeconds } from '../lib/units.ts';
import { generateSecretKey } from '../nostr/keys.ts';
import { createLocalKeySealer } from './key-sealer.ts';
import { openKeyFile, type KeyFile } from './key-file.ts';
import { openTextKeys, type TextKeys } from './text-keys.ts';
import { createTexts, type TextId, type Texts } from './texts.ts';

const NOW = unixSeconds(1_800_000_000);
const [ANN, BOB] = ['aa'.repeat(32), 'bb'.repeat(32)] as const;
const secretKey = generateSecretKey(rng);
let database: Database;
let file: KeyFile;
let keys: TextKeys;
let texts: Texts;
beforeEach(async () => {
  database = freshDatabase();
  file = openKeyFile(':memory:', rng);
  keys = await openTextKeys(file, createLocalKeySealer(secretKey, rng), rng);
  texts = createTexts(keys, rng);
});
afterEach(() => {
  keys.close();
  database.close();
});

const keep = (owner: string, text: string): TextId => database.write((tx) => texts.keep(tx, owner, text, NOW));
const read = (id: TextId): string | null => texts.read(database.read, id);
const forget = (owner: string, needed: TextId[] = []): ReturnType<Texts['forget']> =>
  database.write((tx) => texts.forget(tx, owner, needed, NOW));

/** The rows of a copy of the database, as somebody finds them who has all keys that are left. */
function copied(): { read: () => (string | null)[] } {
  const rows = statement(database.read, 'SELECT * FROM texts').all() as Record<string, unknown>[];
  return {
    read: () => {
      const copy = freshDatabase();
      const insert =
        'INSERT INTO texts (id, owner, box, created_at, key_id) VALUES (@id, @owner, @box, @created_at, @key_id)';
      copy.write((tx) => rows.forEach((row) => statement(tx, insert).run(row)));
      const found = rows.map((row) => texts.read(copy.read, row['id'] as TextId));
      copy.close();
      return found;
    },
  };
}

it('what is kept is read again, by its owner’s key and after a restart', async () => {
  const ids = [keep(ANN, 'of Ann'), keep(BOB, 'of Bob'), keep(ANN, 'more of Ann ☕')];
  database.write((tx) => texts.replace(tx, ids[0] ?? 0, 'of Ann, joined'));
  expect(ids.map(read)).toEqual(['of Ann, joined', 'of Bob', 'more of Ann ☕']);
  const again = createTexts(await openTextKeys(file, createLocalKeySealer(secretKey, rng), rng), rng);
  expect(ids.map((id) => again.read(database.read, id))).toEqual(['of Ann, joined', 'of Bob', 'more of Ann ☕']);
  expect(new Set(statement(database.read, 'SELECT key_id FROM texts').pluck().all()).size).toBe(2);
});

it('another nsec opens no key', async () => {
  keep(ANN, 'of Ann');
  const other = createLocalKeySealer(generateSecretKey(rng), rng);
  await expect(openTextKeys(file, other, rng)).rejects.toThrow(ConfigError);
});

it('forgotten, a copy from before opens no more; of others it does', () => {
  keep(ANN, 'of Ann');
  keep(BOB, 'of Bob');
  const copy = copied();
  expect(forget(ANN)).toMatchObject({ erased: 1, left: 0 });
  // Until then a crash would find all of it undone, or all of it done.
  expect(copy.read()).toEqual(['of Ann', 'of Bob']);
  texts.destroyKeys(database.read, ANN);
  expect(copy.read()).toEqual([null, 'of Bob']);
  const id = keep(ANN, 'Ann again');
  expect(read(id)).toBe('Ann again');
  expect(copy.read()).toEqual([null, 'of Bob']);
});

it('what is needed is read until it is not, under a key that goes with it', () => {
  const [request] = [keep(ANN, 'request at work'), keep(ANN, 'small talk')];
  const before = copied();
  const { erased, left, upTo } = forget(ANN, [request]);
  texts.destroyKeys(database.read, ANN);
  expect([erased, left, read(request)]).toEqual([1, 1, 'request at work']);
  expect(before.read()).toEqual([null, null]);
  const answer = keep(ANN, 'the answer, later');
  const between = copied();
  const eraseLeft = (needed: TextId[]): number => database.write((tx) => texts.eraseLeft(tx, ANN, upTo, needed));
  expect(eraseLeft([request])).toBe(1);
  texts.destroyKeys(database.read, ANN);
  expect(read(request)).toBe('request at work');
  expect(eraseLeft([])).toBe(0);
  texts.destroyKeys(database.read, ANN);
  expect([read(request), read(answer)]).toEqual([null, 'the answer, later']);
  expect(between.read()).toEqual([null, 'the answer, later']);
});

it('undone midway it loses nothing, and is done whole the next time', () => {
  const id = keep(ANN, 'of Ann');
  const failing = (): never =>
    database.write((tx) => {
      texts.forget(tx, ANN, [], NOW);
      throw new Error('killed');
    });
  expect(failing).toThrow('killed');
  texts.destroyKeys(database.read, ANN);
  expect(read(id)).toBe('of Ann');
  const later = keep(ANN, 'after the crash');
  const copy = copied();
  expect(forget(ANN).erased).toBe(2);
  texts.destroyKeys(database.read, ANN);
  expect([read(id), read(later), ...copy.read()]).toEqual([null, null, null, null]);
});

it('does not destroy within a transaction, which could be undone', () => {
  keep(ANN, 'of Ann');
  expect(() => database.write((tx) => texts.destroyKeys(tx, ANN))).toThrow('texts.destroy_in_transaction');
});

it('keys without texts go after their term, those with texts stay, page by page', () => {
  const strangers = Array.from({ length: 450 }, (_none, n) => n.toString(16).padStart(64, '0'));
  const ids = strangers.map((owner) => keep(owner, owner));
  database.write((tx) => ids.slice(0, 400).forEach((id) => texts.erase(tx, id)));
  const sweep = (before: number): number => {
    let pages = 0;
    for (let after: number | null = 0; after !== null; pages++)
      after = keys.sweep(database.read, unixSeconds(before), after);
    return pages;
  };
  expect(sweep(NOW)).toBe(3);
  expect(file.page(0, 1000)).toHaveLength(450);
  sweep(plusSeconds(NOW, 1));
  expect(file.page(0, 1000)).toHaveLength(50);
  expect(read(ids[420] ?? 0)).toBe(strangers[420]);
  expect(read(keep(strangers[0] ?? '', 'back again'))).toBe('back again');
});

it('a key serves a week, so that what is past its term goes from copies too, and what is not stays', () => {
  const old = keep(ANN, 'long ago');
  const copy = copied();
  const later = plusSeconds(NOW, 7 * 86_400);
  const fresh = database.write((tx) => texts.keep(tx, ANN, 'a week later', later));
  expect([read(old), read(fresh)]).toEqual(['long ago', 'a week later']);
  database.write((tx) => texts.erase(tx, old));
  keys.sweep(database.read, plusSeconds(NOW, 1), 0);
  expect([...copy.read(), read(fresh)]).toEqual([null, 'a week later']);
});

it('a box that was tampered with is not read as something else', () => {
  const id = keep(ANN, 'of Ann');
  database.write((tx) => statement(tx, `UPDATE texts SET box = zeroblob(length(box))`).run());
  expect(() => read(id)).toThrow();
});
