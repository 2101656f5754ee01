import type { Clock } from '../../lib/clock.ts';
import type { Filter, NostrEvent } from '../../nostr/event.ts';
import { verifyEvent } from '../../nostr/verify.ts';
import type { Link } from './link.ts';
import type { RefusalKind } from './refusals.ts';

const MAX_EVENTS = 500;
/** Forged ones count as well: each costs a verification. */
const MAX_DELIVERIES = 1_000;
const EOSE_TIMEOUT_MS = 15_000;
const MAX_TAGS = 2_000;

export interface Collected {
  readonly events: readonly NostrEvent[];
  /** Null: the relay told all it has. */
  readonly refusal: RefusalKind | 'timeout' | null;
}

/** The stored events of one relay, verified, each once, until its EOSE, 15 s or `signal`. Never rejects. */
export function collect(link: Link, filter: Filter, clock: Clock, signal: AbortSignal): Promise<Collected> {
  return new Promise((resolve) => {
    const events = new Map<string, NostrEvent>();
    let deliveries = 0;
    const finish = (refusal: Collected['refusal']): void => {
      cancel();
      signal.removeEventListener('abort', late);
      reading.stop();
      resolve({ events: [...events.values()], refusal });
    };
    const late = (): void => finish('timeout');
    const cancel = clock.after(EOSE_TIMEOUT_MS, late);
    const reading = link.read(filter, {
      onEvent(delivery) {
        deliveries += 1;
        // A forged copy must not hide the true one: an id counts as known only after it was verified.
        const event = events.has(delivery.id) ? null : verifyEvent(delivery.event, MAX_TAGS);
        if (event !== null) events.set(event.id, event);
        if (events.size >= MAX_EVENTS || deliveries >= MAX_DELIVERIES) finish(null);
      },
      onEose: () => finish(null),
      onClosed: (why) => finish(why),
    });
    signal.addEventListener('abort', late, { once: true });
    if (signal.aborted) late();
  });
}
