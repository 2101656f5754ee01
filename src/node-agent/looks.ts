import { createBell } from './bell.ts';
import type { Context } from './context.ts';
import { sendCredentials } from './credentials.ts';
import { lettersToOwner } from './letters.ts';
import { newsFor } from './news.ts';
import type { Services, Snapshot } from './services/services.ts';
import type { Reports } from './timmy.ts';
import { ailmentsOf, nowUp, Watch, type Trouble } from './watch.ts';

export interface Look {
  readonly snapshot: Snapshot;
  readonly trouble: readonly Trouble[];
}

/** Looks at the node now and again, and tells the owner what is new and Timmy how it is. */
export class Looks {
  readonly #context: Context;
  readonly #services: Services;
  readonly #reports: Reports;
  readonly #onLetter: () => void;
  readonly #watch: Watch;
  readonly #bell;
  #trouble: readonly Trouble[];

  constructor(context: Context, services: Services, reports: Reports, onLetter: () => void) {
    this.#context = context;
    this.#services = services;
    this.#reports = reports;
    this.#onLetter = onLetter;
    this.#watch = new Watch(context.state.now.told.trouble);
    this.#trouble = [...this.#watch.now];
    this.#bell = createBell(context.clock, context.stop);
  }

  /** As it is at this moment; the trouble as of the last look in turn. */
  async fresh(): Promise<Look> {
    return { snapshot: await this.#services.look(), trouble: this.#trouble };
  }

  /** Does not wait for the next look in turn. */
  wake(): void {
    this.#bell.ring();
  }

  /** Until the agent ends. */
  async run(): Promise<void> {
    const { pace, stop, log } = this.#context;
    while (!stop.aborted) {
      try {
        await this.#look();
      } catch (error) {
        // The disk may be full, for one: the next look may find room.
        log.error('look.failed', { error: error instanceof Error ? error.name : 'unknown' });
      }
      await this.#bell.wait(pace.lookMs);
    }
  }

  async #look(): Promise<void> {
    const { turns, state, node, reach } = this.#context;
    const snapshot = await this.#services.look();
    await turns(async () => {
      if (await sendCredentials(this.#context)) this.#onLetter();
      const { everUp, told, credentials } = state.now;
      const ailments = ailmentsOf(snapshot, { everUp, isSetUp: credentials.sha256 !== null, was: this.#trouble });
      this.#trouble = this.#watch.after(ailments);
      const news = newsFor(node, told, snapshot, this.#trouble);
      const up = nowUp(everUp, snapshot);
      if (news.texts.length === 0 && JSON.stringify(up) === JSON.stringify(everUp)) return;
      const letters = await lettersToOwner(this.#context, news.texts);
      state.change(() => ({ ...letters, told: news.told, everUp: up }));
      reach('news.kept');
      this.#onLetter();
    });
    await this.#reports.after(snapshot, this.#trouble);
  }
}
