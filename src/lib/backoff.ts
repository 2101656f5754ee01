import { randomInt, type Rng } from './rng.ts';

/**
 * How long to wait before try number `attempt` (1 = after the first failure): doubling from `firstMs` to at
 * most `maxMs`, with up to a quarter of jitter so that many clients do not return in step. Milliseconds.
 */
export function backoffMs(attempt: number, firstMs: number, maxMs: number, rng: Rng): number {
  const base = Math.min(maxMs, firstMs * 2 ** Math.min(30, Math.max(0, attempt - 1)));
  return Math.round(base * (0.75 + randomInt(rng, 501) / 1000));
}
