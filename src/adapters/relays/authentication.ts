import type { Cancel, Clock } from '../../lib/clock.ts';
import type { Signer } from '../../nostr/signer.ts';
import type { Spellings } from './spellings.ts';

const AUTH_KIND = 22242;
/** Some relays answer a good AUTH with nothing at all. */
const OK_TIMEOUT_MS = 1_000;
/** A relay that asks more often than this on one connection is playing. */
const MAX_ANSWERS = 20;

export interface AuthenticationOptions {
  /** The URL that we connected to: we sign for this relay only, in one of its spellings. */
  readonly url: string;
  readonly spellings: Spellings;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly send: (message: readonly unknown[]) => void;
  /** No challenge is left unanswered: the newest was accepted, refused, or taken without a word. */
  onSettled(): void;
}

/** `none`: the relay never asked. */
export type AuthState = 'none' | 'pending' | 'done' | 'refused';

/**
 * NIP-42 on one connection: answers the newest challenge and waits a bounded time for the OK. Refused, it tries the
 * other spellings of the relay's URL, one after the other, each once for a challenge.
 */
export class Authentication {
  readonly #options: AuthenticationOptions;
  #state: AuthState = 'none';
  #newest: string | null = null;
  #answering: string | null = null;
  #answers = 0;
  /** Still to try for this challenge; the first is under way. */
  #spellings: string[] = [];
  /** Tried twice at most: what a NOTICE meant is a guess. */
  readonly #guessed = new Set<string>();
  /** The relay took our AUTH without a word: what it does next may show that it did not. */
  #isUnconfirmed = false;
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
    if (this.#state !== 'pending') this.#begin(challenge);
  }

  /** An OK came. True if it was the one to our AUTH. */
  answered(id: string, accepted: boolean): boolean {
    if (id !== this.#sentId) return false;
    if (accepted) this.#accepted();
    else this.#refused();
    return true;
  }

  /** A NOTICE came: some relays refuse an AUTH by nothing else. */
  noticed(text: string): void {
    const spelling = this.#spellings[0];
    if (this.#sentId === null || spelling === undefined || !/auth|challenge|22242/i.test(text)) return;
    // It may have been about something else: this spelling has another turn after the rest.
    if (!this.#guessed.has(spelling)) this.#spellings.push(spelling);
    this.#guessed.add(spelling);
    this.#refused();
  }

  /** Something was refused for want of AUTH. True if ours was taken without a word, and another spelling is tried now. */
  doubted(): boolean {
    if (this.#state !== 'done' || !this.#isUnconfirmed || this.#spellings.length < 2) return false;
    this.#state = 'pending';
    this.#refused();
    return true;
  }

  close(): void {
    const spelling = this.#spellings[0];
    if (!this.#isClosed && this.#sentId !== null && spelling !== undefined) {
      this.#options.spellings.cut(this.#options.url, spelling);
    }
    this.#isClosed = true;
    this.#cancelTimer();
  }

  #begin(challenge: string): void {
    const { url, spellings } = this.#options;
    this.#spellings = [...spellings.of(url)];
    void this.#answer(challenge);
  }

  async #answer(challenge: string): Promise<void> {
    const { url, signer, clock, send } = this.#options;
    this.#state = 'pending';
    this.#answers += 1;
    this.#answering = challenge;
    this.#isUnconfirmed = false;
    try {
      const tags = [
        ['relay', this.#spellings[0] ?? url],
        ['challenge', challenge],
      ];
      const event = await signer.sign({ kind: AUTH_KIND, created_at: clock.now(), tags, content: '' });
      if (this.#isClosed) return;
      this.#sentId = event.id;
      send(['AUTH', event]);
      this.#cancelTimer = clock.after(OK_TIMEOUT_MS, () => {
        this.#isUnconfirmed = true;
        this.#settle('done');
      });
    } catch {
      // A remote signer is away. As if refused: the connection goes on without.
      this.#settle('refused');
    }
  }

  #accepted(): void {
    const spelling = this.#spellings[0];
    if (spelling !== undefined) this.#options.spellings.worked(this.#options.url, spelling);
    this.#settle('done');
  }

  #refused(): void {
    // A newer challenge came meanwhile: that is why, and not the spelling.
    if (this.#newest !== this.#answering) return this.#settle('refused');
    const spelling = this.#spellings.shift();
    if (spelling !== undefined) this.#options.spellings.failed(this.#options.url, spelling);
    const challenge = this.#newest;
    if (this.#spellings.length === 0 || this.#answers >= MAX_ANSWERS || challenge === null) {
      return this.#settle('refused');
    }
    this.#cancelTimer();
    this.#sentId = null;
    void this.#answer(challenge);
  }

  #settle(state: 'done' | 'refused'): void {
    if (this.#isClosed) return;
    this.#cancelTimer();
    this.#sentId = null;
    if (this.#newest !== null && this.#newest !== this.#answering) return this.#begin(this.#newest);
    this.#state = state;
    this.#options.onSettled();
  }
}
