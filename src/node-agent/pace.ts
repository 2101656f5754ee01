/** How soon the agent does things again. Milliseconds. */
export interface Pace {
  /** Between tries to reach a relay, to deliver a letter, to be answered: doubling from first to most. */
  readonly retryFirstMs: number;
  readonly retryMostMs: number;
  /** Between looks at bitcoind, LND, LNbits and the disk. */
  readonly lookMs: number;
  /** Between looks at where owner and Timmy read. */
  readonly lookUpMs: number;
  /** How long the first message waits for a clock that has been set. */
  readonly patienceMs: number;
  /** A report's interval, named by Timmy in seconds, is this many milliseconds a second. */
  readonly secondMs: number;
}

const NORMAL: Pace = {
  retryFirstMs: 5_000,
  retryMostMs: 300_000,
  lookMs: 60_000,
  lookUpMs: 6 * 3_600_000,
  patienceMs: 120_000,
  secondMs: 1_000,
};

/** With `TIMMY_NODE_FAST=1` (tests, the stub) minutes are seconds. Time-outs of the network are not touched. */
export function paceOf(fast: boolean): Pace {
  if (!fast) return NORMAL;
  const quick = Object.entries(NORMAL).map(([name, ms]) => [name, Math.max(20, Math.round(ms / 60))]);
  return Object.fromEntries(quick) as Record<keyof Pace, number>;
}
