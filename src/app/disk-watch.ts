import { closeSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { dropFact, keepFact, readFact, type Database, type Tx } from '../db/index.ts';
import { sleep, type Cancel, type Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';

/** Free bytes on the disk of the data directory. A port, so that a test can fill it. */
export type FreeBytes = () => number;

export const freeBytesOf =
  (directory: string): FreeBytes =>
  () => {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  };

export interface DiskWatchOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly freeBytes: FreeBytes;
  /** `DISK_FLOOR_MB`. */
  readonly floorMb: number;
  readonly alert: (tx: Tx, what: string) => void;
}

export interface DiskWatch {
  start(): void;
  /** Is there room for what strangers send? */
  hasRoom(): boolean;
  stop(): void;
}

const LOOK_MS = 10_000;
/** It counts as well again only a tenth above the floor: no flapping. */
const WELL_AGAIN = 1.1;

/**
 * Under the floor nothing is sold and no message taken in (relays keep them); money is seen, paid work done and
 * delivered. It ends by itself.
 */
export function watchDisk(options: DiskWatchOptions): DiskWatch {
  const { database, clock, log, freeBytes, floorMb, alert } = options;
  let isLow = false;
  let cancel: Cancel = () => {};

  function look(): void {
    const freeMb = Math.floor(freeBytes() / 1e6);
    const was = isLow;
    isLow = freeMb < (was ? floorMb * WELL_AGAIN : floorMb);
    if (isLow === was) return;
    log[isLow ? 'warn' : 'info'](isLow ? 'disk.low' : 'disk.well', { free_mb: freeMb, floor_mb: floorMb });
    database.write((tx) => {
      if (isLow) keepFact(tx, 'disk_low', String(clock.now()));
      else dropFact(tx, 'disk_low');
      const what = isLow
        ? `The disk has ${freeMb} MB left, less than DISK_FLOOR_MB (${floorMb}): nothing is sold and no message taken in until there is more.`
        : `The disk has ${freeMb} MB free again: sales and messages go on.`;
      alert(tx, what);
    });
  }

  function poll(): void {
    cancel = clock.after(LOOK_MS, () => {
      look();
      poll();
    });
  }

  return {
    start: () => {
      isLow = readFact(database.read, 'disk_low') !== null;
      look();
      poll();
    },
    hasRoom: () => !isLow,
    stop: () => cancel(),
  };
}

const PROBE_BYTES = 1_000_000;
const TRY_AGAIN_MS = 5_000;

/**
 * Waits, at start, until something can be written in this directory: a full disk must not make us begin and end again
 * and again. Says so once.
 */
export async function roomToWrite(directory: string, clock: Clock, log: Log): Promise<void> {
  for (let isSaid = false; !canWrite(directory); await sleep(clock, TRY_AGAIN_MS)) {
    if (!isSaid)
      log.error('disk.full', { note: 'waiting until there is room: free some space on the disk of TIMMY_DATA_DIR' });
    isSaid = true;
  }
}

/** @throws whatever is not for want of room. */
function canWrite(directory: string): boolean {
  const file = join(directory, '.room');
  try {
    const probe = openSync(file, 'w', 0o600);
    try {
      writeSync(probe, Buffer.alloc(PROBE_BYTES));
      fsyncSync(probe);
    } finally {
      closeSync(probe);
    }
    return true;
  } catch (error) {
    if (['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  } finally {
    rmSync(file, { force: true });
  }
}
