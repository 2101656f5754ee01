import type { Cancel, Clock } from '../../lib/clock.ts';
import type { Signer } from '../../nostr/signer.ts';
import type { Spellings } from './spellings.ts';

const AUTH_KIND = 22242;
/** Some relays answer a good AUTH with nothing at all. */
const OK_TIMEOUT_MS = 1_000;
/** A relay that asks more often than this on one connection is playing. */
const MAX_ANSWERS = 20;

export interface AuthenticationOptions {
  /** The URL that we connected to: the only one that we sign for. */
  readonly url: string;
  readonly signer: Signer;
  readonly spellings: Spellings;
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
  /** Spellings of the URL not yet tried for the challenge that is being answered. */
  #untried: string[] = [];
  #spelling = '';
  #sentId: string | null = null;
  /** The relay said nothing on our AUTH: perhaps it did not like it. */
  #isSilent = false;
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
    if (accepted) this.#options.spellings.worked(this.#options.url, this.#spelling);
    if (accepted || !this.#tryNext()) this.#settle(accepted ? 'done' : 'refused');
    return true;
  }

  /** A NOTICE came: while our AUTH waits for its OK, one about it is a refusal. */
  noticed(text: string): void {
    if (this.#sentId !== null && /auth|restricted|permission|relay|challenge/i.test(text)) this.#tryNext();
  }

  /** Refused for want of AUTH although we answered, and heard nothing on that. @returns whether another spelling is tried. */
  retry(): boolean {
    return this.#state === 'done' && this.#isSilent && this.#tryNext();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelTimer();
  }

  async #answer(challenge: string): Promise<void> {
    const { url, signer, clock, send } = this.#options;
    this.#state = 'pending';
    this.#answers += 1;
    if (this.#answering !== challenge) this.#untried = [...this.#options.spellings.of(url)];
    this.#answering = challenge;
    this.#spelling = this.#untried.shift() ?? url;
    try {
      const tags = [
        ['relay', this.#spelling],
        ['challenge', challenge],
      ];
      const event = await signer.sign({ kind: AUTH_KIND, created_at: clock.now(), tags, content: '' });
      if (this.#isClosed) return;
      this.#sentId = event.id;
      this.#isSilent = false;
      send(['AUTH', event]);
      this.#cancelTimer();
      this.#cancelTimer = clock.after(OK_TIMEOUT_MS, () => {
        this.#isSilent = true;
        this.#settle('done');
      });
    } catch {
      // A remote signer is away. As if refused: the connection goes on without.
      this.#settle('refused');
    }
  }

  /** Answers the same challenge with the next spelling of the URL, where one is left. */
  #tryNext(): boolean {
    if (this.#answering === null || this.#untried.length === 0 || this.#answers >= MAX_ANSWERS) return false;
    this.#cancelTimer();
    this.#sentId = null;
    void this.#answer(this.#answering);
    return true;
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
