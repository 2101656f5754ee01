import { existsSync } from 'node:fs';
import {
  areTextsSealedAnew,
  createLocalKeySealer,
  openKeyFile,
  openTextKeys,
  sealOldTextsAnew,
  type TextKeys,
} from '../customers/index.ts';
import { statement, type DataDir, type Database } from '../db/index.ts';
import type { Clock } from '../lib/clock.ts';
import { ConfigError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Rng } from '../lib/rng.ts';
import type { Secret } from '../lib/secret.ts';

/**
 * The keys of texts, from the file beside the database; texts of a version before them are sealed anew first.
 *
 * @throws ConfigError where the file is not the one of this database.
 */
export async function openKeys(parts: {
  readonly dir: DataDir;
  readonly database: Database;
  readonly secretKey: Secret<Uint8Array>;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
}): Promise<TextKeys> {
  const { dir, database, secretKey, clock, rng, log } = parts;
  // An empty file says that they are lost, and that a person knows.
  if (!existsSync(dir.keysFile) && hasTextsUnderKeys(database)) {
    throw new ConfigError([
      `The keys of this database's texts are missing: ${dir.keysFile}. Put it back; it belongs to every copy of timmy.db, always the newest. Where it is lost for good so are the texts, nothing else: make an empty file of that name and start again`,
    ]);
  }
  const file = openKeyFile(dir.keysFile, rng);
  try {
    const keys = await openTextKeys(file, createLocalKeySealer(secretKey, rng), rng);
    if (!areTextsSealedAnew(database.read)) {
      const sealed = sealOldTextsAnew(database, dir.databaseFile, { keys, secretKey, rng, now: clock.now() });
      if (sealed > 0) log.info('texts.sealed_anew', { texts: sealed });
    }
    return keys;
  } catch (error) {
    file.close();
    throw error;
  }
}

function hasTextsUnderKeys({ read }: Database): boolean {
  return statement(read, 'SELECT 1 FROM texts WHERE key_id IS NOT NULL LIMIT 1').get() !== undefined;
}
