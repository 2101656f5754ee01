import { sleep, type Clock } from '../lib/clock.ts';

/** Ends a wait early. Rung while nobody waits, it ends the next wait at once. */
export interface Bell {
  ring(): void;
  /** Until it rings, `ms` are over, or the agent ends. */
  wait(ms: number): Promise<void>;
}

export function createBell(clock: Clock, stop: AbortSignal): Bell {
  let rung = false;
  let wake: (() => void) | null = null;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async wait(ms) {
      if (!rung && !stop.aborted) {
        const early = new AbortController();
        wake = () => early.abort();
        stop.addEventListener('abort', wake, { once: true });
        await sleep(clock, ms, early.signal);
        stop.removeEventListener('abort', wake);
        wake = null;
      }
      rung = false;
    },
  };
}
