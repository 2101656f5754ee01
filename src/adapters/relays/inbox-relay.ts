import { backoffMs } from '../../lib/backoff.ts';
import type { Cancel, Clock } from '../../lib/clock.ts';
import { errorFields, type Log } from '../../lib/log.ts';
import type { Rng } from '../../lib/rng.ts';
import { plusSeconds, unixSeconds, type UnixSeconds } from '../../lib/units.ts';
import type { Signer } from '../../nostr/signer.ts';
import type { InboxHandlers, RelayState, Subscription } from '../../ports/relays.ts';
import { Intake } from './intake.ts';
import { openLink, type Link } from './link.ts';
import { mayNeedAuth } from './refusals.ts';
import type { SocketFactory } from './socket.ts';
import { startSyncRound, type RoundResult, type SyncRound } from './sync-round.ts';

const RECONNECT_FIRST_MS = 1_000;
const RECONNECT_MAX_MS = 60_000;
/** A connection that held so long was a good one: the next failure starts from the beginning. */
const STABLE_MS = 60_000;
/** The safety net: everything within the look-back is asked for again. */
const SWEEP_EVERY_MS = 3_600_000;
const ROUND_RETRY_FIRST_MS = 60_000;
const ROUND_RETRY_MAX_MS = 3_600_000;
const CUT_RETRY_MS = 5_000;

export interface RelayPorts {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  readonly signer: Signer;
  readonly openSocket: SocketFactory;
}

/** One relay that we live on: connected for ever, subscribed on every connection. */
export class InboxRelay {
  readonly url: string;
  readonly #subscriptions: readonly Subscription[];
  readonly #handlers: InboxHandlers;
  readonly #ports: RelayPorts;
  readonly #intake: Intake;
  #link: Link | null = null;
  #round: SyncRound | null = null;
  /** The round before, subscribed until the new one is. */
  #previousRound: SyncRound | null = null;
  #roundFailures = 0;
  #cancelConnect: Cancel = () => {};
  #cancelStable: Cancel = () => {};
  #cancelRound: Cancel = () => {};
  #roundDueMs = Infinity;
  #isClosed = false;
  #state: RelayState;

  constructor(url: string, subscriptions: readonly Subscription[], handlers: InboxHandlers, ports: RelayPorts) {
    this.url = url;
    this.#subscriptions = subscriptions;
    this.#handlers = handlers;
    this.#ports = ports;
    this.#state = { url, state: 'connecting', syncedAt: null, failures: 0 };
    this.#intake = new Intake({
      handle: (event) => handlers.onEvent(event, url),
      onFull: () => this.#link?.pause(),
      onRoom: () => this.#link?.resume(),
    });
    this.#connect();
  }

  state(): RelayState {
    return this.#state;
  }

  /** The open connection, or the one being opened; null between two. */
  link(): Link | null {
    return this.#link;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelConnect();
    this.#link?.close();
    await this.#intake.close();
  }

  #connect(): void {
    const { clock, signer, openSocket } = this.#ports;
    this.#become({ state: 'connecting' });
    this.#link = openLink({
      url: this.url,
      clock,
      signer,
      openSocket,
      onAuthenticating: () => this.#become({ state: 'authenticating' }),
      onReady: () => this.#onReady(),
      onLateAuth: () => {
        this.#stopRounds();
        this.#beginRound();
      },
      onClosed: () => this.#onClosed(),
    });
  }

  #onReady(): void {
    this.#become({ state: 'open' });
    this.#cancelStable = this.#ports.clock.after(STABLE_MS, () => this.#become({ failures: 0 }));
    this.#beginRound();
  }

  #onClosed(): void {
    const { clock, rng, log } = this.#ports;
    this.#cancelStable();
    this.#cancelRound();
    this.#roundDueMs = Infinity;
    this.#stopRounds();
    this.#link = null;
    if (this.#isClosed) return;
    const failures = this.#state.failures + 1;
    this.#become({ state: 'waiting', failures });
    log.debug('relay.lost', { relay: shown(this.url), failures });
    this.#cancelConnect = clock.after(backoffMs(failures, RECONNECT_FIRST_MS, RECONNECT_MAX_MS, rng), () =>
      this.#connect(),
    );
  }

  /** Asks for everything since the high-water, less the look-back, and keeps what is subscribed until then. */
  #beginRound(): void {
    const link = this.#link;
    if (link?.state() !== 'ready') return;
    this.#cancelRound();
    this.#roundDueMs = Infinity;
    const { clock, log } = this.#ports;
    const now = clock.now();
    // Neither the clock's jumps nor a stored date of the future may make us deaf.
    const from = unixSeconds(Math.min(this.#guarded(() => this.#handlers.highWater(this.url)) ?? now, now));
    this.#previousRound?.stop();
    this.#previousRound = this.#round;
    this.#round = startSyncRound({
      link,
      clock,
      filters: this.#subscriptions.map(({ filter, lookbackSeconds }) => ({
        ...filter,
        since: plusSeconds(from, -lookbackSeconds),
      })),
      take: (event) => this.#take(event),
      onSubscribed: () => {
        this.#previousRound?.stop();
        this.#previousRound = null;
        this.#become({ state: 'subscribed' });
      },
      onResult: (result) => this.#onRoundResult(result, now),
      onCut: (why) => {
        log.info('relay.subscription_cut', { relay: shown(this.url), why });
        this.#become({ state: 'open' });
        this.#roundWithin(why === 'rate-limited' ? ROUND_RETRY_FIRST_MS : CUT_RETRY_MS);
      },
    });
  }

  #stopRounds(): void {
    this.#previousRound?.stop();
    this.#round?.stop();
    this.#previousRound = null;
    this.#round = null;
  }

  async #take(event: unknown): Promise<boolean> {
    const isDurable = await this.#intake.take(event);
    if (!isDurable && !this.#isClosed) {
      this.#ports.log.warn('relay.event_not_kept', { relay: shown(this.url) });
      this.#roundWithin(ROUND_RETRY_FIRST_MS);
    }
    return isDurable;
  }

  #onRoundResult(result: RoundResult, startedAt: UnixSeconds): void {
    const { log, rng } = this.#ports;
    if (result === 'synced') {
      this.#roundFailures = 0;
      this.#become({ syncedAt: startedAt });
      this.#guarded(() => this.#handlers.onSynced(this.url, startedAt));
      return this.#roundWithin(SWEEP_EVERY_MS);
    }
    log.warn('relay.not_synced', { relay: shown(this.url), why: result });
    // It wants AUTH and never said for what, or refused it: only a new connection can bring a challenge.
    if (result !== 'incomplete' && mayNeedAuth(result) && this.#link?.authState() !== 'done') this.#link?.close();
    this.#roundFailures += 1;
    this.#roundWithin(backoffMs(this.#roundFailures, ROUND_RETRY_FIRST_MS, ROUND_RETRY_MAX_MS, rng));
  }

  /** Begins a round after `delayMs`, unless one is due sooner. */
  #roundWithin(delayMs: number): void {
    if (this.#link === null) return;
    const dueMs = this.#ports.clock.monotonicMs() + delayMs;
    if (dueMs >= this.#roundDueMs) return;
    this.#cancelRound();
    this.#roundDueMs = dueMs;
    this.#cancelRound = this.#ports.clock.after(delayMs, () => this.#beginRound());
  }

  /** What the daemon does with our news may fail; that must not end the connection, nor the process. */
  #guarded<T>(call: () => T): T | null {
    try {
      return call();
    } catch (error) {
      this.#ports.log.error('relay.handler_failed', { relay: shown(this.url), ...errorFields(error) });
      return null;
    }
  }

  #become(change: Partial<RelayState>): void {
    const next = { ...this.#state, ...change };
    const hasChanged = next.state !== this.#state.state;
    this.#state = next;
    if (hasChanged && !this.#isClosed) this.#guarded(() => this.#handlers.onState(next));
  }
}

/** A relay's URL for the log: without a query, which may carry a token. */
export function shown(url: string): string {
  return url.replace(/\?.*$/, '');
}
