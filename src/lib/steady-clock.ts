import type { Clock } from './clock.ts';
import { unixSeconds, type UnixSeconds } from './units.ts';

/** The machine's clocks. */
export interface MachineClock extends Clock {
  /** Milliseconds since the machine began, sleep included, which `monotonicMs` leaves out. Null or absent: it does not say. */
  uptimeMs?(): number | null;
}

/** What happened to time since it was last looked at. */
export type TimeNews =
  /** The machine slept: time went on, we did not. */
  | { readonly type: 'slept'; readonly from: UnixSeconds; readonly to: UnixSeconds }
  /** The wall clock moved by so many seconds without time passing. `gently`: followed little by little, else doubted. */
  | { readonly type: 'stepped'; readonly seconds: number; readonly gently: boolean }
  /** A doubted step took itself back. */
  | { readonly type: 'returned' }
  /** A doubted step stood for so long that it is believed: `now` goes from `from` to `to`, either way. */
  | { readonly type: 'followed'; readonly from: UnixSeconds; readonly to: UnixSeconds };

/**
 * A wall clock that does not jump. `now` is the machine's wall clock as long as that agrees with the monotonic one, else
 * it is carried on from where they last agreed: no deadline runs out, and none recedes, because somebody set a clock.
 * `now` never goes back, except where a step back is believed.
 */
export interface SteadyClock extends Clock {
  /** The later of our time and the machine's: while they disagree, nobody's date up to here is surely wrong. */
  latest(): UnixSeconds;
  /** A step is doubted: a word from outside would help. */
  isInDoubt(): boolean;
  /**
   * What time it is elsewhere. It only ever decides between our time and the machine's, within a minute: a doubted step
   * is followed at once, or doubted for another ten minutes.
   */
  witness(date: UnixSeconds): void;
  /**
   * Looks at all clocks; call it each second. What happened is told to `record` before `now` moves by it, so that a
   * gap in time and what is known of it are never apart. @throws what `record` throws; then nothing happened yet.
   */
  observe(record: (news: readonly TimeNews[]) => void): void;
}

export interface SteadyClockOptions {
  /** When we were last alive: time does not begin before it. */
  readonly lastAlive?: UnixSeconds | null;
  /** Never followed to before this. */
  readonly floor?: UnixSeconds | null;
}

/** Clocks that are so near each other agree: `Clock.now` counts whole seconds. */
const AGREES_MS = 2000;
/** A step up to this is followed gently, a tenth faster or slower than time. */
const GENTLE_MS = 300_000;
/** A larger step is believed when it stood for so long. */
export const BELIEVED_AFTER_MS = 600_000;
/** A witness that is further from a clock does not speak for it. Answers travel, and pass through caches. */
const WITNESS_SECONDS = 60;
/** The same step, as long as it does not move by more. */
const SAME_STEP_MS = 10_000;
/** Shorter pauses are small steps: an uptime may count whole seconds. */
const SLEEP_NOTICED_MS = 5000;

interface Anchor {
  readonly steadyMs: number;
  readonly monotonicMs: number;
  readonly uptimeMs: number | null;
}

interface Step {
  readonly differenceMs: number;
  readonly sinceMonotonicMs: number;
  readonly isWitnessed: boolean;
}

/** Makes `machine` steady. Pure but for reading it. */
export function createSteadyClock(machine: MachineClock, options: SteadyClockOptions = {}): SteadyClock {
  const begun = Math.max(machine.now(), options.lastAlive ?? 0) * 1000;
  const uptimeMs = (): number | null => machine.uptimeMs?.() ?? null;
  let anchor: Anchor = { steadyMs: begun, monotonicMs: machine.monotonicMs(), uptimeMs: uptimeMs() };
  let latestSaid = begun / 1000;
  let step: Step | null = null;

  const carriedMs = (): number => anchor.steadyMs + machine.monotonicMs() - anchor.monotonicMs;

  function now(): UnixSeconds {
    const wall = machine.now() * 1000;
    const carried = carriedMs();
    const at = Math.abs(wall - carried) <= AGREES_MS ? wall : carried;
    latestSaid = Math.max(latestSaid, Math.floor(at / 1000));
    return unixSeconds(latestSaid);
  }

  function observe(record: (news: readonly TimeNews[]) => void): void {
    const wall = machine.now() * 1000;
    const monotonicMs = machine.monotonicMs();
    const up = uptimeMs();
    const awakeMs = monotonicMs - anchor.monotonicMs;
    const pausedMs = up === null || anchor.uptimeMs === null ? 0 : up - anchor.uptimeMs - awakeMs;
    const sleptMs = pausedMs >= SLEEP_NOTICED_MS ? pausedMs : 0;
    const before = anchor.steadyMs + awakeMs;
    const carried = before + sleptMs;
    const news: TimeNews[] = [];
    if (sleptMs > 0) news.push({ type: 'slept', from: seconds(before), to: seconds(carried) });

    const { steadyMs, next } = judge(wall - carried, carried, awakeMs, monotonicMs, news);
    if (news.length > 0) record(news);
    anchor = { steadyMs, monotonicMs, uptimeMs: up };
    step = next;
    if (steadyMs < carried && news.some((one) => one.type === 'followed')) latestSaid = seconds(steadyMs);
  }

  function judge(
    differenceMs: number,
    carried: number,
    awakeMs: number,
    monotonicMs: number,
    news: TimeNews[],
  ): { steadyMs: number; next: Step | null } {
    const wall = carried + differenceMs;
    if (Math.abs(differenceMs) <= AGREES_MS) {
      if (isInDoubt()) news.push({ type: 'returned' });
      return { steadyMs: wall, next: null };
    }
    const inSeconds = Math.round(differenceMs / 1000);
    const begins: Step = { differenceMs, sinceMonotonicMs: monotonicMs, isWitnessed: false };
    if (Math.abs(differenceMs) <= GENTLE_MS) {
      const isNew = step === null || Math.abs(step.differenceMs) > GENTLE_MS;
      if (isNew) news.push({ type: 'stepped', seconds: inSeconds, gently: true });
      const part = Math.min(Math.abs(differenceMs), Math.trunc(awakeMs / 10));
      return { steadyMs: carried + Math.sign(differenceMs) * part, next: begins };
    }
    if (step === null || Math.abs(step.differenceMs - differenceMs) > SAME_STEP_MS) {
      news.push({ type: 'stepped', seconds: inSeconds, gently: false });
      return { steadyMs: carried, next: begins };
    }
    const stood = step.isWitnessed || monotonicMs - step.sinceMonotonicMs >= BELIEVED_AFTER_MS;
    if (!stood || seconds(wall) < (options.floor ?? 0)) return { steadyMs: carried, next: step };
    news.push({ type: 'followed', from: seconds(carried), to: seconds(wall) });
    return { steadyMs: wall, next: null };
  }

  const isInDoubt = (): boolean => step !== null && Math.abs(step.differenceMs) > GENTLE_MS;

  function witness(date: UnixSeconds): void {
    if (step === null || !isInDoubt()) return;
    if (Math.abs(date - machine.now()) <= WITNESS_SECONDS) step = { ...step, isWitnessed: true };
    else if (Math.abs(date - now()) <= WITNESS_SECONDS)
      step = { ...step, sinceMonotonicMs: machine.monotonicMs(), isWitnessed: false };
  }

  return {
    now,
    isInDoubt,
    witness,
    latest: () => unixSeconds(Math.max(now(), machine.now())),
    monotonicMs: () => machine.monotonicMs(),
    after: (delayMs, callback) => machine.after(delayMs, callback),
    observe,
  };
}

function seconds(ms: number): UnixSeconds {
  return unixSeconds(Math.max(0, Math.floor(ms / 1000)));
}
