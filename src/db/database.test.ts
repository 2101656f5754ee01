import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type Database, type Reader } from './database.ts';

let database: Database;
beforeEach(() => {
  database = openDatabase(':memory:');
  database.write((tx) => tx.$client.exec('CREATE TABLE notes (text)'));
});
afterEach(() => database.close());

const add = (tx: Reader, text: string): unknown => tx.$client.prepare('INSERT INTO notes VALUES (?)').run(text);
const notes = (): unknown[] => database.read.$client.prepare('SELECT text FROM notes').pluck().all();
const synchronous = (reader: Reader): unknown => reader.$client.pragma('synchronous', { simple: true });

describe('writeUnsynced', () => {
  it('writes all or nothing, waits for no disk itself, and leaves the next write to wait for it', () => {
    expect(database.writeUnsynced((tx) => (add(tx, 'one'), synchronous(tx)))).toBe(1);
    expect(() =>
      database.writeUnsynced((tx) => {
        add(tx, 'two');
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(database.write((tx) => (add(tx, 'three'), synchronous(tx)))).toBe(2);
    expect(notes()).toEqual(['one', 'three']);
  });

  it('is refused inside a transaction, which may have to be durable', () => {
    expect(() => database.write(() => database.writeUnsynced((tx) => add(tx, 'one')))).toThrow(/inside a transaction/);
    expect(notes()).toEqual([]);
  });
});
