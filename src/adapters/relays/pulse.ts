import type { Cancel, Clock } from '../../lib/clock.ts';

const PULSE_MS = 5_000;
const PING_EVERY_MS = 25_000;
const SILENCE_LIMIT_MS = 60_000;
/** After the machine slept, the relay has so long to show that it is still there. */
const AFTER_SLEEP_LIMIT_MS = 5_000;
/** A pulse this late, by either clock, means that the machine slept (or that the clock was set: then we ask in vain). */
const SLEPT_MS = 30_000;

export interface PulseOptions {
  readonly clock: Clock;
  ping(): void;
  /** Nobody is there any more. */
  onDead(): void;
}

/** A half-open connection looks well for hours: only an answer to a ping proves that somebody is there. */
export class Pulse {
  readonly #options: PulseOptions;
  #lastHeardMs: number;
  #lastPingMs: number;
  #lastPulse: { readonly monotonicMs: number; readonly wallSeconds: number };
  #limitMs = SILENCE_LIMIT_MS;
  #isPaused = false;
  #cancel: Cancel;

  constructor(options: PulseOptions) {
    const { clock } = options;
    this.#options = options;
    this.#lastHeardMs = clock.monotonicMs();
    this.#lastPingMs = this.#lastHeardMs;
    this.#lastPulse = { monotonicMs: this.#lastHeardMs, wallSeconds: clock.now() };
    this.#cancel = clock.after(PULSE_MS, () => this.#beat());
  }

  heard(): void {
    this.#lastHeardMs = this.#options.clock.monotonicMs();
    this.#limitMs = SILENCE_LIMIT_MS;
  }

  /** While we do not read, silence proves nothing. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.heard();
  }

  stop(): void {
    this.#cancel();
  }

  #beat(): void {
    const options = this.#options;
    const { clock } = options;
    const now = clock.monotonicMs();
    if (this.#hasSlept(now)) {
      this.#lastHeardMs = now;
      this.#limitMs = AFTER_SLEEP_LIMIT_MS;
      this.#lastPingMs = now - PING_EVERY_MS;
    }
    if (!this.#isPaused && now - this.#lastHeardMs >= this.#limitMs) return options.onDead();
    if (now - this.#lastPingMs >= PING_EVERY_MS) {
      this.#lastPingMs = now;
      options.ping();
    }
    this.#cancel = clock.after(PULSE_MS, () => this.#beat());
  }

  #hasSlept(now: number): boolean {
    const wallSeconds = this.#options.clock.now();
    const last = this.#lastPulse;
    this.#lastPulse = { monotonicMs: now, wallSeconds };
    return Math.max(now - last.monotonicMs, (wallSeconds - last.wallSeconds) * 1000) >= SLEPT_MS;
  }
}
