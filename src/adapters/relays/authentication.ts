import type { Cancel, Clock } from '../../lib/clock.ts';
import type { Signer } from '../../nostr/signer.ts';

const AUTH_KIND = 22242;
/** Some relays answer a good AUTH with nothing at all. */
const OK_TIMEOUT_MS = 1_000;
/** A relay that asks more often than this on one connection is playing. */
const MAX_ANSWERS = 20;

export interface AuthenticationOptions {
  /** The URL that we connected to: the only one that we sign for. */
  readonly url: string;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly send: (message: readonly unknown[]) => void;
  /** No challenge is left unanswered: the newest was accepted, refused, or taken without a word. */
  onSettled(): void;
}

/** `none`: the relay never asked. */
export type AuthState = 'none' | 'pending' | 'done' | 'refused';

/** NIP-42 on one connection: answers the newest challenge, once each, and waits a bounded time for the OK. */
export class Authentication {
  readonly #options: AuthenticationOptions;
  #state: AuthState = 'none';
  #newest: string | null = null;
  #answering: string | null = null;
  #answers = 0;
  #sentId: string | null = null;
  #cancelTimer: Cancel = () => {};
  #isClosed = false;

  constructor(options: AuthenticationOptions) {
    this.#options = options;
  }

  get state(): AuthState {
    return this.#state;
  }

  challenged(challenge: string): void {
    // Refused once is refused for this connection: a relay that challenges with each refusal would go on for ever.
    if (this.#isClosed || this.#state === 'refused') return;
    if (challenge === this.#newest || this.#answers >= MAX_ANSWERS) return;
    this.#newest = challenge;
    if (this.#state !== 'pending') void this.#answer(challenge);
  }

  /** An OK came. True if it was the one to our AUTH. */
  answered(id: string, accepted: boolean): boolean {
    if (id !== this.#sentId) return false;
    this.#settle(accepted ? 'done' : 'refused');
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelTimer();
  }

  async #answer(challenge: string): Promise<void> {
    const { url, signer, clock, send } = this.#options;
    this.#state = 'pending';
    this.#answers += 1;
    this.#answering = challenge;
    try {
      const tags = [
        ['relay', url],
        ['challenge', challenge],
      ];
      const event = await signer.sign({ kind: AUTH_KIND, created_at: clock.now(), tags, content: '' });
      if (this.#isClosed) return;
      this.#sentId = event.id;
      send(['AUTH', event]);
      this.#cancelTimer = clock.after(OK_TIMEOUT_MS, () => this.#settle('done'));
    } catch {
      // A remote signer is away. As if refused: the connection goes on without.
      this.#settle('refused');
    }
  }

  #settle(state: 'done' | 'refused'): void {
    if (this.#isClosed) return;
    this.#cancelTimer();
    this.#sentId = null;
    if (this.#newest !== null && this.#newest !== this.#answering) {
      void this.#answer(this.#newest);
      return;
    }
    this.#state = state;
    this.#options.onSettled();
  }
}
