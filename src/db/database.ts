import Sqlite from 'better-sqlite3';
import { drizzle, type BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import { takeNews, type News } from './news.ts';

declare const insideTransaction: unique symbol;

/** What store functions that only read take: the query builder, and `$client` for prepared SQL on hot paths. */
export type Reader = BetterSQLite3Database<Record<string, never>> & { readonly $client: Sqlite.Database };

/**
 * What store functions that write take. It exists only inside `Database.write`, so a function that asks for a `Tx`
 * cannot run outside a transaction; and as the transaction is synchronous, such a function is never `async`.
 */
export type Tx = Reader & { readonly [insideTransaction]: true };

export interface Database {
  readonly read: Reader;
  /**
   * Runs `work` in one immediate transaction: all of it is durable (WAL, synchronous=FULL) when this returns, or
   * none of it happened and the error is passed on.
   */
  write<T>(work: (tx: Tx) => T): T;
  /**
   * The same without waiting for the disk: the next `write` makes it durable with what it writes itself. Until then a
   * kill of the process loses nothing of it, a power cut may. For what is merely done again when it is lost.
   *
   * @throws inside another transaction.
   */
  writeUnsynced<T>(work: (tx: Tx) => T): T;
  /** Who hears what transactions did (`tellNews`), each time after one is durable. */
  onNews(listener: (news: News) => void): void;
  /**
   * Moves the WAL into the file; `TRUNCATE` also empties it (after erasing, and at the end). Waits for nobody.
   *
   * @returns false where somebody else reads or writes just now, and not all of it was done.
   */
  checkpoint(mode: 'PASSIVE' | 'TRUNCATE'): boolean;
  close(): void;
}

/** So long a command line that writes is waited for. */
const BUSY_MS = 5000;

/**
 * Opens (or creates) the file; `':memory:'`, or the bytes of a database to have a copy of in memory, is for tests. Does
 * not migrate. @throws when the pragmas do not hold.
 */
export function openDatabase(path: string | Buffer): Database {
  const sqlite = new Sqlite(path, { timeout: BUSY_MS });
  sqlite.pragma('journal_mode = WAL');
  // better-sqlite3 builds SQLite with WAL default NORMAL, whose commits a power cut undoes.
  sqlite.pragma('synchronous = FULL');
  sqlite.pragma('foreign_keys = ON');
  // Erased texts must not linger in free pages, where the file still shows them.
  sqlite.pragma('secure_delete = ON');
  sqlite.pragma('trusted_schema = OFF');
  const expected: readonly (readonly [string, unknown])[] = [
    ['synchronous', 2],
    ['foreign_keys', 1],
    ['secure_delete', 1],
  ];
  for (const [name, value] of expected) {
    if (sqlite.pragma(name, { simple: true }) !== value) throw new Error(`the database does not keep ${name}`);
  }
  if (typeof path === 'string' && path !== ':memory:' && sqlite.pragma('journal_mode', { simple: true }) !== 'wal') {
    throw new Error('the database does not keep journal_mode');
  }
  const read = drizzle(sqlite) as unknown as Reader;
  const transaction = sqlite.transaction((work: (tx: Tx) => unknown) => work(read as Tx));
  let listener: (news: News) => void = () => {};
  const run = (work: (tx: Tx) => unknown): unknown => {
    if (sqlite.inTransaction) return transaction.immediate(work);
    try {
      const result = transaction.immediate(work);
      takeNews(read).forEach((news) => listener(news));
      return result;
    } catch (error) {
      takeNews(read);
      throw error;
    }
  };
  return {
    read,
    write: <T>(work: (tx: Tx) => T): T => run(work) as T,
    onNews: (hears) => (listener = hears),
    writeUnsynced: <T>(work: (tx: Tx) => T): T => {
      // Inside a transaction SQLite would ignore the pragma, and the whole of it would go by the outer one.
      if (sqlite.inTransaction) throw new Error('writeUnsynced inside a transaction');
      sqlite.pragma('synchronous = NORMAL');
      try {
        return run(work) as T;
      } finally {
        sqlite.pragma('synchronous = FULL');
      }
    },
    checkpoint: (mode) => {
      sqlite.pragma('busy_timeout = 0');
      try {
        const [row] = sqlite.pragma(`wal_checkpoint(${mode})`) as { busy: number }[];
        return row?.busy === 0;
      } finally {
        sqlite.pragma(`busy_timeout = ${BUSY_MS}`);
      }
    },
    close: () => void sqlite.close(),
  };
}

const prepared = new WeakMap<Sqlite.Database, Map<string, Sqlite.Statement>>();

/** A prepared statement, made once for each connection: the query builder costs as much as all the crypto of a DM. */
export function statement(reader: Reader, sql: string): Sqlite.Statement {
  let known = prepared.get(reader.$client);
  if (known === undefined) prepared.set(reader.$client, (known = new Map<string, Sqlite.Statement>()));
  let found = known.get(sql);
  if (found === undefined) known.set(sql, (found = reader.$client.prepare(sql)));
  return found;
}
