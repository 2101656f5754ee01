import { backoffMs } from '../../lib/backoff.ts';
import type { Cancel, Clock } from '../../lib/clock.ts';
import { errorFields, type Log } from '../../lib/log.ts';
import type { Rng } from '../../lib/rng.ts';
import { plusSeconds, unixSeconds, type UnixSeconds } from '../../lib/units.ts';
import type { Signer } from '../../nostr/signer.ts';
import type { Arrival, InboxHandlers, RelayState, Subscription } from '../../ports/relays.ts';
import { Intake } from './intake.ts';
import { openLink, type Link } from './link.ts';
import { Outage } from './outage.ts';
import { PoisonedBacklog } from './poison.ts';
import { Reconnect } from './reconnect.ts';
import { mayNeedAuth } from './refusals.ts';
import { OVERSIZE_CODE, type SocketFactory } from './socket.ts';
import type { Spellings } from './spellings.ts';
import { startSyncRound, type RoundResult, type SyncRound } from './sync-round.ts';

/** The safety net: everything within the look-back is asked for again. */
const SWEEP_EVERY_MS = 3_600_000;
const HALF_DEAF_EVERY_MS = 15_000;
/** What is missing of the backlog while we hear what is new. */
const ROUND_RETRY_FIRST_MS = 60_000;
const ROUND_RETRY_MAX_MS = 3_600_000;
/** The relay is there and will not have us read: asked again soon, then every minute, for it may be a passing mood. */
const REFUSED_RETRY_FIRST_MS = 2_000;
const REFUSED_RETRY_NEAR_MS = 3_500;
const REFUSED_RETRY_MAX_MS = 60_000;
/** Tries at the near distance: about ten minutes. */
const NEAR_TRIES = 200;
const CUT_RETRY_MS = 1_000;
/** What was left out because something poisoned it is read soon, at the pace of a relay that serves others too. */
const PARTIAL_RETRY_MS = 1_000;

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
  /** Rounds in a row that left us deaf on a connection that holds. */
  #refusals = 0;
  readonly #reconnect: Reconnect;
  readonly #outage: Outage;
  readonly #backlogs: readonly PoisonedBacklog[];
  /** This connection was subscribed once. */
  #hasServed = false;
  /** This connection was given up because the relay will not have our key. */
  #isUnwelcome = false;
  #saidOversize = false;
  #cancelConnect: Cancel = () => {};
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
    this.#reconnect = new Reconnect(ports.clock, ports.rng);
    this.#outage = new Outage(shown(url), ports.clock, ports.log);
    this.#backlogs = subscriptions.map(() => new PoisonedBacklog());
    this.#outage.began();
    this.#intake = new Intake({
      handle: (event, arrival) => handlers.onEvent(event, url, arrival),
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
    this.#outage.stop();
    this.#cancelConnect();
    this.#link?.close();
    await this.#intake.close();
  }

  #connect(): void {
    const { clock, signer, openSocket, spellings } = this.#ports;
    this.#hasServed = false;
    this.#isUnwelcome = false;
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
      onClosed: (code) => this.#onClosed(code),
    });
  }

  #onReady(): void {
    this.#become({ state: 'open' });
    this.#beginRound();
  }

  #onClosed(code: number): void {
    const { clock, log } = this.#ports;
    this.#cancelRound();
    this.#roundDueMs = Infinity;
    this.#stopRounds();
    this.#link = null;
    if (this.#isClosed) return;
    const isOversize = code === OVERSIZE_CODE;
    if (isOversize) this.#onOversize();
    // Cut by what it sent, the relay itself is well: the ration of returns alone sets the pace.
    const served = this.#hasServed || isOversize;
    const delayMs = this.#reconnect.next({ served, unwelcome: this.#isUnwelcome });
    this.#outage.because(this.#isUnwelcome ? 'refused' : isOversize ? 'oversize' : 'unreachable');
    this.#become({ state: 'waiting', failures: this.#reconnect.failures });
    log.debug('relay.closed', { relay: shown(this.url), code, failures: this.#reconnect.failures });
    this.#cancelConnect = clock.after(delayMs, () => this.#connect());
  }

  /** Something kept there cuts the connection each time that it is sent: from now on we read around it. */
  #onOversize(): void {
    const { clock, log } = this.#ports;
    const from = this.#from();
    this.#subscriptions.forEach(({ lookbackSeconds }, i) =>
      this.#backlogs[i]?.cut(from - lookbackSeconds, clock.now(), clock.monotonicMs(), this.#hasServed),
    );
    if (this.#saidOversize) return;
    this.#saidOversize = true;
    log.warn('relay.oversize', { relay: shown(this.url) });
    this.#guarded(() => this.#handlers.onTrouble?.(this.url, 'oversize'));
  }

  /** The high-water: neither the clock's jumps nor a stored date of the future may make us deaf. */
  #from(): UnixSeconds {
    const now = this.#ports.clock.now();
    return unixSeconds(Math.min(this.#guarded(() => this.#handlers.highWater(this.url)) ?? now, now));
  }

  /** Asks for everything since the high-water, less the look-back, and keeps what is subscribed until then. */
  #beginRound(): void {
    const link = this.#link;
    if (link?.state() !== 'ready') return;
    this.#cancelRound();
    this.#roundDueMs = Infinity;
    const { clock, log } = this.#ports;
    const now = clock.now();
    const from = this.#from();
    this.#previousRound?.stop();
    this.#previousRound = this.#round;
    this.#round = startSyncRound({
      link,
      clock,
      wishes: this.#subscriptions.map(({ filter, lookbackSeconds }, i) => {
        const since = plusSeconds(from, -lookbackSeconds);
        return {
          filter: { ...filter, since },
          detour: this.#backlogs[i]?.begin(since, now, clock.monotonicMs()) ?? null,
        };
      }),
      take: (event, arrival) => this.#take(event, arrival),
      onSubscribed: () => {
        this.#previousRound?.stop();
        this.#previousRound = null;
        this.#hasServed = true;
        this.#refusals = 0;
        this.#reconnect.succeeded();
        this.#outage.ended();
        this.#become({ state: 'subscribed', failures: 0 });
      },
      onResult: (result) => this.#onRoundResult(result, now),
      onCut: (why) => {
        log.debug('relay.subscription_cut', { relay: shown(this.url), why });
        this.#outage.because(why);
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

  async #take(event: unknown, arrival: Arrival): Promise<boolean> {
    const isDurable = await this.#intake.take(event, arrival);
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
      if (this.#backlogs.some((backlog) => backlog.isPartial)) return this.#roundWithin(PARTIAL_RETRY_MS);
      this.#become({ syncedAt: startedAt });
      this.#guarded(() => this.#handlers.onSynced(this.url, startedAt));
      const isHalfDeaf = this.#backlogs.some((backlog) => backlog.isHalfDeaf);
      return this.#roundWithin(isHalfDeaf ? HALF_DEAF_EVERY_MS : SWEEP_EVERY_MS);
    }
    const isDeaf = this.#state.state !== 'subscribed';
    // Said once for a run of failures.
    if (this.#roundFailures === 0) log.warn('relay.not_synced', { relay: shown(this.url), why: result });
    this.#roundFailures += 1;
    this.#outage.because(result);
    // It wants AUTH and never said for what, or refused it: only a new connection can bring a challenge.
    if (result !== 'incomplete' && mayNeedAuth(result) && this.#link?.authState() !== 'done') {
      this.#isUnwelcome = this.#link?.authState() === 'refused';
      return this.#link?.close();
    }
    if (!isDeaf || result === 'rate-limited') {
      return this.#roundWithin(backoffMs(this.#roundFailures, ROUND_RETRY_FIRST_MS, ROUND_RETRY_MAX_MS, rng));
    }
    this.#refusals += 1;
    const farthestMs = this.#refusals > NEAR_TRIES ? REFUSED_RETRY_MAX_MS : REFUSED_RETRY_NEAR_MS;
    this.#roundWithin(backoffMs(this.#refusals, REFUSED_RETRY_FIRST_MS, farthestMs, rng));
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
    if (next.state !== 'subscribed' && !this.#isClosed) this.#outage.began();
    if (hasChanged && !this.#isClosed) this.#guarded(() => this.#handlers.onState(next));
  }
}

/** A relay's URL for the log: without a query, which may carry a token. */
export function shown(url: string): string {
  return url.replace(/\?.*$/, '');
}
