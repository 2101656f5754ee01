import type { Texts } from '../../customers/index.ts';
import { statement, type Database, type Tx } from '../../db/index.ts';
import { reachingBack } from '../../downtime/index.ts';
import { withTimeout, type Cancel, type Clock } from '../../lib/clock.ts';
import type { ReachCrashPoint } from '../../lib/crash-points.ts';
import { errorFields, type Log } from '../../lib/log.ts';
import { plusSeconds, type UnixSeconds } from '../../lib/units.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import type { PublishResult } from '../../ports/relays.ts';
import { loadOutgoing } from '../outbox.ts';
import { afterFailure, afterSuccess, standingOf, UNKNOWN, type RelayRecord, type Standing } from './breaker.ts';
import { ladder, type LadderOptions } from './ladder.ts';
import { giveUpAfter } from './patience.ts';
import { climb, giveUp, noteAnswer } from './progress.ts';
import {
  dueAt,
  dueRelays,
  mayGo,
  outlived,
  stuckAnswers,
  wakeRelay,
  type DueRow,
  type StuckAnswer,
} from './waiting.ts';

export interface PublisherOptions extends LadderOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly reach: ReachCrashPoint;
  readonly texts: Texts;
  /** Paid answers that nobody has taken for an hour: a person should know. Each once. */
  readonly onStuck: (tx: Tx, stuck: readonly StuckAnswer[], now: UnixSeconds) => void;
}

export interface Publisher {
  start(): void;
  /** Looks for what can go out, soon; safe within a transaction. */
  poke(): void;
  /** This relay is there (again): what waits for it goes out now. */
  relayIsBack(relay: string): void;
  /** Begins nothing more, breaks off what is under way after `graceMs` (it is sent again), resolves when all has ended. */
  stop(graceMs: number): Promise<void>;
}

const POLL_MS = 1000;
const AGES_EVERY_MS = 60_000;
/** Longer than a relay's own time for an OK (10 s). */
const TRY_MS = 15_000;
/** A relay that has not answered yet, or not lately, is given less: an OK that comes later is a duplicate's. */
const PROBE_TRY_MS = 5_000;
/** Relays looked at in one round, and messages of each. */
const RELAYS_AT_ONCE = 500;
const ROWS_AT_ONCE = 40;

/** Under way at a time: on one relay, and to one reader on it. */
const ON_RELAY: Readonly<Record<Standing | 'own', number>> = { own: 16, good: 6, new: 1, failing: 1 };
const TO_READER_ON_RELAY = 2;
/** To one reader in all, and on strangers' relays in all, by how these have treated us: the silent ones fill only their own places. */
const TO_READER = 8;
const IN_ALL: Readonly<Record<Standing, number>> = { good: 12, new: 20, failing: 8 };
/** Of these places kept for what was paid for. */
const FOR_PAID = 6;

interface UnderWay {
  readonly row: DueRow;
  readonly relay: string;
  readonly standing: Standing | 'own';
  readonly done: Promise<void>;
  readonly abort: () => void;
}

/**
 * Sends what is sealed to the relays where it is owed, each relay by itself: a relay that never answers costs one
 * place on that relay. What is owed stands in `outbox_relays`; nothing here is state that matters.
 *
 * Killed midway: a relay may have it; sent again it answers `duplicate`, which is success.
 */
export function createPublisher(options: PublisherOptions): Publisher {
  const { database, clock, log, reach, relays, texts } = options;
  const own = new Set(options.inboxRelays);
  const records = new Map<string, RelayRecord>();
  const underWay = new Map<string, UnderWay>();
  let isStopped = true;
  let isPoked = false;
  let cancelPoll: Cancel = () => {};
  let agesCheckedMs = -Infinity;

  function poke(): void {
    if (isStopped || isPoked) return;
    isPoked = true;
    // After the transaction in which it was called.
    queueMicrotask(() => {
      isPoked = false;
      if (!isStopped) fill();
    });
  }

  function fill(): void {
    try {
      climbAll();
      const now = clock.now();
      for (const { relay, paid } of dueRelays(database.read, now, RELAYS_AT_ONCE)) fillRelay(relay, paid === 1, now);
    } catch (error) {
      // The next round tries again; a database that stays broken ends the process by its other writers.
      log.error('publisher.failed', errorFields(error));
    }
  }

  function climbAll(): void {
    const rows = statement(database.read, 'SELECT id, recipient FROM outbox WHERE climb_at <= ? LIMIT 200').all(
      clock.now(),
    ) as { id: number; recipient: string }[];
    if (rows.length === 0) return;
    database.write((tx) => {
      for (const { id, recipient } of rows) climb(tx, id, ladder(tx, recipient, options), clock.now());
    });
  }

  function fillRelay(relay: string, isPaid: boolean, now: UnixSeconds): void {
    const record = records.get(relay) ?? UNKNOWN;
    if (clock.monotonicMs() < record.nextAt) return;
    const standing = own.has(relay) ? 'own' : standingOf(record);
    const busy = [...underWay.values()];
    const here = busy.filter((one) => one.relay === relay);
    let room = ON_RELAY[standing === 'own' && standingOf(record) === 'failing' ? 'failing' : standing] - here.length;
    if (standing !== 'own') {
      const places = IN_ALL[standing] - (isPaid || standing !== 'new' ? 0 : FOR_PAID);
      room = Math.min(room, places - busy.filter((one) => one.standing === standing).length);
    }
    if (room <= 0) return;
    for (const row of dueAt(database.read, relay, now, { each: TO_READER_ON_RELAY, limit: ROWS_AT_ONCE })) {
      if (room <= 0) return;
      const toReader = [...underWay.values()].filter((one) => one.row.recipient === row.recipient);
      const isFree =
        !underWay.has(keyOf(row, relay)) &&
        toReader.length < TO_READER &&
        toReader.filter((one) => one.relay === relay).length < TO_READER_ON_RELAY;
      if (!isFree) continue;
      begin(row, relay, standing, record);
      room -= 1;
    }
  }

  function begin(row: DueRow, relay: string, standing: Standing | 'own', record: RelayRecord): void {
    const stop = new AbortController();
    const isProbe = standing === 'new' || standingOf(record) === 'failing';
    const limited = withTimeout(clock, isProbe ? PROBE_TRY_MS : TRY_MS, stop.signal);
    const key = keyOf(row, relay);
    const done = send(row, relay, limited.signal)
      .catch((error: unknown) => log.error('publisher.failed', errorFields(error)))
      .finally(() => {
        limited.done();
        underWay.delete(key);
        poke();
      });
    underWay.set(key, { row, relay, standing, done, abort: () => stop.abort(new Error('stopping')) });
  }

  async function send(row: DueRow, relay: string, signal: AbortSignal): Promise<void> {
    if (!mayGo(database.read, row.id, relay)) return;
    reach('outbox.publish:acting');
    const result = await relays.publish(relay, JSON.parse(row.event) as NostrEvent, signal);
    reach('outbox.publish:acted');
    if (isStopped && result.outcome !== 'accepted') return;
    const isBack = noteRecord(relay, result, row.paid === 1);
    const news = database.write((tx) => {
      if (isBack) wakeRelay(tx, relay, clock.now());
      const isGood = own.has(relay) || (records.get(relay)?.goodAt ?? null) !== null;
      return noteAnswer(tx, texts, { outboxId: row.id, relay, result, isGood }, clock.now());
    });
    reach('outbox.publish:committed');
    tell(row, news);
  }

  /** @returns whether a relay that failed is back. */
  function noteRecord(relay: string, result: PublishResult, isWanted: boolean): boolean {
    const before = records.get(relay) ?? UNKNOWN;
    const nowMs = clock.monotonicMs();
    const isAway =
      result.outcome === 'unknown' || (result.outcome === 'later' && ['unreachable', 'error'].includes(result.why));
    const after = isAway ? afterFailure(before, nowMs, isWanted) : afterSuccess(before, nowMs);
    remember(relay, result.outcome === 'accepted' || isAway ? after : { ...after, goodAt: before.goodAt });
    const [was, is] = [standingOf(before), standingOf(after)];
    if (was !== 'failing' && is === 'failing') log.info('relay.not_answering', { relay: shown(relay) });
    if (was === 'failing' && is !== 'failing') log.info('relay.answers_again', { relay: shown(relay) });
    return was === 'failing' && is !== 'failing';
  }

  /** A bounded memory: the one heard of longest ago is forgotten, which costs it a few tries. */
  function remember(relay: string, record: RelayRecord): void {
    records.delete(relay);
    records.set(relay, record);
    if (records.size > MAX_RECORDS) records.delete(records.keys().next().value ?? relay);
  }

  function tell(row: DueRow, news: 'delivered' | 'undeliverable' | null): void {
    if (news === null) return;
    const { orderId, createdAt } = loadOutgoing(database.read, row.id);
    const fields = { message: row.id, order: orderId, seconds: clock.now() - createdAt };
    if (news === 'delivered') log.info('message.delivered', fields);
    else log.warn('message.undeliverable', fields);
  }

  function checkAges(): void {
    const nowMs = clock.monotonicMs();
    if (nowMs - agesCheckedMs < AGES_EVERY_MS) return;
    agesCheckedMs = nowMs;
    const before = (isPaid: boolean): UnixSeconds =>
      reachingBack(database.read, clock.now(), giveUpAfter({ isPaid, isDelivered: false }));
    const old = outlived(database.read, { unpaid: before(false), paid: before(true) });
    if (old.length > 0) database.write((tx) => old.forEach((id) => giveUp(tx, id, clock.now())));
    const stuck = stuckAnswers(database.read, plusSeconds(clock.now(), -3600));
    if (stuck.length > 0) database.write((tx) => options.onStuck(tx, stuck, clock.now()));
  }

  function poll(): void {
    cancelPoll = clock.after(POLL_MS, () => {
      if (isStopped) return;
      fill();
      checkAges();
      poll();
    });
  }

  return {
    start: () => {
      isStopped = false;
      fill();
      poll();
    },
    poke,
    relayIsBack: (relay) => {
      const record = records.get(relay);
      if (record !== undefined) remember(relay, { ...record, failures: 0, nextAt: 0, failingSince: null });
      database.write((tx) => wakeRelay(tx, relay, clock.now()));
      poke();
    },
    stop: async (graceMs) => {
      isStopped = true;
      cancelPoll();
      const cancel = clock.after(graceMs, () => {
        for (const one of underWay.values()) one.abort();
      });
      await Promise.all([...underWay.values()].map(({ done }) => done));
      cancel();
    },
  };
}

const MAX_RECORDS = 5_000;

function keyOf(row: DueRow, relay: string): string {
  return `${row.id} ${relay}`;
}

/** For the log: without a query, which may carry a token. */
function shown(relay: string): string {
  return relay.replace(/\?.*$/, '');
}
