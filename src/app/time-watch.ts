import { forgetFutureDates } from '../customers/index.ts';
import { keepFact, readFact, type Database, type Reader, type Tx } from '../db/index.ts';
import { beginOutage, endAllOutages, endOutage, recordOutage, type OutageWhy } from '../downtime/index.ts';
import type { Cancel } from '../lib/clock.ts';
import { errorFields, type Log } from '../lib/log.ts';
import {
  BELIEVED_AFTER_MS,
  createSteadyClock,
  type MachineClock,
  type SteadyClock,
  type TimeNews,
} from '../lib/steady-clock.ts';
import { unixSeconds, type UnixSeconds } from '../lib/units.ts';
import type { BtcPriceSources } from '../ports/btc-price.ts';
import { putBackOffers } from '../messaging/index.ts';
import { putBackDueDates } from '../tasks/index.ts';

export interface TimeWatchOptions {
  readonly database: Database;
  readonly clock: SteadyClock;
  readonly log: Log;
  readonly alert: (tx: Tx, what: string) => void;
  /** No inbox relay is subscribed: nobody can reach us. */
  readonly isDeaf: () => boolean;
  /** Has somebody outside say what time it is (`asWitnesses`). */
  readonly askWitness: () => void;
  /** Time has moved: what is due may be more than was. */
  readonly onMoved: () => void;
}

export interface TimeWatch {
  /** Records what we missed since the last sign of life; before the worker starts. */
  start(): void;
  stop(): void;
}

const LOOK_MS = 1000;
/** How often a sign of life is written; not waiting for the disk: a power cut makes us down a little longer. */
const ALIVE_EVERY_SECONDS = 15;
/** Shorter than this nobody notices. */
const DEAF_AFTER_SECONDS = 60;
/** Outages that the operator is told of. */
const TOLD_FROM_SECONDS = 600;

/** The sources of the price also tell what time it is: machines of others, where the wallet's may be our own. */
export function asWitnesses(sources: BtcPriceSources, clock: SteadyClock): BtcPriceSources {
  return {
    count: sources.count,
    read: async (signal) => {
      const readings = await sources.read(signal);
      for (const { date } of readings) if (date !== undefined) clock.witness(date);
      return readings;
    },
  };
}

/** The clock of the daemon: goes on from the last sign of life, and never to before this database was born. */
export function steadyClockOf(machine: MachineClock, reader: Reader): SteadyClock {
  return createSteadyClock(machine, { lastAlive: dateOf(reader, 'last_alive'), floor: dateOf(reader, 'born_at') });
}

function dateOf(reader: Reader, name: 'last_alive' | 'born_at'): UnixSeconds | null {
  const value = readFact(reader, name);
  return value === null ? null : unixSeconds(Number(value));
}

/**
 * Keeps the clock steady and the table of outages true: each second it looks at the clocks and at the relays.
 *
 * Killed at any moment: the next start takes the time since the last sign of life for downtime.
 */
export function createTimeWatch(options: TimeWatchOptions): TimeWatch {
  const { database, clock, log, alert } = options;
  let cancel: Cancel = () => {};
  let aliveAt: UnixSeconds | null = null;
  let deafSince: UnixSeconds | null = null;

  function note(tx: Tx, why: keyof typeof OVER, from: UnixSeconds, to: UnixSeconds): void {
    const seconds = to - from;
    if (seconds <= 0) return;
    recordOutage(tx, why, from, to);
    log.warn('downtime.recorded', { why, from, seconds });
    if (seconds >= TOLD_FROM_SECONDS) alert(tx, OVER[why]);
  }

  function record(news: readonly TimeNews[]): void {
    database.write((tx) => {
      for (const one of news) {
        switch (one.type) {
          case 'slept':
            log.warn('clock.slept', { seconds: one.to - one.from });
            note(tx, 'asleep', one.from, one.to);
            break;
          case 'stepped':
            log.warn('clock.stepped', { seconds: one.seconds, followed: one.gently ? 'gently' : 'not yet' });
            if (!one.gently) alert(tx, STEPPED);
            break;
          case 'returned':
            log.warn('clock.returned');
            alert(tx, "The machine's clock is right again. Nothing ran out meanwhile.");
            break;
          case 'followed':
            follow(tx, one.from, one.to);
            break;
        }
      }
    });
  }

  function follow(tx: Tx, from: UnixSeconds, to: UnixSeconds): void {
    log.warn('clock.followed', { seconds: to - from });
    if (to > from) return note(tx, 'clock', from, to);
    // Told by the time that ends here: it is put back with all the rest.
    alert(
      tx,
      "The machine's clock was put back and stays so: I follow it. What waits goes on waiting as long as it would have.",
    );
    putBackDueDates(tx, from - to, to);
    putBackOffers(tx, from - to, to);
    forgetFutureDates(tx, to);
  }

  function look(): void {
    let moved = false;
    clock.observe((news) => {
      record(news);
      moved = news.some((one) => one.type === 'slept' || one.type === 'followed');
    });
    const now = clock.now();
    listen(now);
    if (aliveAt === null || moved || now - aliveAt >= ALIVE_EVERY_SECONDS) signOfLife(now);
    if (clock.isInDoubt()) options.askWitness();
    if (moved) options.onMoved();
  }

  function listen(now: UnixSeconds): void {
    if (options.isDeaf()) {
      // A clock put back meanwhile began nothing later than now.
      deafSince = deafSince === null || deafSince > now ? now : deafSince;
      const since = deafSince;
      if (now - since < DEAF_AFTER_SECONDS) return;
      const isNew = database.writeUnsynced((tx) => beginOutage(tx, 'deaf', since));
      if (isNew) log.warn('downtime.began', { why: 'deaf', from: since });
    } else if (deafSince !== null) {
      const since = deafSince;
      if (now - since >= DEAF_AFTER_SECONDS) hearAgain(now);
      deafSince = null;
    }
  }

  function hearAgain(now: UnixSeconds): void {
    database.write((tx) => {
      const over = endOutage(tx, 'deaf', now);
      if (over === null) return;
      const seconds = now - over.from;
      log.warn('downtime.recorded', { why: 'deaf', from: over.from, seconds });
      if (seconds >= TOLD_FROM_SECONDS) alert(tx, OVER.deaf);
    });
  }

  function signOfLife(now: UnixSeconds): void {
    database.writeUnsynced((tx) => keepFact(tx, 'last_alive', String(now)));
    aliveAt = now;
  }

  function tick(): void {
    cancel = clock.after(LOOK_MS, () => {
      try {
        look();
      } catch (error) {
        // A database that is full or locked: time goes on as it was, and the next look tries again.
        log.error('clock.not_recorded', errorFields(error));
      }
      tick();
    });
  }

  return {
    start: () => {
      const now = clock.now();
      database.write((tx) => {
        const last = dateOf(tx, 'last_alive');
        if (last !== null) {
          endAllOutages(tx, last);
          note(tx, 'down', last, now);
        }
        keepFact(tx, 'last_alive', String(now));
      });
      aliveAt = now;
      tick();
    },
    stop: () => {
      cancel();
      try {
        signOfLife(clock.now());
      } catch (error) {
        // The time since the last one counts as down then.
        log.error('clock.not_recorded', errorFields(error));
      }
    },
  };
}

const STEPPED = `The machine's clock jumped by more than five minutes, without time passing. I go on by my own count; if it stays so for ${BELIEVED_AFTER_MS / 60_000} minutes I follow it. Look at its time (timedatectl).`;

const OVER: Readonly<Record<Exclude<OutageWhy, 'stalled'>, string>> = {
  down: 'I was down for more than ten minutes and am back. What came meanwhile is answered now; customers have that much longer for everything.',
  asleep:
    'The machine slept for more than ten minutes and is awake. What came meanwhile is answered now; customers have that much longer for everything.',
  deaf: 'No relay could be read for more than ten minutes; one can again. What came meanwhile is answered now; customers have that much longer for everything.',
  clock:
    "The machine's clock was put forward and stays so: I follow it. Customers have that much longer for everything.",
};
