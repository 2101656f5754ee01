/** The one file that remembers everything: opening it, its transactions, its migrations. */
export { openDatabase, statement, type Database, type Reader, type Tx } from './database.ts';
export { tellNews } from './news.ts';
export { unlessRefused } from './savepoint.ts';
export { migrate, knownMigrations } from './migrate.ts';
export { daemonOf, dataDir, prepareDataDir, lockDataDir, type DataDir } from './data-dir.ts';
export { readFact, keepFact, dropFact, type FactName } from './facts.ts';
