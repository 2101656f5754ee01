import type { NostrEvent, Filter } from '../nostr/event.ts';
import type { UnixSeconds } from '../lib/units.ts';

/**
 * A relay's word on one EVENT we sent (NIP-01 OK, NIP-42).
 * `accepted` includes duplicates. `unknown`: no OK in time, or the socket was lost: send the same bytes again.
 */
export type PublishResult =
  | { readonly outcome: 'accepted' }
  | { readonly outcome: 'later'; readonly why: 'rate-limited' | 'error' | 'unreachable' | 'auth' }
  | { readonly outcome: 'unknown' }
  /**
   * Its word for now. `too-old`: the relay dislikes dates in the past; a wrap dated near now may pass. `difficulty`: the
   * bits of work that it asks for (NIP-13), where it says so.
   */
  | {
      readonly outcome: 'refused';
      readonly why: 'blocked' | 'restricted' | 'invalid' | 'too-old' | 'pow' | 'too-large';
      readonly difficulty?: number;
    };

/** A standing wish: these stored and future events, from every inbox relay, on every connection, for ever. */
export interface Subscription {
  readonly name: string;
  /** Without `since`: the connection adds it (high-water minus `lookbackSeconds`). */
  readonly filter: Filter;
  readonly lookbackSeconds: number;
}

export interface RelayState {
  readonly url: string;
  readonly state: 'connecting' | 'open' | 'authenticating' | 'subscribed' | 'waiting';
  /** When an EOSE last ended a sync, or null. */
  readonly syncedAt: UnixSeconds | null;
  readonly failures: number;
}

/** `live`: it came as it was sent; `stored`: the relay had kept it for us. */
export type Arrival = 'live' | 'stored';

/** `oversize`: a relay keeps an event for us that is too large to be read; we read around it. */
export type RelayTrouble = 'oversize';

export interface InboxHandlers {
  /**
   * One event that a subscription asked for, not yet verified. Resolves when it is durable (or worthless): a
   * relay's high-water moves only behind events that are. `relay` is its normalised URL.
   */
  onEvent(event: unknown, relay: string, arrival: Arrival): Promise<void>;
  /** Where to begin on this relay: the stored high-water, or null for "from now". */
  highWater(relay: string): UnixSeconds | null;
  /** Everything that `relay` had up to `at` has been received. */
  onSynced(relay: string, at: UnixSeconds): void;
  /** A relay became subscribed or ceased to be. */
  onState(state: RelayState): void;
  /** Something that the operator should hear of; said once while it lasts. */
  onTrouble?(relay: string, trouble: RelayTrouble): void;
}

/** The relay connections. Never throws for what a relay does. URLs are normalised (lower-case host, no trailing slash). */
export interface Relays {
  /** Opens the inbox relays and keeps them open; call once. */
  start(inbox: readonly string[], subscriptions: readonly Subscription[], handlers: InboxHandlers): void;
  /** Sends one signed event to one relay and waits for its OK (10 s). Connections are pooled and closed when idle. */
  publish(relay: string, event: NostrEvent, signal: AbortSignal): Promise<PublishResult>;
  /** Stored events from these relays, verified and matched against the filter, each id once; whatever came within the signal's time. */
  query(relays: readonly string[], filter: Filter, signal: AbortSignal): Promise<readonly NostrEvent[]>;
  states(): readonly RelayState[];
  close(): Promise<void>;
}
