/** Dates of stored events, seconds, both ends included. */
export interface Window {
  readonly from: number;
  readonly until: number;
}

/** How to read what a relay has stored when one of its events would cut the connection. */
export interface Detour {
  /** The live subscription asks for nothing that is stored: by `limit: 0`, or, where a relay does not heed that, by its dates. */
  readonly live: 'limit-0' | 'from-now';
  /** Newest first. Each is asked for by itself. */
  windows(): readonly Window[];
  reading(window: Window): void;
  read(window: Window): void;
}

/** Events may be dated this far ahead of us: relays take little more. */
const AHEAD_SECONDS = 86_400;
/** Seconds remembered as poisoned, at most. */
const MAX_SKIPPED = 1_000;
/** Cuts that we accept in a row for the sake of the backlog, and how soon each is made good. */
const CUT_BURST = 80;
const CUT_REFILL_MS = 30_000;

/**
 * What one subscription knows of a relay that keeps an event for us which is too large to be read (it cuts the
 * connection each time that it is sent). The look-back is halved around it until it is alone in its second; that
 * second is never asked for again on this relay.
 */
export class PoisonedBacklog {
  #skipped = new Set<number>();
  /** What is still to be read; null when a round must read all of it. */
  #open: Window[] | null = null;
  #reading: Window | null = null;
  #isKnown = false;
  #isWhole = true;
  #live: Detour['live'] = 'limit-0';
  #cuts = CUT_BURST;
  #refilledMs = 0;

  /** True when the last round left out what was read before it: then another one must follow, or something is missed. */
  get isPartial(): boolean {
    return this.#isKnown && !this.#isWhole;
  }

  /** The relay does not heed our limit: what is dated back reaches us by rounds alone, and these must be frequent. */
  get isHalfDeaf(): boolean {
    return this.#isKnown && this.#live === 'from-now';
  }

  /** The way around, for a round that asks for everything since `since`; null when nothing is in the way. */
  begin(since: number, now: number, nowMs: number): Detour | null {
    if (!this.#isKnown) return null;
    this.#refill(nowMs);
    const isGivenUp = this.#cuts <= 0;
    for (const second of this.#skipped) if (second < since) this.#skipped.delete(second);
    this.#isWhole = this.#open === null && !isGivenUp;
    if (this.#open === null && this.#skipped.size === 0) {
      this.#isKnown = false;
      this.#live = 'limit-0';
      return null;
    }
    this.#open ??= around(this.#skipped, { from: since, until: now + AHEAD_SECONDS });
    this.#reading = null;
    return {
      live: this.#live,
      // So often cut that the backlog has to wait: live messages come all the same.
      windows: () => (isGivenUp ? [] : [...(this.#open ?? [])]),
      reading: (window) => void (this.#reading = window),
      read: (window) => this.#done(window),
    };
  }

  /** The connection was cut by an event over the size, while everything since `since` was asked for. */
  cut(since: number, now: number, nowMs: number, wasLive: boolean): void {
    this.#refill(nowMs);
    this.#cuts -= 1;
    const window = this.#reading;
    this.#reading = null;
    if (!this.#isKnown) {
      this.#isKnown = true;
      this.#open = [{ from: since, until: now + AHEAD_SECONDS }];
      return;
    }
    if (window === null || this.#open === null) {
      // It came on the live subscription: as it was sent, or because the relay does not heed our limit.
      if (!wasLive) this.#live = 'from-now';
      return;
    }
    this.#open = this.#open.flatMap((other) => (other === window ? this.#halved(other) : [other]));
  }

  #halved({ from, until }: Window): readonly Window[] {
    if (from === until) {
      if (this.#skipped.size < MAX_SKIPPED) this.#skipped.add(from);
      return [];
    }
    const middle = Math.floor((from + until) / 2);
    return [
      { from: middle + 1, until },
      { from, until: middle },
    ];
  }

  #done(window: Window): void {
    this.#reading = null;
    const left = (this.#open ?? []).filter((other) => other !== window);
    this.#open = left.length > 0 ? left : null;
  }

  #refill(nowMs: number): void {
    const refill = Math.floor((nowMs - this.#refilledMs) / CUT_REFILL_MS);
    if (refill <= 0) return;
    this.#cuts = Math.min(CUT_BURST, this.#cuts + refill);
    this.#refilledMs += refill * CUT_REFILL_MS;
  }
}

/** `whole` without these seconds, newest first. */
function around(skipped: ReadonlySet<number>, whole: Window): Window[] {
  const windows: Window[] = [];
  let { until } = whole;
  for (const second of [...skipped].sort((a, b) => b - a)) {
    if (second > until || second < whole.from) continue;
    if (second < until) windows.push({ from: second + 1, until });
    until = second - 1;
  }
  if (until >= whole.from) windows.push({ from: whole.from, until });
  return windows;
}
