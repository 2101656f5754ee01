import type { Cancel, Clock } from '../../lib/clock.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import type { PublishResult } from '../../ports/relays.ts';
import type { AuthState } from './authentication.ts';
import { mayNeedAuth, publishResult, refusalKind } from './refusals.ts';

const OK_TIMEOUT_MS = 10_000;
/** RFC 6455: the relay closes because our frame is too large for it. */
const MESSAGE_TOO_BIG = 1009;

interface Publication {
  readonly event: NostrEvent;
  readonly result: Promise<PublishResult>;
  resolve(result: PublishResult): void;
  isSent: boolean;
  /** What the relay said when it refused for want of AUTH; the event goes out once more after the next AUTH. */
  authRefusal: string | null;
  cancelTimer: Cancel;
}

/** The EVENTs under way on one connection: each is told its result exactly once. */
export class Publications {
  readonly #clock: Clock;
  readonly #send: (message: readonly unknown[]) => void;
  readonly #authState: () => AuthState;
  readonly #underWay = new Map<string, Publication>();

  constructor(options: { clock: Clock; send: (message: readonly unknown[]) => void; authState: () => AuthState }) {
    this.#clock = options.clock;
    this.#send = options.send;
    this.#authState = options.authState;
  }

  /** Never rejects. The same event published twice at once is sent once. */
  async publish(event: NostrEvent, signal: AbortSignal, state: string): Promise<PublishResult> {
    if (state === 'closed' || signal.aborted) return { outcome: 'later', why: 'unreachable' };
    let publication = this.#underWay.get(event.id);
    if (publication === undefined) {
      publication = this.#add(event);
      if (state === 'ready') this.#transmit(publication);
    }
    const started = publication;
    const give = (): void => this.#finish(started, notHeard(started));
    signal.addEventListener('abort', give, { once: true });
    const result = await started.result;
    signal.removeEventListener('abort', give);
    return result;
  }

  /** The link is ready: sends what waited. */
  connected(): void {
    for (const publication of this.#underWay.values()) if (!publication.isSent) this.#transmit(publication);
  }

  /** A later AUTH is done: sends again, once, what was refused for want of it. */
  authenticated(): void {
    for (const publication of this.#underWay.values()) {
      if (publication.authRefusal !== null) this.#transmit(publication);
    }
  }

  answered(id: string, accepted: boolean, text: string): void {
    const publication = this.#underWay.get(id);
    if (publication === undefined) return;
    const isFirst = publication.authRefusal === null;
    const canHelp = this.#authState() === 'none' || this.#authState() === 'pending';
    if (!accepted && mayNeedAuth(refusalKind(text)) && isFirst && canHelp) publication.authRefusal = text;
    else this.#finish(publication, publishResult(accepted, text));
  }

  lost(code: number): void {
    for (const publication of [...this.#underWay.values()]) {
      const isTooBig = code === MESSAGE_TOO_BIG && publication.isSent;
      this.#finish(publication, isTooBig ? { outcome: 'refused', why: 'too-large' } : notHeard(publication));
    }
  }

  #add(event: NostrEvent): Publication {
    let resolve: (result: PublishResult) => void = () => {};
    const result = new Promise<PublishResult>((settle) => (resolve = settle));
    const publication = { event, result, resolve, isSent: false, authRefusal: null, cancelTimer: () => {} };
    this.#underWay.set(event.id, publication);
    return publication;
  }

  #transmit(publication: Publication): void {
    publication.isSent = true;
    publication.cancelTimer();
    publication.cancelTimer = this.#clock.after(OK_TIMEOUT_MS, () => {
      const { authRefusal } = publication;
      // Refused, and no challenge came to mend it: that is an answer. After a second sending it is not.
      const isRefused = authRefusal !== null && this.#authState() === 'none';
      this.#finish(publication, isRefused ? publishResult(false, authRefusal) : { outcome: 'unknown' });
    });
    this.#send(['EVENT', publication.event]);
  }

  #finish(publication: Publication, result: PublishResult): void {
    publication.cancelTimer();
    if (this.#underWay.get(publication.event.id) === publication) this.#underWay.delete(publication.event.id);
    publication.resolve(result);
  }
}

function notHeard({ isSent }: Publication): PublishResult {
  return isSent ? { outcome: 'unknown' } : { outcome: 'later', why: 'unreachable' };
}
