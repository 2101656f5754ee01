import type { Cancel, Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';

/** Away for less is a hiccup, and no news. */
const OUTAGE_AFTER_MS = 10_000;

/** Says in the log that a relay of ours is lost and that it is back: once each for an outage, however many tries it takes. */
export class Outage {
  readonly #relay: string;
  readonly #clock: Clock;
  readonly #log: Log;
  #sinceMs: number | null = null;
  #isSaid = false;
  #why = 'connecting';
  #cancel: Cancel = () => {};

  constructor(relay: string, clock: Clock, log: Log) {
    this.#relay = relay;
    this.#clock = clock;
    this.#log = log;
  }

  /** Not subscribed (any more). */
  began(): void {
    if (this.#sinceMs !== null) return;
    this.#sinceMs = this.#clock.monotonicMs();
    this.#cancel = this.#clock.after(OUTAGE_AFTER_MS, () => {
      this.#isSaid = true;
      this.#log.info('relay.lost', { relay: this.#relay, why: this.#why, seconds: OUTAGE_AFTER_MS / 1000 });
    });
  }

  /** The newest reason why it lasts: a code, never a relay's own words. */
  because(why: string): void {
    this.#why = why;
  }

  ended(): void {
    this.#cancel();
    if (this.#isSaid && this.#sinceMs !== null) {
      const seconds = Math.round((this.#clock.monotonicMs() - this.#sinceMs) / 1000);
      this.#log.info('relay.back', { relay: this.#relay, seconds });
    }
    this.#sinceMs = null;
    this.#isSaid = false;
    this.#why = 'unreachable';
  }

  stop(): void {
    this.#cancel();
  }
}
