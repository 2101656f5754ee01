import { sleep, withTimeout, type Clock } from '../../lib/clock.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import type { PublishResult, Relays } from '../../ports/relays.ts';

export interface Delivery {
  /** Relays that have it. */
  readonly accepted: readonly string[];
  /** The others, with their reason. */
  readonly refused: readonly { readonly relay: string; readonly why: string }[];
}

const ANSWER_MS = 10_000;
const TRIES = 3;

/** Publishes one event to each relay, the same bytes again where the answer was lost or is "later". Never rejects. */
export async function deliver(
  relays: Relays,
  urls: readonly string[],
  event: NostrEvent,
  clock: Clock,
): Promise<Delivery> {
  const results = await Promise.all(
    urls.map(async (relay) => ({ relay, result: await publishPatiently(relays, relay, event, clock) })),
  );
  return {
    accepted: results.filter(({ result }) => result.outcome === 'accepted').map(({ relay }) => relay),
    refused: results
      .filter(({ result }) => result.outcome !== 'accepted')
      .map(({ relay, result }) => ({ relay, why: 'why' in result ? result.why : result.outcome })),
  };
}

async function publishPatiently(relays: Relays, url: string, event: NostrEvent, clock: Clock): Promise<PublishResult> {
  for (let attempt = 1; ; attempt++) {
    const { signal, done } = withTimeout(clock, ANSWER_MS);
    const result = await relays.publish(url, event, signal);
    done();
    if (result.outcome === 'accepted' || result.outcome === 'refused' || attempt === TRIES) return result;
    await sleep(clock, 500 * attempt);
  }
}
