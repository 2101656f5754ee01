import { statement, type Database, type Tx } from '../db/index.ts';

/** Remembered at most: what is older has left the look-back, or somebody paid dearly for so many signatures. */
export const MAX_DROPPED = 100_000;
/** Written together: one junk wrap must not cost us a write to the disk. */
const BATCH = 64;

/**
 * Wraps that were verified and were worth nothing, so that they cost their arithmetic once and not at every
 * reconnect. Only ids whose signature was true come here: a forgery must not hide the genuine event.
 */
export class DroppedWraps {
  readonly #database: Database;
  readonly #unwritten = new Set<string>();

  constructor(database: Database) {
    this.#database = database;
  }

  has(id: string): boolean {
    if (this.#unwritten.has(id)) return true;
    return statement(this.#database.read, 'SELECT 1 FROM dropped_wraps WHERE id = ?').get(id) !== undefined;
  }

  /** Killed midway, or lost by a power cut: those are opened once more. */
  note(id: string): void {
    this.#unwritten.add(id);
    if (this.#unwritten.size >= BATCH) this.#flush();
  }

  #flush(): void {
    if (this.#unwritten.size === 0) return;
    const ids = [...this.#unwritten];
    // Forgotten first: where nothing can be written, this may not grow instead.
    this.#unwritten.clear();
    this.#database.writeUnsynced((tx) => keep(tx, ids));
  }
}

function keep(tx: Tx, ids: Iterable<string>): void {
  const insert = statement(tx, 'INSERT INTO dropped_wraps (id) VALUES (?) ON CONFLICT DO NOTHING');
  for (const id of ids) insert.run(id);
  statement(tx, 'DELETE FROM dropped_wraps WHERE seq <= (SELECT max(seq) FROM dropped_wraps) - ?').run(MAX_DROPPED);
}
