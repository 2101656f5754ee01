import { sleep } from '../lib/clock.ts';
import type { Filter } from '../nostr/event.ts';
import { GIFT_WRAP, openDm } from '../nostr/open.ts';
import { isDropped, type OpenedDm } from '../nostr/opened-dm.ts';
import { MAX_BACKDATE_SECONDS } from '../nostr/seal.ts';
import type { Context } from './context.ts';
import { isObject } from './reading.ts';
import { ownRelays } from './ways.ts';

/** Wraps that wait to be opened. What does not fit is asked for again when they are through. */
const MAX_WAITING = 200;
/** Wraps opened at once, and one more each so often: a flood of strangers costs a small part of one processor. */
const BURST = 60;
const REFILL_MS = 40;
/** Ids of wraps that need no second look. */
const MAX_KNOWN = 5_000;
/** Dates of wraps lie up to two days back; an hour more for clocks. */
const LOOKBACK_SECONDS = MAX_BACKDATE_SECONDS + 3_600;

/** Reads what is sent to the node's key: opens each wrap once, hands on what the owner and Timmy wrote, and is silent to all others. */
export class Inbox {
  readonly #context: Context;
  readonly #hear: (dm: OpenedDm) => Promise<void>;
  readonly #known = new Set<string>();
  readonly #waiting: unknown[] = [];
  #missed = false;
  #isAtWork = false;
  #tokens = BURST;
  #refilledAtMs: number;

  /** `hear` is given the owner's and Timmy's messages, as often as they come in different wraps. */
  constructor(context: Context, hear: (dm: OpenedDm) => Promise<void>) {
    this.#context = context;
    this.#hear = hear;
    this.#refilledAtMs = context.clock.monotonicMs();
  }

  /** From now on. */
  start(): void {
    const { relays, node, signer, clock } = this.#context;
    const filter = (): Filter => ({
      kinds: [GIFT_WRAP],
      '#p': [signer.publicKey],
      since: Math.max(0, clock.now() - LOOKBACK_SECONDS),
      limit: 500,
    });
    relays.subscribe(ownRelays(node), filter, (event) => this.#arrived(event));
  }

  #arrived(event: unknown): void {
    const id = isObject(event) ? event['id'] : undefined;
    if (typeof id !== 'string' || this.#known.has(id)) return;
    if (this.#waiting.length >= MAX_WAITING) this.#missed = true;
    else this.#waiting.push(event);
    if (!this.#isAtWork) void this.#work();
  }

  async #work(): Promise<void> {
    const { clock, stop, relays, pace, log } = this.#context;
    this.#isAtWork = true;
    while (!stop.aborted) {
      const event = this.#waiting.shift();
      if (event === undefined) {
        if (!this.#missed) break;
        // More came than fits: what is stored is asked for once more, after a pause.
        this.#missed = false;
        log.warn('inbox.flooded');
        await sleep(clock, pace.lookMs, stop);
        relays.refresh();
        continue;
      }
      await this.#token();
      try {
        await this.#open(event);
      } catch (error) {
        // The disk may be full. The message is not lost: it is stored, and asked for again.
        log.error('inbox.failed', { error: error instanceof Error ? error.name : 'unknown' });
        this.#missed = true;
      }
    }
    this.#isAtWork = false;
  }

  async #open(event: unknown): Promise<void> {
    const { signer, clock, node } = this.#context;
    const dm = await openDm(event, signer, clock.now());
    const id = isDropped(dm) ? dm.verifiedId : dm.wrapId;
    if (id !== undefined && this.#known.has(id)) return;
    if (!isDropped(dm) && (dm.sender === node.owner || dm.sender === node.timmy)) await this.#hear(dm);
    if (id === undefined) return; // a false copy must not hide the true one
    this.#known.add(id);
    for (const oldest of this.#known) {
      if (this.#known.size <= MAX_KNOWN) break;
      this.#known.delete(oldest);
    }
  }

  async #token(): Promise<void> {
    const { clock, stop } = this.#context;
    for (;;) {
      const now = clock.monotonicMs();
      const fresh = Math.floor((now - this.#refilledAtMs) / REFILL_MS);
      this.#tokens = Math.min(BURST, this.#tokens + fresh);
      this.#refilledAtMs += fresh * REFILL_MS;
      if (this.#tokens > 0 || stop.aborted) break;
      await sleep(clock, REFILL_MS, stop);
    }
    this.#tokens -= 1;
  }
}
