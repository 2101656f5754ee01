import type { Filter, NostrEvent } from '../nostr/event.ts';
import { matchesFilter } from '../nostr/filters.ts';
import { verifyEvent } from '../nostr/verify.ts';
import { parseClientMessage } from './client-message.ts';
import { EventStore, isEphemeral, type StoreLimits } from './event-store.ts';

const DEFAULT_LIMITS: StoreLimits = { maxEvents: 20_000, maxBytes: 64 * 1024 * 1024, maxPerFilter: 500 };
const MAX_SUBSCRIPTIONS = 64;
/** Events of other people's kinds (contact lists) have more tags than a DM may. */
const MAX_TAGS = 2_000;

/** Says one message, a NIP-01 array, to the client. */
export type Say = (message: readonly unknown[]) => void;

export interface RelaySession {
  /** One text frame of the client. Never throws. */
  receive(text: string): void;
  /** The client is gone. */
  close(): void;
}

/**
 * A NIP-01 relay without sockets: give each client a session and carry its frames. Everything that a session
 * says goes through its `Say`, so a test can stand between and misbehave.
 */
export class RelayCore {
  readonly store: EventStore;
  readonly #listeners = new Set<(event: NostrEvent) => void>();

  constructor(limits: Partial<StoreLimits> = {}) {
    this.store = new EventStore({ ...DEFAULT_LIMITS, ...limits });
  }

  /** Stores (unless ephemeral) and passes on `event`, which must be verified, unless it is known or outdated. */
  publish(event: NostrEvent): 'new' | 'duplicate' | 'outdated' {
    if (!isEphemeral(event.kind)) {
      const stored = this.store.add(event);
      if (stored !== 'stored') return stored;
    }
    for (const listener of this.#listeners) listener(event);
    return 'new';
  }

  connect(say: Say): RelaySession {
    const subscriptions = new Map<string, readonly Filter[]>();
    const listener = (event: NostrEvent): void => {
      for (const [id, filters] of subscriptions) {
        if (filters.some((filter) => matchesFilter(event, filter))) say(['EVENT', id, event]);
      }
    };
    this.#listeners.add(listener);
    return {
      receive: (text) => {
        const message = parseClientMessage(text);
        switch (message.type) {
          case 'EVENT':
            return say(this.#answerTo(message.event));
          case 'REQ':
            if (!subscriptions.has(message.id) && subscriptions.size >= MAX_SUBSCRIPTIONS) {
              return say(['CLOSED', message.id, 'error: too many subscriptions']);
            }
            subscriptions.set(message.id, message.filters);
            for (const event of this.store.query(message.filters)) say(['EVENT', message.id, event]);
            return say(['EOSE', message.id]);
          case 'CLOSE':
            subscriptions.delete(message.id);
            return;
          case 'AUTH':
            return say(['NOTICE', 'this relay asks for no AUTH']);
          case 'bad':
            return say(
              message.id === null
                ? ['NOTICE', `invalid: ${message.why}`]
                : ['CLOSED', message.id, `invalid: ${message.why}`],
            );
        }
      },
      close: () => void this.#listeners.delete(listener),
    };
  }

  #answerTo(value: unknown): readonly unknown[] {
    const event = verifyEvent(value, MAX_TAGS);
    if (event === null) {
      const id = typeof value === 'object' && value !== null && 'id' in value ? String(value.id).slice(0, 64) : '';
      return ['OK', id, false, 'invalid: shape, id or signature'];
    }
    switch (this.publish(event)) {
      case 'new':
        return ['OK', event.id, true, ''];
      case 'duplicate':
        return ['OK', event.id, true, 'duplicate: already have this event'];
      case 'outdated':
        return ['OK', event.id, true, 'duplicate: have a newer event'];
    }
  }
}
