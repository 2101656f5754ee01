import { statement, type Database } from '../db/index.ts';
import type { Clock } from '../lib/clock.ts';

/** Ids are written down so many at a time, or after so long. */
const AT_ONCE = 100;
const WITHIN_MS = 500;

/**
 * Remembers genuine wraps that open to nothing, so that they cost their arithmetic once and not at every connection.
 * Without waiting for the disk: what is forgotten in a crash is merely opened again.
 */
export function rememberJunk(database: Database, clock: Clock): { add(id: string): void; has(id: string): boolean } {
  const unwritten = new Set<string>();

  function write(): void {
    const ids = [...unwritten];
    unwritten.clear();
    const now = clock.now();
    database.writeUnsynced((tx) => {
      for (const id of ids)
        statement(tx, 'INSERT INTO seen_wraps (id, at, worthless) VALUES (?, ?, 1) ON CONFLICT DO NOTHING').run(
          id,
          now,
        );
    });
  }

  return {
    has: (id) => unwritten.has(id),
    add: (id) => {
      unwritten.add(id);
      if (unwritten.size >= AT_ONCE) write();
      else if (unwritten.size === 1) clock.after(WITHIN_MS, () => unwritten.size > 0 && database.isOpen() && write());
    },
  };
}
