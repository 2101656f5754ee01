import type { Arrival } from '../../ports/relays.ts';

/** Events handed on and not yet durable, at most; above it the relay's socket is not read. */
export const MAX_IN_HAND = 64;

export interface IntakeOptions {
  /** May reject: then the event is not durable. */
  handle(event: unknown, arrival: Arrival): Promise<void>;
  /** More has come than may be in hand: stop reading. */
  onFull(): void;
  /** Everything that waited is in hand: read on. */
  onRoom(): void;
}

interface Item {
  readonly event: unknown;
  readonly arrival: Arrival;
  readonly done: (durable: boolean) => void;
}

/** Hands events on, a bounded number at a time, what is live first, and knows when each is durable. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #waiting: Record<Arrival, Item[]> = { live: [], stored: [] };
  #inHand = 0;
  #isClosed = false;
  #idle: (() => void)[] = [];

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Resolves to true when the event is durable, to false when it is not and must be fetched again. Never rejects. */
  take(event: unknown, arrival: Arrival): Promise<boolean> {
    if (this.#isClosed) return Promise.resolve(false);
    return new Promise((done) => {
      this.#waiting[arrival].push({ event, arrival, done });
      if (this.#inHand >= MAX_IN_HAND) this.#options.onFull();
      else this.#next();
    });
  }

  /** Hands nothing more on; resolves when nothing is in hand any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const { live, stored } = this.#waiting;
    for (const { done } of [...live.splice(0), ...stored.splice(0)]) done(false);
    if (this.#inHand > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #next(): void {
    const item = this.#waiting.live.shift() ?? this.#waiting.stored.shift();
    if (item === undefined) return;
    this.#inHand += 1;
    void this.#handle(item).then((durable) => {
      this.#inHand -= 1;
      item.done(durable);
      const wasFull = this.#isAnyWaiting();
      this.#next();
      if (wasFull && !this.#isAnyWaiting()) this.#options.onRoom();
      if (this.#inHand === 0) for (const resolve of this.#idle.splice(0)) resolve();
    });
  }

  #isAnyWaiting(): boolean {
    return this.#waiting.live.length + this.#waiting.stored.length > 0;
  }

  async #handle({ event, arrival }: Item): Promise<boolean> {
    try {
      await this.#options.handle(event, arrival);
      return true;
    } catch {
      return false;
    }
  }
}
