import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../test/builders/fresh-database.ts';
import type { Database } from '../db/index.ts';
import { FACES } from './catalogue.ts';

const SRC = fileURLToPath(new URL('..', import.meta.url));
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => /(?<!\.test)\.ts$/.test(file));

let database: Database;
beforeAll(() => (database = freshDatabase()));
afterAll(() => database.close());

describe('what is sold', () => {
  it('has letters, kinds, plurals and tables of its own', () => {
    for (const name of ['prefix', 'kind', 'plural', 'table'] as const)
      expect(new Set(FACES.map((face) => face[name])).size).toBe(FACES.length);
  });

  it.each(FACES)(
    '$plural: the table has the columns and indexes that every product has',
    ({ table, states, listed }) => {
      const { $client } = database.read;
      const columns = $client.prepare(`SELECT name FROM pragma_table_info(?)`).pluck().all(table);
      expect(columns).toEqual(
        expect.arrayContaining(['id', 'seq', 'state', 'owner', 'dialect', 'created_at', 'updated_at']),
      );
      const indexes = $client.prepare(`SELECT name FROM pragma_index_list(?)`).pluck().all(table) as string[];
      const indexed = indexes.map((name) =>
        $client.prepare(`SELECT name FROM pragma_index_info(?) ORDER BY seqno`).pluck().all(name),
      );
      expect(indexed).toContainEqual(['state']);
      if (listed) expect(indexed).toContainEqual(['owner', 'created_at']);
      else expect(indexed.map(([first]) => first)).toContain('owner');
      expect(states.open).toEqual(expect.arrayContaining([...states.atWork]));
      expect(states.open.filter((state) => states.unpaidEnds.includes(state))).toEqual([]);
    },
  );

  it.each(FACES)('$plural: nobody else reads the table or names the account', ({ kind, table }) => {
    const names = new RegExp(`(?:FROM|JOIN|INTO|UPDATE) ${table}\\b|'${kind}:`, 'i');
    const readers = files.filter((file) => names.test(readFileSync(join(SRC, file), 'utf8')));
    const folders = new Set(readers.map((file) => file.split('/').slice(0, 2).join('/')));
    expect([...folders].filter((folder) => !folder.startsWith('products/'))).toEqual([]);
    expect(folders.size).toBeLessThanOrEqual(1);
  });
});
