import type { TextKeys } from '../customers/index.ts';
import type { Database, Tx } from '../db/index.ts';
import { sleep, type Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { plusSeconds, unixSeconds } from '../lib/units.ts';
import type { ProductFace } from '../engine/index.ts';
import type { Broken } from '../ledger/index.ts';
import { schedule, type TaskKind } from '../tasks/index.ts';
import { prune } from './prune.ts';

export interface HousekeepingOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly retentionDays: number;
  readonly keys: Pick<TextKeys, 'sweep'>;
  readonly faces: readonly ProductFace[];
  /** Reads the books against every invariant; `rest` lets others work. */
  readonly verify: (rest: () => Promise<void>) => Promise<readonly Broken[]>;
  /** What each look at the books came to: closes, opens, tells and has mended what is late. */
  readonly onVerified: (tx: Tx, broken: readonly Broken[]) => void;
}

const HOUR = 3600;
const WHILE_CLOSED = 600;
/** What was left to prune is taken up again. */
const TO_GO_ON = 60;
/**
 * Keys that no text names go after so long. Where an older copy of the database was put back, texts since then are
 * missing from it: so long they could be read again, were the newer one put back after all. Seconds.
 */
const UNUSED_KEYS = 7 * 86_400;
/** The books are read so long at a time: who writes to us meanwhile does not notice. */
const SLICE_MS = 10;
export const HOUSEKEEPING_KEY = 'housekeeping';

/**
 * Hourly: erases what is past its time and reads the books against every invariant.
 *
 * Killed midway: some of it is erased, the rest by the next run; of what the look at the books came to, nothing is noted.
 */
export function housekeepingTask(options: HousekeepingOptions): TaskKind<Record<string, never>> {
  const { clock, log } = options;
  return {
    kind: 'housekeeping',
    pool: 'housekeeping',
    leaseSeconds: 120,
    maxAttempts: Infinity,
    run: async (_task, signal) => {
      const rest = restAfter(SLICE_MS, clock, signal);
      const broken = await options.verify(rest);
      for (const { kind, invariant, row } of broken)
        if (kind === 'late') log.warn('ledger.late', { invariant, row });
        else log.error('ledger.broken', { kind, invariant, row });
      const isPruned = await prune(options, rest);
      await sweepKeys(options, rest);
      return (tx: Tx) => {
        const now = clock.now();
        options.onVerified(tx, broken);
        // What keeps us closed is looked at again soon: it may have been mended meanwhile.
        const untilNext = broken.some(({ kind }) => kind !== 'late') ? WHILE_CLOSED : HOUR;
        const dueAt = plusSeconds(now, isPruned ? untilNext : TO_GO_ON);
        schedule(tx, { kind: 'housekeeping', payload: {}, key: HOUSEKEEPING_KEY, dueAt, now });
      };
    },
  };
}

async function sweepKeys({ database, clock, keys }: HousekeepingOptions, rest: () => Promise<void>): Promise<void> {
  const before = unixSeconds(clock.now() - UNUSED_KEYS);
  for (let after: number | null = 0; after !== null;) {
    after = keys.sweep(database.read, before, after);
    await rest();
  }
}

/** Lets others work when we have worked for so long. @throws when `signal` fires. */
function restAfter(sliceMs: number, clock: Clock, signal: AbortSignal): () => Promise<void> {
  let began = clock.monotonicMs();
  return async () => {
    if (clock.monotonicMs() - began < sliceMs) return;
    await sleep(clock, 1, signal);
    signal.throwIfAborted();
    began = clock.monotonicMs();
  };
}
