import type { Clock } from '../../lib/clock.ts';
import type { Filter } from '../../nostr/event.ts';
import type { Link } from './link.ts';
import type { Arrival } from '../../ports/relays.ts';
import type { Detour } from './poison.ts';
import type { RefusalKind } from './refusals.ts';
import { startSync, type SyncEnd } from './sync.ts';

/** These pass by themselves; any other refusal stands until it is asked again much later. */
const PASSING: ReadonlySet<SyncEnd> = new Set<SyncEnd>(['incomplete', 'rate-limited', 'error', 'lost']);

export type RoundResult = 'synced' | 'incomplete' | RefusalKind;

export interface RoundOptions {
  readonly link: Link;
  readonly clock: Clock;
  readonly wishes: readonly { readonly filter: Filter; readonly detour: Detour | null }[];
  take(event: unknown, arrival: Arrival): Promise<boolean>;
  /** Every subscription is live or refused, and at least one is live. */
  onSubscribed(): void;
  /** Once. `synced`: what was subscribed is durable, and nothing is missing but what the relay refuses for good. */
  onResult(result: RoundResult): void;
  /** A live subscription ended. */
  onCut(why: RefusalKind): void;
}

export interface SyncRound {
  stop(): void;
}

/** All standing subscriptions of one connection, synced side by side. */
export function startSyncRound(options: RoundOptions): SyncRound {
  const ends: SyncEnd[] = [];
  let live = 0;
  let isStopped = false;

  function settle(): void {
    const refused = ends.filter((end) => end !== 'complete' && end !== 'incomplete').length;
    if (live + refused < options.wishes.length) return;
    if (live > 0) options.onSubscribed();
  }

  const syncs = options.wishes.map(({ filter, detour }) => {
    let wasLive = false;
    return startSync({
      link: options.link,
      clock: options.clock,
      filter,
      detour,
      take: (event, arrival) => options.take(event, arrival),
      onLive() {
        if (isStopped) return;
        wasLive = true;
        live += 1;
        settle();
      },
      onEnd(end) {
        if (isStopped) return;
        ends.push(wasLive && end !== 'complete' ? 'incomplete' : end);
        if (!wasLive) settle();
        if (ends.length === options.wishes.length) options.onResult(resultOf(ends));
      },
      onCut(why) {
        if (!isStopped) options.onCut(why);
      },
    });
  });

  return {
    stop() {
      isStopped = true;
      for (const sync of syncs) sync.stop();
    },
  };
}

function resultOf(ends: readonly SyncEnd[]): RoundResult {
  const passing = ends.find((end) => PASSING.has(end));
  if (passing !== undefined) return passing === 'complete' ? 'incomplete' : passing;
  if (ends.includes('complete')) return 'synced';
  return ends.find((end) => end !== 'complete') ?? 'synced';
}
