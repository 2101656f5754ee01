import { randomBytes } from 'node:crypto';
import { createRelays } from '../../src/adapters/relays/index.ts';
import { silentLog } from '../../src/lib/log.ts';
import { unixSeconds, type UnixSeconds } from '../../src/lib/units.ts';
import type { NostrEvent } from '../../src/nostr/event.ts';
import { generateSecretKey } from '../../src/nostr/keys.ts';
import { createLocalSigner } from '../../src/nostr/local-signer.ts';
import type { Signer } from '../../src/nostr/signer.ts';
import type { InboxHandlers, Relays, Subscription } from '../../src/ports/relays.ts';
import { createHandClock, type HandClock } from './hand-clock.ts';

const rng = { bytes: (length: number): Uint8Array => randomBytes(length) };

export interface Reader {
  readonly clock: HandClock;
  readonly signer: Signer;
  readonly relays: Relays;
  /** Every event handed on, in order, duplicates included. */
  readonly events: NostrEvent[];
  readonly synced: { readonly relay: string; readonly at: UnixSeconds }[];
  readonly states: string[];
  readonly troubles: string[];
  /** How each of `events` came. */
  readonly arrivals: string[];
  readonly highWater: Map<string, UnixSeconds>;
  /** What is done with an event; replace it to be slow or to fail. */
  handle(event: NostrEvent): Promise<void>;
  start(urls: readonly string[], subscriptions?: readonly Subscription[]): void;
  /** The ids handed on, each once. */
  ids(): ReadonlySet<string>;
  /** Lets the sockets speak until `condition` holds; time stands still. */
  until(condition: () => boolean): Promise<void>;
  /** The same, while time passes: a tenth of a second at a turn, then in longer steps, for the wait is long. */
  passUntil(condition: () => boolean): Promise<void>;
  /** The same, never more than a tenth of a second at a turn: where it counts when. */
  stepUntil(condition: () => boolean): Promise<void>;
  /** Lets `seconds` pass, the sockets speaking all the while. */
  pass(seconds: number, stepMs?: number): Promise<void>;
  close(): Promise<void>;
}

const TURNS = 4_000;
/** One turn of the event loop and a little more: what is on a loopback socket arrives. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/** The real relay connections under a clock that the test moves, writing down all that they say. */
export function createReader(options: { signer?: Signer } = {}): Reader {
  const clock = createHandClock();
  const signer = options.signer ?? createLocalSigner(generateSecretKey(rng), rng);
  const events: NostrEvent[] = [];
  const synced: { relay: string; at: UnixSeconds }[] = [];
  const states: string[] = [];
  const troubles: string[] = [];
  const arrivals: string[] = [];
  const highWater = new Map<string, UnixSeconds>();
  const relays = createRelays({ clock, rng, log: silentLog, signer });
  const handlers: InboxHandlers = {
    async onEvent(event, _relay, arrival) {
      arrivals.push(arrival);
      events.push(event as NostrEvent);
      await reader.handle(event as NostrEvent);
    },
    highWater: (relay) => highWater.get(relay) ?? null,
    onSynced(relay, at) {
      synced.push({ relay, at });
      highWater.set(relay, at);
    },
    onState: (state) => void states.push(state.state),
    onTrouble: (_relay, trouble) => void troubles.push(trouble),
  };
  const wraps: Subscription = {
    name: 'wraps',
    filter: { kinds: [1059], '#p': [signer.publicKey] },
    lookbackSeconds: 3 * 86_400,
  };

  async function turns(condition: () => boolean, each: (turn: number) => void): Promise<void> {
    for (let i = 0; i < TURNS; i++) {
      if (condition()) return;
      await turn();
      each(i);
    }
    throw new Error(`never: ${condition.toString()}`);
  }

  const reader: Reader = {
    clock,
    signer,
    relays,
    events,
    synced,
    states,
    troubles,
    arrivals,
    highWater,
    handle: async () => {},
    start: (urls, subscriptions = [wraps]) => relays.start(urls, subscriptions, handlers),
    ids: () => new Set(events.map((event) => event.id)),
    until: (condition) => turns(condition, () => {}),
    passUntil: (condition) => turns(condition, (i) => clock.advance(Math.min(20_000, Math.round(100 * 1.05 ** i)))),
    stepUntil: (condition) => turns(condition, () => clock.advance(100)),
    async pass(seconds, stepMs = 250) {
      const end = unixSeconds(clock.now() + Math.ceil(seconds));
      await turns(
        () => clock.now() >= end,
        () => clock.advance(stepMs),
      );
    },
    close: () => relays.close(),
  };
  return reader;
}
