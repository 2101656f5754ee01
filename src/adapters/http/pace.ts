import type { Clock } from '../../lib/clock.ts';
import { OutsideError } from '../../lib/errors.ts';

/** Who goes first when calls have to wait: payouts, then the invoices of who asks for few, then all else. */
export type Urgency = 'payment' | 'first' | 'other';

const ORDER: readonly Urgency[] = ['payment', 'first', 'other'];

interface Waiting {
  readonly go: () => void;
}

/**
 * Keeps us under a server's limit (a 429 does nothing but costs a turn): so many calls a second on average, `burst` at
 * once after a quiet time. `turn` resolves when a call may leave. `who` begins the message of its error.
 */
export class Pace {
  readonly #who: string;
  readonly #clock: Clock;
  readonly #gapMs: number;
  readonly #burst: number;
  readonly #queues: Record<Urgency, Waiting[]> = { payment: [], first: [], other: [] };
  #tokens: number;
  #filledAtMs: number;
  #timerSet = false;

  constructor(who: string, clock: Clock, perSecond: number, burst = 20) {
    this.#who = who;
    this.#clock = clock;
    this.#gapMs = 1000 / perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#filledAtMs = clock.monotonicMs();
  }

  /** @throws OutsideError `unavailable` when `signal` fires first: then nothing has left. */
  turn(urgency: Urgency, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const queue = this.#queues[urgency];
      const giveUp = (): void => {
        queue.splice(queue.indexOf(waiting), 1);
        reject(new OutsideError('unavailable', `${this.#who}.queue`, { cause: signal.reason }));
      };
      const waiting: Waiting = {
        go: () => {
          signal.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      queue.push(waiting);
      if (signal.aborted) return giveUp();
      signal.addEventListener('abort', giveUp, { once: true });
      this.#release();
    });
  }

  #release(): void {
    const now = this.#clock.monotonicMs();
    const gained = Math.floor((now - this.#filledAtMs) / this.#gapMs);
    if (gained > 0) {
      this.#tokens = Math.min(this.#burst, this.#tokens + gained);
      this.#filledAtMs += gained * this.#gapMs;
    }
    while (this.#tokens > 0) {
      const next = this.#next();
      if (next === undefined) return;
      this.#tokens -= 1;
      next.go();
    }
    if (this.#timerSet || ORDER.every((urgency) => this.#queues[urgency].length === 0)) return;
    this.#timerSet = true;
    this.#clock.after(Math.max(1, Math.ceil(this.#filledAtMs + this.#gapMs - now)), () => {
      this.#timerSet = false;
      this.#release();
    });
  }

  #next(): Waiting | undefined {
    for (const urgency of ORDER) {
      const next = this.#queues[urgency].shift();
      if (next !== undefined) return next;
    }
    return undefined;
  }
}
