import { migrate, openDatabase, type Database } from '../../src/db/index.ts';
import { unixSeconds } from '../../src/lib/units.ts';

let image: Buffer | undefined;

/** The bytes of a migrated database: the migrations run once in each process, for there are thousands of databases. */
export function migratedDatabase(): Buffer {
  if (image !== undefined) return image;
  const database = openDatabase(':memory:');
  migrate(database, unixSeconds(1_800_000_000), () => {});
  image = database.read.$client.serialize();
  database.close();
  return image;
}

/** A migrated database in memory: the real schema, constraints and triggers. */
export function freshDatabase(): Database {
  return openDatabase(migratedDatabase());
}

/** Lets everything that is ready to run do so: promises that wait for no timer. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
