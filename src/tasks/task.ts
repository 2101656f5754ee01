import type { Tx } from '../db/index.ts';
import type { UnixSeconds } from '../lib/units.ts';
import type { Pool } from './pools.ts';

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

/**
 * How a kind goes with others of its lane: at most `width` run side by side (counted over all kinds of the lane), the
 * first filed first. `whileRepeated`: one that is to run again later either `holds` up those behind it (where each must
 * find what the one before it left: the events of an order), or `steps_aside` and lets them pass (where each is a matter
 * of its own: a message that waits for something must not keep the next word of its sender waiting).
 */
export interface LaneRule {
  readonly width: number;
  readonly whileRepeated: 'holds' | 'steps_aside';
}

/** What a lane is where its kind says nothing. */
export const ONE_BY_ONE: LaneRule = { width: 1, whileRepeated: 'steps_aside' };

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
  /** How its tasks that were filed with a lane share it; without this, `ONE_BY_ONE`. */
  readonly lane?: LaneRule;
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
