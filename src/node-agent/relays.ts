import type { Cancel } from '../lib/clock.ts';
import type { Filter, NostrEvent } from '../nostr/event.ts';
import { RelayLink, type Answer, type LinkDeps } from './relay-link.ts';

/** Sockets at most: where we read, where the owner and Timmy read. */
const MAX_LINKS = 20;
/** A relay that we only write to is let go after so long without need of it. */
const IDLE_MS = 120_000;

/** The relays that the agent talks to. */
export class Relays {
  readonly #deps: LinkDeps;
  readonly #links = new Map<string, { readonly link: RelayLink; isKept: boolean; cancelIdle: Cancel }>();

  constructor(deps: LinkDeps) {
    this.#deps = deps;
  }

  /** Offers `event` to each of `urls` at once. Never rejects. */
  async publish(event: NostrEvent, urls: readonly string[]): Promise<ReadonlyMap<string, Answer>> {
    const answers = await Promise.all(
      urls.map(async (url): Promise<[string, Answer]> => [url, (await this.#link(url)?.publish(event)) ?? 'silent']),
    );
    return new Map(answers);
  }

  /** What `urls` have stored for `filter`, unverified; a relay that does not answer has nothing. Never rejects. */
  async query(filter: Filter, urls: readonly string[]): Promise<readonly unknown[]> {
    const found = await Promise.all(urls.map(async (url) => this.#link(url)?.query(filter)));
    return found.flatMap((events) => events ?? []);
  }

  /** Reads `urls` for good. Replaces nothing: called once for each relay. */
  subscribe(urls: readonly string[], filter: () => Filter, onEvent: (event: unknown) => void): void {
    for (const url of urls) {
      const link = this.#link(url);
      const entry = this.#links.get(url);
      if (link === null || entry === undefined) continue;
      entry.isKept = true;
      link.subscribe(filter, onEvent);
    }
  }

  /** Asks again for what is stored for us. */
  refresh(): void {
    for (const { link, isKept } of this.#links.values()) if (isKept) link.refresh();
  }

  /** How many of those that we read are there. */
  connected(): { readonly of: number; readonly up: number } {
    const kept = [...this.#links.values()].filter(({ isKept }) => isKept);
    return { of: kept.length, up: kept.filter(({ link }) => link.isConnected).length };
  }

  close(): void {
    for (const { link, cancelIdle } of this.#links.values()) {
      cancelIdle();
      link.close();
    }
    this.#links.clear();
  }

  #link(url: string): RelayLink | null {
    const known = this.#links.get(url);
    if (known === undefined && this.#links.size >= MAX_LINKS) return null;
    const entry = known ?? { link: new RelayLink(url, this.#deps), isKept: false, cancelIdle: () => {} };
    this.#links.set(url, entry);
    entry.cancelIdle();
    entry.cancelIdle = this.#deps.clock.after(IDLE_MS, () => {
      if (entry.isKept || this.#links.get(url) !== entry) return;
      this.#links.delete(url);
      entry.link.close();
    });
    return entry.link;
  }
}
