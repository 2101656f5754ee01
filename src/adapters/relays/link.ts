import type { Cancel, Clock } from '../../lib/clock.ts';
import type { Filter, NostrEvent } from '../../nostr/event.ts';
import { matchesFilter } from '../../nostr/filters.ts';
import type { Signer } from '../../nostr/signer.ts';
import type { PublishResult } from '../../ports/relays.ts';
import { Authentication, type AuthState } from './authentication.ts';
import { Publications } from './publications.ts';
import { Pulse } from './pulse.ts';
import { mayNeedAuth, refusalKind, type RefusalKind } from './refusals.ts';
import { parseRelayMessage, readDelivery, type Delivery, type RelayMessage } from './relay-message.ts';
import type { RelaySocket, SocketFactory } from './socket.ts';
import type { Spellings } from './spellings.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** A relay that wants AUTH mostly says so at once; then it is done before the first REQ. */
const CHALLENGE_WAIT_MS = 300;
/** After a refusal for want of AUTH: how long a challenge may take to come, or an AUTH to take effect. */
const AUTH_RETRY_MS = 5_000;
/** Events of other people's kinds have more tags than a DM may. */
const MAX_TAGS = 2_000;

export interface LinkOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly openSocket: SocketFactory;
  /** Null: stay anonymous, whatever the relay asks. */
  readonly signer: Signer | null;
  readonly spellings: Spellings;
  /** Connected, and waiting whether the relay asks for AUTH. */
  onAuthenticating?(): void;
  /** Connected, and through with AUTH if the relay asked for it at once. */
  onReady?(): void;
  /** An AUTH that came late is done: what was asked before may have been answered with less. */
  onLateAuth?(): void;
  /** Exactly once, at the end. `code`: see `SocketHandlers.onClose`. */
  onClosed?(code: number): void;
}

export type LinkState = 'connecting' | 'authenticating' | 'ready' | 'closed';

export interface Reading {
  /** An event that fits the filter; not verified. */
  onEvent(delivery: Delivery): void;
  onEose(): void;
  /** The last call: the relay refuses to go on, or the connection is lost. Not called after `stop`. */
  onClosed(why: RefusalKind): void;
}

/** One connection to one relay, from its opening to its end. It never comes back: open another. */
export interface Link {
  readonly url: string;
  state(): LinkState;
  authState(): AuthState;
  /** Asks now, or as soon as the link is ready. */
  read(filter: Filter, reading: Reading): { stop(): void };
  publish(event: NostrEvent, signal: AbortSignal): Promise<PublishResult>;
  pause(): void;
  resume(): void;
  close(): void;
}

interface Subscription {
  readonly filter: Filter;
  readonly reading: Reading;
  /** Of the last REQ: each REQ has a new id, for one relay answers no id twice. */
  id: string | null;
  authRefusals: number;
  cancelRetry: Cancel;
}

export function openLink(options: LinkOptions): Link {
  const { url, clock, signer, spellings } = options;
  const subscriptions = new Set<Subscription>();
  let state: LinkState = 'connecting';
  let lastId = 0;

  const send = (message: readonly unknown[]): void => socket.send(JSON.stringify(message));
  const auth =
    signer === null
      ? null
      : new Authentication({ url, spellings, signer, clock, send, onSettled: () => onAuthSettled() });
  const publications = new Publications({ clock, send, authState: () => auth?.state ?? 'refused' });

  const socket: RelaySocket = options.openSocket(url, {
    onOpen() {
      if (state !== 'connecting') return;
      pulse.heard();
      cancelOpening();
      if (auth === null) return becomeReady();
      state = 'authenticating';
      options.onAuthenticating?.();
      cancelOpening = clock.after(CHALLENGE_WAIT_MS, () => {
        if (auth.state !== 'pending') becomeReady();
      });
    },
    onText(text) {
      if (state === 'closed') return;
      pulse.heard();
      const message = parseRelayMessage(text);
      if (message !== null) receive(message);
    },
    onPong: () => pulse.heard(),
    onClose: (code) => end(code),
  });
  let cancelOpening: Cancel = clock.after(CONNECT_TIMEOUT_MS, () => close());
  const pulse = new Pulse({ clock, ping: () => socket.ping(), onDead: () => close() });

  function becomeReady(): void {
    if (state === 'ready' || state === 'closed') return;
    cancelOpening();
    state = 'ready';
    options.onReady?.();
    for (const subscription of subscriptions) if (subscription.id === null) request(subscription);
    publications.connected();
  }

  function onAuthSettled(): void {
    if (state !== 'ready') return becomeReady();
    options.onLateAuth?.();
    for (const subscription of subscriptions) {
      if (subscription.authRefusals > 0) request(subscription);
    }
    publications.authenticated();
  }

  function request(subscription: Subscription): void {
    subscription.cancelRetry();
    subscription.id = `t${++lastId}`;
    send(['REQ', subscription.id, subscription.filter]);
  }

  function byId(id: string): Subscription | undefined {
    for (const subscription of subscriptions) if (subscription.id === id) return subscription;
    return undefined;
  }

  function receive(message: RelayMessage): void {
    switch (message.type) {
      case 'EVENT': {
        const subscription = byId(message.subscription);
        const delivery = subscription === undefined ? null : readDelivery(message.event, MAX_TAGS);
        if (subscription === undefined || delivery === null) return;
        if (matchesFilter(delivery.fields, subscription.filter)) subscription.reading.onEvent(delivery);
        return;
      }
      case 'EOSE': {
        const subscription = byId(message.subscription);
        if (subscription === undefined) return;
        subscription.authRefusals = 0;
        return subscription.reading.onEose();
      }
      case 'CLOSED': {
        const subscription = byId(message.subscription);
        if (subscription !== undefined) onRefused(subscription, refusalKind(message.text));
        return;
      }
      case 'OK':
        if (auth?.answered(message.id, message.accepted) !== true) {
          if (!message.accepted && mayNeedAuth(refusalKind(message.text))) auth?.doubted();
          publications.answered(message.id, message.accepted, message.text);
        }
        return;
      case 'AUTH':
        return auth?.challenged(message.challenge);
      case 'NOTICE':
        return auth?.noticed(message.text);
    }
  }

  function onRefused(subscription: Subscription, why: RefusalKind): void {
    if (auth === null || !mayNeedAuth(why)) return drop(subscription, why);
    const isTriedAnew = auth.doubted() || auth.state === 'pending';
    const canRetry = auth.state !== 'refused' && (subscription.authRefusals === 0 || isTriedAnew);
    if (!canRetry) return drop(subscription, why);
    subscription.authRefusals = 1;
    // The challenge may be on its way; its OK asks again at once (`onAuthSettled`).
    subscription.cancelRetry = clock.after(AUTH_RETRY_MS, () => {
      if (auth.state === 'done') request(subscription);
      else drop(subscription, why);
    });
  }

  function drop(subscription: Subscription, why: RefusalKind): void {
    subscription.cancelRetry();
    if (subscriptions.delete(subscription)) subscription.reading.onClosed(why);
  }

  function end(code: number): void {
    if (state === 'closed') return;
    state = 'closed';
    cancelOpening();
    pulse.stop();
    auth?.close();
    publications.lost(code);
    for (const subscription of [...subscriptions]) drop(subscription, 'lost');
    options.onClosed?.(code);
  }

  function close(): void {
    socket.terminate();
    end(1006);
  }

  return {
    url,
    state: () => state,
    authState: () => auth?.state ?? 'none',
    read(filter, reading) {
      const subscription: Subscription = { filter, reading, id: null, authRefusals: 0, cancelRetry: () => {} };
      if (state === 'closed') queueMicrotask(() => drop(subscription, 'lost'));
      subscriptions.add(subscription);
      if (state === 'ready') request(subscription);
      return {
        stop() {
          subscription.cancelRetry();
          if (subscriptions.delete(subscription) && subscription.id !== null) send(['CLOSE', subscription.id]);
        },
      };
    },
    publish: (event, signal) => publications.publish(event, signal, state),
    pause() {
      pulse.pause();
      socket.pause();
    },
    resume() {
      pulse.resume();
      socket.resume();
    },
    close,
  };
}
