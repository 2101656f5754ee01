import { migrate, openDatabase, type Database } from '../../src/db/index.ts';
import { unixSeconds } from '../../src/lib/units.ts';

/** A migrated database in memory: the real schema, constraints and triggers. */
export function freshDatabase(): Database {
  const database = openDatabase(':memory:');
  migrate(database, unixSeconds(1_800_000_000), () => {});
  return database;
}

/** Lets everything that is ready to run do so: promises that wait for no timer. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
