import { backoffMs } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { randomInt, type Rng } from '../../lib/rng.ts';

/** After a connection that served us: nearly at once, spread a little so that a relay's clients do not return in step. */
const AT_ONCE_MS = 50;
const AT_ONCE_SPREAD_MS = 200;
/** Returns at once are rationed: so many in a row, then one for each `REFILL_MS`. */
const BURST = 5;
const REFILL_MS = 3_000;
const FIRST_MS = 500;
/**
 * The longest wait, less its quarter of jitter, while a relay of ours cannot be reached: a relay that is back has
 * us within 5 s. Over six hours that is some 6,000 calls, each refused within a packet or two.
 */
const NEAR_MS = 3_500;
const NEAR_FOR_MS = 6 * 3_600_000;
/** The longest wait for a relay that has been away for longer, or that answers and will not have us. */
const FAR_MS = 60_000;

/** How long to wait before the next connection to one relay that we live on. */
export class Reconnect {
  readonly #clock: Clock;
  readonly #rng: Rng;
  #failures = 0;
  #awaySinceMs: number | null = null;
  #tokens = BURST;
  #refilledMs: number;

  constructor(clock: Clock, rng: Rng) {
    this.#clock = clock;
    this.#rng = rng;
    this.#refilledMs = clock.monotonicMs();
  }

  /** Connections in a row that never came to be subscribed. */
  get failures(): number {
    return this.#failures;
  }

  /** The connection serves: whatever went before is over. */
  succeeded(): void {
    this.#failures = 0;
    this.#awaySinceMs = null;
  }

  /** Milliseconds to wait after a connection ended. `unwelcome`: the relay answers, and refuses our key. */
  next(ended: { readonly served: boolean; readonly unwelcome: boolean }): number {
    if (ended.served) return this.#atOnce();
    const now = this.#clock.monotonicMs();
    this.#failures += 1;
    this.#awaySinceMs ??= now;
    const isNear = !ended.unwelcome && now - this.#awaySinceMs < NEAR_FOR_MS;
    return backoffMs(this.#failures, FIRST_MS, isNear ? NEAR_MS : FAR_MS, this.#rng);
  }

  #atOnce(): number {
    const now = this.#clock.monotonicMs();
    const refill = Math.floor((now - this.#refilledMs) / REFILL_MS);
    if (refill > 0) {
      this.#tokens = Math.min(BURST, this.#tokens + refill);
      this.#refilledMs += refill * REFILL_MS;
    }
    const spread = AT_ONCE_MS + randomInt(this.#rng, AT_ONCE_SPREAD_MS);
    // Below nothing, it is a token of the future.
    this.#tokens -= 1;
    return this.#tokens >= 0 ? spread : this.#refilledMs - this.#tokens * REFILL_MS - now + spread;
  }
}
