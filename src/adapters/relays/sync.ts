import type { Cancel, Clock } from '../../lib/clock.ts';
import type { Filter } from '../../nostr/event.ts';
import type { Link, Reading } from './link.ts';
import type { RefusalKind } from './refusals.ts';
import type { Delivery } from './relay-message.ts';

/** How long a relay may say nothing on a REQ before we go on without its EOSE. */
const EOSE_TIMEOUT_MS = 15_000;
/** A page this long may have been cut within one second of `created_at`. */
const CLAMPED_PAGE = 100;
const MAX_PAGES = 2_000;
/** Stored events asked for at a time: what comes now waits behind so many of them at most. */
const PAGE = 200;

/** `complete`: all that the relay had is durable. `incomplete`: ask again later. Else why the relay refused. */
export type SyncEnd = 'complete' | 'incomplete' | RefusalKind;

export interface SyncOptions {
  readonly link: Link;
  readonly clock: Clock;
  /** With `since`. */
  readonly filter: Filter;
  /** True when the event is durable. Never rejects. */
  take(event: unknown): Promise<boolean>;
  /** New events arrive from now on: its first EOSE came, or is not worth waiting for any longer. */
  onLive(): void;
  /** The stored events are through, or never will be. Once. */
  onEnd(end: SyncEnd): void;
  /** The relay ended the subscription after it was live. */
  onCut(why: RefusalKind): void;
}

/** One page of stored events, newest first. */
interface Page {
  readonly until: number | null;
  readonly durable: Promise<boolean>[];
  fresh: number;
  count: number;
  oldest: number | null;
  idsAtOldest: Set<string>;
}

/**
 * One standing subscription on one connection: subscribes, then pages back through what the relay had stored.
 * Relays answer a REQ with some hundred events at most and do not say so, hence the next REQ begins at the oldest
 * date seen (inclusive, for more may share that second) until a page brings nothing new.
 */
export function startSync(options: SyncOptions): { stop(): void } {
  const { link, clock, filter } = options;
  let phase: 'first' | 'older' | 'ended' | 'stopped' = 'first';
  let isLive = false;
  let pages = 0;
  let cancelTimer: Cancel = () => {};
  let lastWord = clock.monotonicMs();
  let older: { stop(): void } = { stop() {} };
  const firstPage = newPage(null);

  const live = link.read(
    { ...filter, limit: PAGE },
    {
      onEvent(delivery) {
        const durable = take(delivery);
        if (phase === 'first') add(firstPage, null, delivery, durable);
      },
      onEose() {
        if (phase === 'first') goLive();
        if (phase === 'first') void pageEnded(firstPage);
      },
      onClosed(why) {
        if (phase === 'stopped') return;
        if (isLive) {
          if (phase !== 'ended') end('incomplete');
          options.onCut(why);
        } else end(why);
      },
    },
  );
  cancelTimer = clock.after(EOSE_TIMEOUT_MS, watchSilence);

  function heard(): void {
    lastWord = clock.monotonicMs();
  }

  function take(delivery: Delivery): Promise<boolean> {
    heard();
    const durable = options.take(delivery.event);
    // While we are the slow ones, the relay's silence is ours.
    void durable.then(heard);
    return durable;
  }

  /** Ends the wait for an EOSE once the relay has been silent on this for long enough. */
  function watchSilence(): void {
    const silentMs = clock.monotonicMs() - lastWord;
    if (silentMs < EOSE_TIMEOUT_MS) {
      cancelTimer = clock.after(EOSE_TIMEOUT_MS - silentMs, watchSilence);
      return;
    }
    if (link.state() === 'ready') goLive();
    end('incomplete');
  }

  function goLive(): void {
    if (isLive) return;
    isLive = true;
    options.onLive();
  }

  function end(how: SyncEnd): void {
    if (phase === 'ended' || phase === 'stopped') return;
    phase = 'ended';
    cancelTimer();
    older.stop();
    options.onEnd(how);
  }

  async function pageEnded(page: Page): Promise<void> {
    phase = 'older';
    cancelTimer();
    const durable = await Promise.all(page.durable);
    if (phase !== 'older') return;
    if (!durable.every(Boolean)) return end('incomplete');
    if (++pages >= MAX_PAGES) return end('incomplete');
    const until = nextUntil(page, filter.since ?? 0);
    if (until === null) return end('complete');
    heard();
    cancelTimer = clock.after(EOSE_TIMEOUT_MS, watchSilence);
    readOlder(until, page);
  }

  function readOlder(until: number, before: Page): void {
    const page = newPage(until);
    const reading: Reading = {
      onEvent(delivery) {
        add(page, before, delivery, take(delivery));
      },
      onEose() {
        older.stop();
        if (phase === 'older') void pageEnded(page);
      },
      onClosed: () => end('incomplete'),
    };
    older = link.read({ ...filter, until, limit: PAGE }, reading);
  }

  return {
    stop() {
      phase = 'stopped';
      cancelTimer();
      older.stop();
      live.stop();
    },
  };
}

function newPage(until: number | null): Page {
  return { until, durable: [], fresh: 0, count: 0, oldest: null, idsAtOldest: new Set() };
}

function add(page: Page, before: Page | null, { id, createdAt }: Delivery, durable: Promise<boolean>): void {
  page.durable.push(durable);
  page.count += 1;
  if (createdAt !== before?.oldest || !before.idsAtOldest.has(id)) page.fresh += 1;
  if (page.oldest === null || createdAt < page.oldest) {
    page.oldest = createdAt;
    // What the page before had of this second counts as seen as well.
    page.idsAtOldest = new Set(before?.oldest === createdAt ? before.idsAtOldest : []);
  }
  if (createdAt === page.oldest) page.idsAtOldest.add(id);
}

/** Where the next page begins, or null when there is none. */
function nextUntil(page: Page, since: number): number | null {
  if (page.oldest === null) return null;
  if (page.fresh > 0) return page.oldest;
  // A whole page of one second, all known: what is older can only be reached by stepping over that second.
  return page.count >= CLAMPED_PAGE && page.oldest > since ? page.oldest - 1 : null;
}
