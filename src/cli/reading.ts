import { existsSync } from 'node:fs';
import type { Settings } from '../config/index.ts';
import { dataDir, knownMigrations, openDatabase, type Database } from '../db/index.ts';
import { ConfigError } from '../lib/errors.ts';
import { settingsOf } from './customer/address-options.ts';
import type { Cli } from './run.ts';

/**
 * Opens the database of this configuration, beside a running daemon or without one, runs `work` and closes it.
 * @throws ConfigError when there is none, or it is not of this version.
 */
export async function withDatabase<T>(
  cli: Cli,
  work: (database: Database, settings: Settings) => T | Promise<T>,
): Promise<T> {
  const settings = settingsOf(cli);
  const { databaseFile } = dataDir(settings.TIMMY_DATA_DIR);
  if (!existsSync(databaseFile)) {
    throw new ConfigError([
      `There is no database in TIMMY_DATA_DIR ${settings.TIMMY_DATA_DIR}: start timmy once, or set TIMMY_DATA_DIR`,
    ]);
  }
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
