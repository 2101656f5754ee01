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
import type { Spellings } from './spellings.ts';
import { startSyncRound, type RoundResult, type SyncRound } from './sync-round.ts';

/** After a connection that served: at once, nearly. */
const RECONNECT_AT_ONCE_MS = 150;
const RECONNECT_FIRST_MS = 1_000;
/** Within five seconds of its return we read there again. A try costs a packet or two; after hours it is made rarely. */
const RECONNECT_MAX_MS = 3_500;
const RECONNECT_LATER_MAX_MS = 60_000;
const LATER_AFTER_MS = 2 * 3_600_000;
/** A connection that was subscribed and held so long has served. One that is cut at once counts as a failure to connect. */
const SERVED_MS = 2_000;
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
  readonly spellings: Spellings;
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
  /** Of this connection: since when it is subscribed. */
  #subscribedMs: number | null = null;
  #failingSinceMs: number | null = null;
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
    const { clock, signer, openSocket, spellings } = this.#ports;
    this.#become({ state: 'connecting' });
    this.#link = openLink({
      url: this.url,
      clock,
      signer,
      openSocket,
      spellings,
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
    this.#beginRound();
  }

  #onClosed(): void {
    const { clock, rng, log } = this.#ports;
    this.#cancelRound();
    this.#roundDueMs = Infinity;
    this.#stopRounds();
    this.#link = null;
    if (this.#isClosed) return;
    const nowMs = clock.monotonicMs();
    const served = this.#subscribedMs !== null && nowMs - this.#subscribedMs >= SERVED_MS;
    this.#subscribedMs = null;
    this.#failingSinceMs = served ? null : (this.#failingSinceMs ?? nowMs);
    const failures = served ? 0 : this.#state.failures + 1;
    this.#become({ state: 'waiting', failures });
    log.debug('relay.closed', { relay: shown(this.url), failures });
    const isLong = this.#failingSinceMs !== null && nowMs - this.#failingSinceMs >= LATER_AFTER_MS;
    const longest = isLong ? RECONNECT_LATER_MAX_MS : RECONNECT_MAX_MS;
    const wait = served ? RECONNECT_AT_ONCE_MS : backoffMs(failures, RECONNECT_FIRST_MS, longest, rng);
    this.#cancelConnect = clock.after(wait, () => this.#connect());
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
        this.#subscribedMs ??= clock.monotonicMs();
        this.#become({ state: 'subscribed', failures: 0 });
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
