import type { Clock } from '../lib/clock.ts';

/** Looks at the wallet for a customer's word, a minute: for one npub, and for all together. */
const OF_ONE = 10;
const OF_ALL = 120;
const MINUTE_MS = 60_000;

/** Whether the wallet is asked because a customer says so: a share for each npub, and a total. In memory: fairness only. */
export interface LookShare {
  /** One look for this key; false: not now, its invoice is watched anyway. */
  take(pubkey: string): boolean;
}

export function createLookShare(clock: Clock): LookShare {
  let begunAt = clock.monotonicMs();
  let all = 0;
  const taken = new Map<string, number>();
  return {
    take: (pubkey) => {
      const now = clock.monotonicMs();
      if (now - begunAt >= MINUTE_MS) {
        begunAt = now;
        all = 0;
        taken.clear();
      }
      const own = taken.get(pubkey) ?? 0;
      if (own >= OF_ONE || all >= OF_ALL) return false;
      // As many keys as looks: bounded by the total.
      taken.set(pubkey, own + 1);
      all += 1;
      return true;
    },
  };
}
