import { sleep, type Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { Rng } from '../../lib/rng.ts';
import type { Secret } from '../../lib/secret.ts';
import { plusSeconds, unixSeconds, type UnixSeconds } from '../../lib/units.ts';
import { createLocalSigner } from '../../nostr/local-signer.ts';
import { GIFT_WRAP, openDm } from '../../nostr/open.ts';
import { LEGACY_DM, openLegacyDm } from '../../nostr/open-legacy.ts';
import { isDropped } from '../../nostr/opened-dm.ts';
import { MAX_BACKDATE_SECONDS } from '../../nostr/seal.ts';
import type { Signer } from '../../nostr/signer.ts';
import type { Relays } from '../../ports/relays.ts';
import { addressOf, announce, chooseInbox } from './addresses.ts';
import { composeDm, type DmProtocol } from './compose.ts';
import { deliver, type Delivery } from './deliver.ts';
import { ReadingOrder } from './reading-order.ts';

export interface CustomerOptions {
  readonly secretKey: Secret<Uint8Array>;
  /** Where to read, and where to write to those whose own relays are not known. At least one; normalised. */
  readonly relays: readonly string[];
  /** More relays to look for relay lists on. With none, everything goes to `relays` and nothing is looked up. */
  readonly discoveryRelays?: readonly string[];
  /** The relay connections, for this key; not yet started. Closed by `close`. */
  readonly connect: (signer: Signer) => Relays;
  /** A relay list that this key has already is left as it is (and read from): somebody else's client made it. */
  readonly keepRelayList?: boolean;
  /** Stored messages written before are not shown. Default: the moment of opening. */
  readonly showSince?: UnixSeconds;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  /** Each message once, in the order written. */
  readonly onMessage: (message: ReceivedDm) => void;
}

export interface ReceivedDm {
  /** The message's own id (rumor id; of a kind 4 the event's). */
  readonly id: string;
  /** Proven sender, hex. */
  readonly from: string;
  readonly text: string;
  readonly createdAt: UnixSeconds;
  readonly replyTo: string | null;
  readonly protocol: 'nip17' | 'nip04';
}

export interface SentDm extends Delivery {
  readonly id: string;
  readonly createdAt: UnixSeconds;
}

/** A customer of Timmy's: reads and writes direct messages as any Nostr client does. */
export interface Customer {
  /** Hex. */
  readonly publicKey: string;
  /** Sends one message and resolves when the relays have answered; `accepted` is empty when none took it. */
  send(recipient: string, text: string, protocol?: DmProtocol): Promise<SentDm>;
  /** Shows what is still held back and disconnects. */
  close(): Promise<void>;
}

const FIRST_RELAY_MS = 10_000;
/** The other relays' time after the first one is there. */
const OTHER_RELAYS_MS = 1_500;

/**
 * Connects, subscribes, and says where it can be written to (kinds 10050 and 10002), so that `send` cannot be
 * answered before somebody listens. @throws Error when no relay can be read within ten seconds.
 */
export async function openCustomer(options: CustomerOptions): Promise<Customer> {
  const { clock, rng, log } = options;
  const signer = createLocalSigner(options.secretKey, rng);
  const relays = options.connect(signer);
  const inbox = await chooseInbox(options, relays, signer.publicKey);
  const order = new ReadingOrder<ReceivedDm>(clock, options.onMessage);
  const showSince = options.showSince ?? clock.now();
  const synced = new Set<string>();
  const arrival = new EventTarget();

  const onEvent = async (event: unknown, relay: string): Promise<void> => {
    const stored = !synced.has(relay);
    const legacy = (event as { kind?: unknown } | null)?.kind === LEGACY_DM;
    const dm = await (legacy ? openLegacyDm : openDm)(event, signer, clock.now());
    if (isDropped(dm)) return log.debug('customer.dropped', { why: dm.dropped });
    if (!order.claim(dm.rumorId) || dm.kind === 7 || dm.kind === 5) return;
    if (stored && dm.createdAt < showSince) return;
    const { rumorId: id, sender: from, content: text, createdAt, replyTo, protocol } = dm;
    order.add({ id, from, text, createdAt, replyTo, protocol });
  };

  relays.start(inbox.urls, subscriptions(signer.publicKey, clock.now()), {
    onEvent,
    highWater: () => null,
    onSynced(relay) {
      synced.add(relay);
      arrival.dispatchEvent(new Event('synced'));
    },
    onState: ({ url, state }) => log.debug('customer.relay', { relay: url, state }),
  });
  await untilSynced(clock, arrival, () => synced.size, inbox.urls.length);
  if (synced.size === 0) {
    await relays.close();
    throw new Error(`no relay could be read: ${inbox.urls.join(', ')}`);
  }
  if (inbox.announce) await announce(options, relays, signer, inbox.urls);
  order.release();

  const addresses = new Map<string, readonly string[]>();
  let lastSent = unixSeconds(0);
  return {
    publicKey: signer.publicKey,
    async send(recipient, text, protocol = 'nip17') {
      let urls = addresses.get(recipient);
      if (urls === undefined) {
        urls = await addressOf(options, relays, recipient);
        addresses.set(recipient, urls);
      }
      // Strictly rising, so that two quick messages keep their order on the other side.
      lastSent = unixSeconds(Math.max(clock.now(), lastSent + 1));
      const { id, event } = await composeDm(
        { recipient, text, protocol, createdAt: lastSent },
        signer,
        rng,
        clock.now(),
      );
      return { id, createdAt: lastSent, ...(await deliver(relays, urls, event, clock)) };
    },
    async close() {
      order.flush();
      await relays.close();
    },
  };
}

function subscriptions(publicKey: string, now: UnixSeconds) {
  const to = { '#p': [publicKey] };
  const recent = { lookbackSeconds: 2 * MAX_BACKDATE_SECONDS };
  // Wraps are dated up to two days back, and relays apply `since` to new ones as well.
  const since = plusSeconds(now, -2 * MAX_BACKDATE_SECONDS);
  return [
    { name: 'wraps', filter: { kinds: [GIFT_WRAP], ...to, since }, ...recent },
    { name: 'legacy', filter: { kinds: [LEGACY_DM], ...to, since }, ...recent },
  ];
}

/** Resolves when every relay is synced, or some are and the others had their time, or none came. */
async function untilSynced(clock: Clock, arrival: EventTarget, count: () => number, all: number): Promise<void> {
  const until = async (enough: () => boolean, ms: number): Promise<void> => {
    const patience = new AbortController();
    const check = (): void => {
      if (enough()) patience.abort();
    };
    arrival.addEventListener('synced', check);
    check();
    await sleep(clock, ms, patience.signal);
    arrival.removeEventListener('synced', check);
  };
  await until(() => count() > 0, FIRST_RELAY_MS);
  if (count() > 0) await until(() => count() >= all, OTHER_RELAYS_MS);
}
