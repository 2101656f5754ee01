import type { Activity, ActivityRun } from '../../../src/engine/index.ts';
import type { Shop } from '../../../src/products/_shared/shop.ts';
import type { Reversed } from './states.ts';
import { loadEcho } from './store.ts';

/** The work: here a moment, elsewhere a model or a machine that takes minutes. */
export function echoActivities({ database, texts, clock, settings }: Shop): Readonly<Record<string, Activity>> {
  /** Killed midway: the answer may be kept and its outcome lost; it is an orphan that retention erases, and is made again. */
  const reverse: ActivityRun = (orderId) => {
    const echo = loadEcho(database.read, orderId);
    const request = texts.read(database.read, echo?.requestId ?? null);
    if (echo === undefined || request === null) return Promise.resolve({ failed: 'gone' });
    const result = [...request].reverse().join('');
    if (result === request) return Promise.resolve({ failed: 'palindrome' });
    // Kept before the outcome that names it.
    const resultId = database.write((tx) => texts.keep(tx, echo.owner, result, clock.now()));
    return Promise.resolve({ done: { resultId } satisfies Reversed });
  };
  // The lane is that of all paid work: of one customer so many run at once, whatever the product.
  const lane = { name: 'run', width: settings.LIMIT_RUNNING };
  return { reverse: { pool: 'model', leaseSeconds: 30, maxAttempts: 3, lane, run: reverse } };
}
