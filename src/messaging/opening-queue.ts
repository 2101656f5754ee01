import type { Arrival } from '../ports/relays.ts';

type Work = () => Promise<void>;

/** So many live ones, then one that was stored: the backlog goes on beneath any flood. */
const LIVE_BEFORE_STORED = 4;

/** What waits to be opened, of one kind of arrival: each relay has a line of its own and they take turns. */
class Lines {
  readonly #lines = new Map<string, Work[]>();

  add(relay: string, work: Work): void {
    const line = this.#lines.get(relay);
    if (line === undefined) this.#lines.set(relay, [work]);
    else line.push(work);
  }

  /** The oldest of the relay whose turn it is. */
  next(): Work | undefined {
    for (const [relay, line] of this.#lines) {
      const work = line.shift();
      this.#lines.delete(relay);
      if (line.length > 0) this.#lines.set(relay, line);
      return work;
    }
    return undefined;
  }
}

/**
 * Opening costs curve arithmetic, so one event is opened after the other: what is live before what was stored, and
 * relay by relay, so that neither a backlog nor the flood of one relay holds up another's messages. How much waits
 * is bounded where it is read (`MAX_IN_HAND` for each relay).
 */
export class OpeningQueue {
  readonly #lanes: Record<Arrival, Lines> = { live: new Lines(), stored: new Lines() };
  #liveInRow = 0;
  #isRunning = false;

  /** Runs `work` in its turn; settles as it does. */
  run(arrival: Arrival, relay: string, work: Work): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#lanes[arrival].add(relay, () => work().then(resolve, reject));
      if (!this.#isRunning) void this.#go();
    });
  }

  async #go(): Promise<void> {
    this.#isRunning = true;
    for (let work = this.#next(); work !== undefined; work = this.#next()) await work();
    this.#isRunning = false;
  }

  #next(): Work | undefined {
    const { live, stored } = this.#lanes;
    const work = this.#liveInRow < LIVE_BEFORE_STORED ? live.next() : undefined;
    if (work !== undefined) {
      this.#liveInRow += 1;
      return work;
    }
    this.#liveInRow = 0;
    return stored.next() ?? live.next();
  }
}
