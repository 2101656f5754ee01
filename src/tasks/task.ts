import type { Tx } from '../db/index.ts';
import type { UnixSeconds } from '../lib/units.ts';

/** A claimed task. `payload` is JSON of the kind's own making. */
export interface Task<P> {
  readonly id: number;
  readonly kind: string;
  readonly payload: P;
  /** 1 on the first run that counts; a run that died with the process counts. */
  readonly attempt: number;
  /** All runs so far, this one included. */
  readonly tries: number;
  readonly createdAt: UnixSeconds;
}

/** What came of a task: runs in ONE transaction together with the task's end. Synchronous, no I/O. */
export type Commit = (tx: Tx) => void;

/** The worker runs so many tasks of a pool side by side. */
export type Pool = 'orders' | 'deliveries' | 'invoices' | 'wallet' | 'late' | 'payouts' | 'model';

/**
 * How one kind of task is done: *act* may talk to the world, may be killed anywhere, and returns the commit.
 * Every kind says what the world may look like when it was killed midway, in its docstring (`Killed midway:`).
 */
export interface TaskKind<P> {
  readonly kind: string;
  readonly pool: Pool;
  /** The signal fires after so many seconds; longer than the longest time-out of the ports it uses. */
  readonly leaseSeconds: number;
  /** Broken or crashed runs before it is parked as a dead letter. Money never gives up: `Infinity`. */
  readonly maxAttempts: number;
  run(task: Task<P>, signal: AbortSignal): Promise<Commit>;
  /** What is owed when it is parked; runs in the transaction that parks it. */
  parked?(tx: Tx, task: Task<P>): void;
}

/** Thrown by a kind to be run again after `seconds`, without using up an attempt. */
export class RunAgain extends Error {
  readonly seconds: number;
  /** Replaces the payload, so that a kind can remember something between runs. */
  readonly payload: unknown;

  constructor(seconds: number, payload?: unknown) {
    super('run again');
    this.name = 'RunAgain';
    this.seconds = seconds;
    this.payload = payload;
  }
}
