import { existsSync, statSync } from 'node:fs';
import { loadSettings, type Settings } from '../config/index.ts';
import {
  daemonOf,
  dataDir,
  knownMigrations,
  openDatabase,
  statement,
  type Database,
  type Reader,
} from '../db/index.ts';
import { ConfigError } from '../lib/errors.ts';
import { relayStates } from '../messaging/index.ts';
import { UsageError, type Cli } from './run.ts';

/**
 * Opens the database of this configuration, beside a running daemon or without one, runs `work` and closes it.
 * @throws ConfigError when there is none, or it is not of this version.
 */
export async function withDatabase<T>(
  cli: Cli,
  work: (database: Database, settings: Settings) => T | Promise<T>,
): Promise<T> {
  const settings = loadSettings({ env: cli.env, cwd: cli.cwd, readOnly: true });
  const { databaseFile } = dataDir(settings.TIMMY_DATA_DIR);
  if (!isThere(databaseFile)) throw new ConfigError([noDatabase(settings.TIMMY_DATA_DIR)]);
  const database = openDatabase(databaseFile);
  try {
    const exists = database.read.$client.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'schema_migrations'`).get();
    const applied =
      exists === undefined
        ? 0
        : (database.read.$client.prepare('SELECT count(*) AS n FROM schema_migrations').get() as { n: number }).n;
    if (applied !== knownMigrations().length) {
      throw new ConfigError([
        'The database is of another version than this timmy: start it once with this version first',
      ]);
    }
    return await work(database, settings);
  } finally {
    database.close();
  }
}

/** Where the unit keeps its data (`timmy.service`). */
const OF_THE_UNIT = '/var/lib/timmy';

/** @throws what the system says when it cannot be looked at, such as EACCES: that is not the same as absent. */
export function isThere(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** What to do where there is no database. */
export function noDatabase(directory: string): string {
  const unit =
    existsSync(OF_THE_UNIT) && directory !== OF_THE_UNIT ? ` (an installed Timmy has it in ${OF_THE_UNIT})` : '';
  return `There is no database in TIMMY_DATA_DIR ${directory}: start timmy once, or set TIMMY_DATA_DIR${unit}`;
}

/** The relays that the daemon of this data directory reads, as it told; none where it does not run. */
export function relaysOfDaemon(directory: string): readonly string[] {
  const dir = dataDir(directory);
  if (!isThere(dir.databaseFile) || daemonOf(dir) === null) return [];
  const database = openDatabase(dir.databaseFile);
  try {
    return relayStates(database.read).map(({ url }) => url);
  } finally {
    database.close();
  }
}

/** A table for people: columns padded, no lines. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Unix seconds as people read them, UTC. */
export function when(at: number | null): string {
  return at === null ? '-' : new Date(at * 1000).toISOString().slice(0, 19).replace('T', ' ');
}

/** Msats as sats, with the thousandths where there are any. */
export function showMsats(amount: bigint): string {
  const sign = amount < 0n ? '-' : '';
  const whole = amount < 0n ? -amount : amount;
  const rest = whole % 1000n;
  return `${sign}${whole / 1000n}${rest === 0n ? '' : `.${rest.toString().padStart(3, '0')}`}`;
}

/** The payment hash that a person means: whole, or so many of its first characters that it is the only one. */
export function findHash(reader: Reader, table: 'invoices' | 'payouts', written: string): string {
  const start = written.trim().toLowerCase();
  if (!/^[0-9a-f]{6,64}$/.test(start))
    throw new UsageError('HASH is a payment hash, or at least its first 6 characters');
  const sql = `SELECT payment_hash AS hash FROM ${table} WHERE payment_hash >= @start AND payment_hash < @start || 'g' LIMIT 2`;
  const rows = statement(reader, sql).all({ start }) as { hash: string }[];
  const [found, another] = rows;
  const what = table === 'invoices' ? 'invoice' : 'payout';
  if (found === undefined) throw new UsageError(`There is no ${what} of ours with the payment hash ${start}.`);
  if (another !== undefined) throw new UsageError(`Several payment hashes begin so: give more of it.`);
  return found.hash;
}

/** A number of rows that a person asked for. */
export function limitOf(written: string): number {
  const limit = Number(written);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw new UsageError('--limit takes a number from 1 to 1000');
  return limit;
}
