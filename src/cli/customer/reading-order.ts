import type { Cancel, Clock } from '../../lib/clock.ts';

interface Dated {
  readonly id: string;
  readonly createdAt: number;
}

/** So long a message waits for an earlier one that a relay hands over later. */
const SETTLE_MS = 150;

/**
 * Hands messages on in the order they were written, each id once. Relays deliver in any order and several deliver
 * the same; nothing is held for longer than `SETTLE_MS` after the last arrival, or while `hold` says so.
 */
export class ReadingOrder<M extends Dated> {
  readonly #clock: Clock;
  readonly #show: (message: M) => void;
  readonly #known = new Set<string>();
  #waiting: M[] = [];
  #held = true;
  #cancel: Cancel | undefined;

  /** Holds everything until `release`: stored messages come newest first. */
  constructor(clock: Clock, show: (message: M) => void) {
    this.#clock = clock;
    this.#show = show;
  }

  /** True when this id is new. */
  claim(id: string): boolean {
    if (this.#known.has(id)) return false;
    this.#known.add(id);
    return true;
  }

  add(message: M): void {
    this.#waiting.push(message);
    if (!this.#held) this.#flushSoon();
  }

  release(): void {
    this.#held = false;
    this.flush();
  }

  flush(): void {
    this.#cancel?.();
    const ready = this.#waiting.sort((a, b) => a.createdAt - b.createdAt);
    this.#waiting = [];
    for (const message of ready) this.#show(message);
  }

  #flushSoon(): void {
    this.#cancel?.();
    this.#cancel = this.#clock.after(SETTLE_MS, () => this.flush());
  }
}
