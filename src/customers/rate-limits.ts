import type { Clock } from '../lib/clock.ts';

export interface RateSettings {
  readonly LIMIT_COMMANDS_PER_SECOND: number;
  readonly LIMIT_COMMANDS_BURST: number;
}

/** `silent`: they were told already; nothing is said until `retry_after` has passed. */
export type RateVerdict =
  { readonly pass: true } | { readonly pass: false; readonly retryAfter: number; readonly silent: boolean };

/** How fast one key may talk to us. Fairness only, in memory: everything free is also bounded globally. */
export interface RateLimits {
  /** One command of this key, counted after duplicates were dropped. `retryAfter` in seconds. */
  takeCommand(pubkey: string): RateVerdict;
}

interface Bucket {
  tokens: number;
  at: number;
  mutedUntil: number;
}

/** Keys remembered at a time; the least recently seen is forgotten, which only ever favours a stranger. */
const MAX_KEYS = 20_000;

export function createRateLimits(clock: Clock, settings: RateSettings): RateLimits {
  const commands = new Map<string, Bucket>();

  function refill(buckets: Map<string, Bucket>, pubkey: string, perSecond: number, burst: number): Bucket {
    const now = clock.monotonicMs() / 1000;
    const known = buckets.get(pubkey) ?? { tokens: burst, at: now, mutedUntil: 0 };
    known.tokens = Math.min(burst, known.tokens + (now - known.at) * perSecond);
    known.at = now;
    buckets.delete(pubkey);
    buckets.set(pubkey, known);
    if (buckets.size > MAX_KEYS) buckets.delete(buckets.keys().next().value ?? pubkey);
    return known;
  }

  return {
    takeCommand: (pubkey) => {
      const perSecond = settings.LIMIT_COMMANDS_PER_SECOND;
      const bucket = refill(commands, pubkey, perSecond, settings.LIMIT_COMMANDS_BURST);
      if (bucket.at < bucket.mutedUntil) {
        return { pass: false, retryAfter: Math.ceil(bucket.mutedUntil - bucket.at), silent: true };
      }
      if (bucket.tokens >= 1) {
        bucket.tokens -= 1;
        return { pass: true };
      }
      const retryAfter = Math.max(1, Math.ceil((1 - bucket.tokens) / perSecond));
      bucket.mutedUntil = bucket.at + retryAfter;
      return { pass: false, retryAfter, silent: false };
    },
  };
}
