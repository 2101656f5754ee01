import { backoffMs } from '../lib/backoff.ts';
import { sleep, withTimeout, type Cancel, type Clock } from '../lib/clock.ts';
import type { Rng } from '../lib/rng.ts';
import type { Filter, NostrEvent } from '../nostr/event.ts';
import type { Signer } from '../nostr/signer.ts';
import type { Pace } from './pace.ts';
import { openSocket, type TextSocket } from './ws/socket.ts';

/** NIP-42. */
const AUTH = 22242;
const ANSWER_MS = 15_000;
const CHALLENGE_MS = 500;
/** A relay that asks for more than these proofs on one connection is playing. */
const MAX_AUTHS = 8;
/** Of one look for stored events. */
const MAX_QUERY_EVENTS = 50;

/** What a relay said to an event: taken, a no of its own, or nothing (which is not a no). */
export type Answer = 'taken' | 'refused' | 'silent';

export interface LinkDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly pace: Pace;
  readonly signer: Signer;
}

interface Waiting {
  /** Hears one message that carries its id; true when it has heard enough. */
  hear(message: readonly unknown[]): boolean;
  end(): void;
}

/**
 * One relay, connected when it is needed, or for good while something is subscribed. Nothing it says is believed:
 * events are handed on as they came. Every wait has an end.
 */
export class RelayLink {
  readonly #url: string;
  readonly #deps: LinkDeps;
  readonly #waiting = new Map<string, Waiting>();
  #socket: TextSocket | null = null;
  #opening: Promise<TextSocket> | null = null;
  #challenge: string | null = null;
  #proving: Promise<boolean> | null = null;
  #auths = 0;
  #queries = 0;
  #subscription: { readonly filter: () => Filter; readonly onEvent: (event: unknown) => void } | null = null;
  #lost: (() => void) | null = null;
  #cancelRequest: Cancel | null = null;
  #isClosed = false;

  constructor(url: string, deps: LinkDeps) {
    this.#url = url;
    this.#deps = deps;
  }

  /** Sends `event` and says what the relay answers; refused for want of AUTH, it proves itself and sends once more. Never rejects. */
  async publish(event: NostrEvent): Promise<Answer> {
    const first = await this.#send(event);
    if (first === null) return 'silent';
    if (first.accepted) return 'taken';
    if (!/^(auth-required|restricted):/.test(first.reason) || !(await this.#prove())) return 'refused';
    const second = await this.#send(event);
    return second === null ? 'silent' : second.accepted ? 'taken' : 'refused';
  }

  /** The stored events for `filter`, unverified, at most 50; null where the relay did not answer. Never rejects. */
  async query(filter: Filter): Promise<readonly unknown[] | null> {
    for (const isLast of [false, true]) {
      const found: unknown[] = [];
      const end = await this.#ask(
        `q${++this.#queries}`,
        (id) => ['REQ', id, filter],
        (message) => {
          if (message[0] === 'EVENT' && found.length < MAX_QUERY_EVENTS) found.push(message[2]);
          return message[0] !== 'EVENT';
        },
      );
      if (end?.[0] === 'EOSE') return found;
      if (end === null || isLast || !(await this.#prove())) return null;
    }
    return null;
  }

  /** From now on, across connections: everything for `filter()`, stored and new, until `close`. Doubles are the caller's. */
  subscribe(filter: () => Filter, onEvent: (event: unknown) => void): void {
    this.#subscription = { filter, onEvent };
    void this.#keep();
  }

  /** Asks again for what is stored, where more came than could be looked at. */
  refresh(): void {
    if (this.#socket !== null) this.#request();
  }

  get isConnected(): boolean {
    return this.#socket !== null;
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.close();
    this.#lost?.();
  }

  async #keep(): Promise<void> {
    const { clock, rng, pace } = this.#deps;
    for (let failures = 0; !this.#isClosed;) {
      const since = clock.monotonicMs();
      try {
        await this.#open();
        await new Promise<void>((resolve) => {
          this.#lost = resolve;
          if (this.#socket === null) resolve();
        });
        // A connection that held is no failure; one that is cut at once is.
        failures = clock.monotonicMs() - since > pace.lookMs ? 1 : failures + 1;
      } catch {
        failures += 1; // unreachable: nothing to say of it that the status does not say
      }
      if (!this.#isClosed) await sleep(clock, backoffMs(failures, pace.retryFirstMs, pace.retryMostMs, rng));
    }
  }

  #open(): Promise<TextSocket> {
    if (this.#isClosed) return Promise.reject(new Error('relay: closed'));
    if (this.#socket !== null) return Promise.resolve(this.#socket);
    this.#opening ??= openSocket(
      this.#url,
      { onText: (text) => this.#hear(text), onEnd: () => this.#ended() },
      this.#deps,
    )
      .then((socket) => {
        this.#socket = socket;
        this.#auths = 0;
        this.#challenge = null;
        this.#proving = null;
        if (this.#isClosed) socket.close();
        else this.#request();
        return socket;
      })
      .finally(() => (this.#opening = null));
    return this.#opening;
  }

  #request(): void {
    if (this.#subscription !== null) this.#say(['REQ', 'inbox', this.#subscription.filter()]);
  }

  /** The subscription is gone; a proof that is under way asks again by itself, anything else after a while. */
  #requestLater(): void {
    this.#cancelRequest?.();
    this.#cancelRequest = this.#deps.clock.after(this.#deps.pace.lookMs, () => this.#request());
  }

  #ended(): void {
    this.#cancelRequest?.();
    this.#socket = null;
    for (const waiting of [...this.#waiting.values()]) waiting.end();
    this.#lost?.();
  }

  #say(message: readonly unknown[]): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #hear(text: string): void {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      return; // no message of NIP-01
    }
    if (!Array.isArray(message)) return;
    const [type, first] = message as readonly unknown[];
    if (type === 'AUTH' && typeof first === 'string' && first.length <= 1_024) {
      this.#challenge = first;
      void this.#prove();
    } else if (typeof first === 'string' && first === 'inbox') {
      if (type === 'EVENT') this.#subscription?.onEvent((message as readonly unknown[])[2]);
      if (type === 'CLOSED') this.#requestLater();
    } else if (typeof first === 'string' && this.#waiting.get(first)?.hear(message) === true) {
      this.#waiting.delete(first);
    }
  }

  /** Answers the relay's challenge (NIP-42), once for each; true when this key is proven. */
  async #prove(): Promise<boolean> {
    if (this.#challenge === null && this.#proving === null) await sleep(this.#deps.clock, CHALLENGE_MS); // often it follows the refusal
    if (this.#challenge === null) return (await this.#proving) ?? false;
    if (this.#auths >= MAX_AUTHS) return false;
    this.#auths += 1;
    const tags = [
      ['relay', this.#url],
      ['challenge', this.#challenge],
    ];
    this.#challenge = null;
    this.#proving = this.#deps.signer
      .sign({ kind: AUTH, created_at: this.#deps.clock.now(), tags, content: '' })
      .then((proof) => this.#ask(proof.id, () => ['AUTH', proof]))
      .then((answer) => {
        const isProven = answer === null || answer[2] === true; // some relays say nothing to it
        if (isProven) this.#request();
        return isProven;
      });
    return this.#proving;
  }

  async #send(event: NostrEvent): Promise<{ accepted: boolean; reason: string } | null> {
    const answer = await this.#ask(event.id, () => ['EVENT', event]);
    if (answer?.[0] !== 'OK') return null;
    const reason = typeof answer[3] === 'string' ? answer[3] : '';
    return { accepted: answer[2] === true || reason.startsWith('duplicate:'), reason };
  }

  /** Says something and waits for the message that carries its id and ends it. Null: none came, or there is no way there. */
  async #ask(
    id: string,
    message: (id: string) => readonly unknown[],
    isEnd: (message: readonly unknown[]) => boolean = () => true,
  ): Promise<readonly unknown[] | null> {
    try {
      await this.#open();
    } catch {
      return null;
    }
    const limit = withTimeout(this.#deps.clock, ANSWER_MS);
    return new Promise<readonly unknown[] | null>((resolve) => {
      const nothing = (): void => {
        this.#waiting.delete(id);
        resolve(null);
      };
      this.#waiting.get(id)?.end();
      this.#waiting.set(id, {
        hear: (heard) => {
          if (!isEnd(heard)) return false;
          if (heard[0] === 'EOSE') this.#say(['CLOSE', id]);
          resolve(heard);
          return true;
        },
        end: nothing,
      });
      limit.signal.addEventListener('abort', nothing, { once: true });
      this.#say(message(id));
    }).finally(limit.done);
  }
}
