import { backoffMs } from '../lib/backoff.ts';
import type { Context } from './context.ts';
import { createBell } from './bell.ts';
import { namedRelays, waysToOwner } from './ways.ts';

/** One relay that has it is delivered; a second is wished for, this many tries long. */
const AIM = 2;
const TRIES_FOR_SECOND = 4;

interface Trying {
  tries: number;
  dueAtMs: number;
}

/**
 * Brings every letter of the state to relays until one has it.
 * Killed midway: the same bytes are offered again, and the relay says that it has them.
 */
export class Delivery {
  readonly #context: Context;
  readonly #onTaken: () => void;
  readonly #bell;
  readonly #trying = new Map<string, Trying>();

  /** `onTaken` is called when it is kept that a relay has a letter. */
  constructor(context: Context, onTaken: () => void) {
    this.#context = context;
    this.#onTaken = onTaken;
    this.#bell = createBell(context.clock, context.stop);
  }

  /** There is a new letter, or a relay is back. */
  wake(): void {
    this.#bell.ring();
  }

  /** Until the agent ends. */
  async run(): Promise<void> {
    const { state, pace, clock, stop } = this.#context;
    while (!stop.aborted) {
      await this.#round();
      const now = clock.monotonicMs();
      const waits = state.now.letters.map(({ id }) => (this.#trying.get(id)?.dueAtMs ?? now) - now);
      await this.#bell.wait(Math.max(20, Math.min(pace.retryMostMs, ...waits)));
    }
  }

  async #round(): Promise<void> {
    const { state, clock, stop } = this.#context;
    const silent = new Set<string>(); // asked once a round, not for each letter
    for (const { id } of state.now.letters) {
      const trying = this.#trying.get(id) ?? { tries: 0, dueAtMs: 0 };
      if (stop.aborted || trying.dueAtMs > clock.monotonicMs()) continue;
      this.#trying.set(id, trying);
      await this.#offer(id, trying, silent);
    }
    const alive = new Set(state.now.letters.map(({ id }) => id));
    for (const id of this.#trying.keys()) if (!alive.has(id)) this.#trying.delete(id);
  }

  async #offer(id: string, trying: Trying, silent: Set<string>): Promise<void> {
    const { state, relays, turns, node, pace, rng, clock, reach } = this.#context;
    const letter = state.now.letters.find((one) => one.id === id);
    if (letter === undefined) return;
    trying.tries += 1;
    trying.dueAtMs = clock.monotonicMs() + backoffMs(trying.tries, pace.retryFirstMs, pace.retryMostMs, rng);
    const ways = letter.to === 'everybody' ? namedRelays(node) : waysToOwner(node, state.now, trying.tries);
    const left = ways.filter((url) => !silent.has(url) && !letter.takenBy.includes(url));
    reach('letter.offered');
    const answers = await relays.publish(letter.event, left);
    for (const [url, answer] of answers) if (answer === 'silent') silent.add(url);
    const takenBy = [...letter.takenBy, ...left.filter((url) => answers.get(url) === 'taken')];
    reach('letter.taken');
    const aim = letter.to === 'everybody' ? ways.length : Math.min(AIM, ways.length);
    const isEnough = takenBy.length >= aim || trying.tries >= TRIES_FOR_SECOND;
    const isDone = takenBy.length > 0 && isEnough;
    if (!isDone && takenBy.length === letter.takenBy.length) return;
    await turns(async () => {
      state.change(({ letters }) => ({
        letters: letters.flatMap((one) => (one.id !== id ? [one] : isDone ? [] : [{ ...one, takenBy }])),
      }));
    });
    if (letter.takenBy.length === 0) this.#onTaken();
  }
}
