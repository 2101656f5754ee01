import type { Cancel, Clock } from '../../lib/clock.ts';
import type { Filter } from '../../nostr/event.ts';
import type { Link, Reading } from './link.ts';
import type { Arrival } from '../../ports/relays.ts';
import type { Detour, Window } from './poison.ts';
import type { RefusalKind } from './refusals.ts';
import type { Delivery } from './relay-message.ts';

/** How long a relay may say nothing on a REQ before we go on without its EOSE. */
const EOSE_TIMEOUT_MS = 15_000;
/** A page this long may have been cut within one second of `created_at`. */
const CLAMPED_PAGE = 100;
const MAX_PAGES = 2_000;
/** Asked for at once, so that what is live never waits behind more than this. Relays mostly send less. */
const FIRST_PAGE = 200;
const PAGE = 500;

/** `complete`: all that the relay had is durable. `incomplete`: ask again later. Else why the relay refused. */
export type SyncEnd = 'complete' | 'incomplete' | RefusalKind;

export interface SyncOptions {
  readonly link: Link;
  readonly clock: Clock;
  /** With `since`. */
  readonly filter: Filter;
  /** True when the event is durable. Never rejects. */
  take(event: unknown, arrival: Arrival): Promise<boolean>;
  /** Something stored there would cut the connection: how to read around it. Null: nothing is known of such. */
  readonly detour: Detour | null;
  /** New events arrive from now on: its first EOSE came, or is not worth waiting for any longer. */
  onLive(): void;
  /** The stored events are through, or never will be. Once. */
  onEnd(end: SyncEnd): void;
  /** The relay ended the subscription after it was live. */
  onCut(why: RefusalKind): void;
}

/** One page of stored events, newest first. */
interface Page {
  readonly durable: Promise<boolean>[];
  fresh: number;
  count: number;
  oldest: number | null;
  idsAtOldest: Set<string>;
}

/** A stretch of dates; `until` null: up to now and beyond. */
type Span = Window | { readonly from: number; readonly until: null };

/**
 * One standing subscription on one connection: subscribes, then pages back through what the relay had stored.
 * Relays answer a REQ with some hundred events at most and do not say so, hence the next REQ begins at the oldest
 * date seen (inclusive, for more may share that second) until a page brings nothing new.
 */
export function startSync(options: SyncOptions): { stop(): void } {
  const { link, clock, filter, detour } = options;
  let phase: 'first' | 'older' | 'ended' | 'stopped' = 'first';
  let isLive = false;
  let pages = 0;
  let cancelTimer: Cancel = () => {};
  let lastWord = clock.monotonicMs();
  let older: { stop(): void } = { stop() {} };
  const firstPage = newPage();
  const windows: Span[] = detour === null ? [{ from: filter.since ?? 0, until: null }] : [...detour.windows()];
  let window: Span | null = detour === null ? (windows.shift() ?? null) : null;

  const live = link.read(liveFilter(filter, detour, clock.now()), {
    onEvent(delivery) {
      const durable = take(delivery, phase === 'first' ? 'stored' : 'live');
      if (phase === 'first' && detour === null) add(firstPage, null, delivery, durable);
    },
    onEose() {
      if (phase === 'first') goLive();
      if (phase !== 'first') return;
      if (detour === null) void pageEnded(firstPage);
      else nextWindow();
    },
    onClosed(why) {
      if (phase === 'stopped') return;
      if (isLive) {
        if (phase !== 'ended') end('incomplete');
        options.onCut(why);
      } else end(why);
    },
  });
  cancelTimer = clock.after(EOSE_TIMEOUT_MS, watchSilence);

  function heard(): void {
    lastWord = clock.monotonicMs();
  }

  function take(delivery: Delivery, arrival: Arrival): Promise<boolean> {
    heard();
    const durable = options.take(delivery.event, arrival);
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
    const until = nextUntil(page, window?.from ?? 0);
    if (until === null) return nextWindow();
    readOlder(until, page);
  }

  /** What was asked for is through: on to the next stretch, if there is one. */
  function nextWindow(): void {
    phase = 'older';
    if (window !== null && window.until !== null) detour?.read(window);
    window = windows.shift() ?? null;
    if (window === null) return end('complete');
    readOlder(window.until, null);
  }

  function readOlder(until: number | null, before: Page | null): void {
    cancelTimer();
    heard();
    cancelTimer = clock.after(EOSE_TIMEOUT_MS, watchSilence);
    const page = newPage();
    const from = window?.from ?? filter.since ?? 0;
    if (window !== null && window.until !== null) detour?.reading(window);
    const reading: Reading = {
      onEvent(delivery) {
        add(page, before, delivery, take(delivery, 'stored'));
      },
      onEose() {
        older.stop();
        if (phase === 'older') void pageEnded(page);
      },
      onClosed: () => end('incomplete'),
    };
    older = link.read({ ...filter, since: from, ...(until === null ? {} : { until }), limit: PAGE }, reading);
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

/** What is subscribed for good: with the first page of what is stored, or without any of it. */
function liveFilter(filter: Filter, detour: Detour | null, now: number): Filter {
  if (detour === null) return { ...filter, limit: FIRST_PAGE };
  return detour.live === 'limit-0' ? { ...filter, limit: 0 } : { ...filter, since: now, limit: 1 };
}

function newPage(): Page {
  return { durable: [], fresh: 0, count: 0, oldest: null, idsAtOldest: new Set() };
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
