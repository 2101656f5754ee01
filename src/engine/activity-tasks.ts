import { statement, type Database, type Reader, type Tx } from '../db/index.ts';
import type { Clock } from '../lib/clock.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { tellOrder, type OrderRef, type PlatformEvent } from '../payments/index.ts';
import { RunAgain, schedule, type TaskKind } from '../tasks/index.ts';
import type { Product } from './product.ts';
import type { Activity } from './types.ts';

/** What an order has to have done outside. */
export interface Run {
  readonly activity: string;
  readonly input: unknown;
}

interface ActivityTask extends Run {
  readonly order: OrderRef;
  readonly memory?: unknown;
}

/** The kind of task that an activity of a product is. */
export function activityKind(product: string, activity: string): string {
  return `${product}.${activity}`;
}

/** Owes an activity of this order, in the lane its product gives it. */
export function scheduleActivity(tx: Tx, of: Product, id: string, owner: string, run: Run, now: UnixSeconds): void {
  const lane = activityOf(of, run.activity).lane;
  schedule(tx, {
    kind: activityKind(of.kind, run.activity),
    lane: lane === null ? null : `${lane.name}:${owner}`,
    payload: { order: { kind: of.kind, id }, ...run } satisfies ActivityTask,
    dueAt: now,
    now,
  });
}

/**
 * Owes anew what orders at work have lost: those that have neither their activity nor news of its end. One that was set
 * aside (`dead`) is not missing: it failed again and again, and a person looks.
 *
 * @returns how many.
 */
export function remakeActivities(tx: Tx, of: Product, now: UnixSeconds): number {
  const missing = of.atWork(tx).filter(({ id, activity }) => isMissing(tx, { kind: of.kind, id }, activity));
  for (const { id, owner, ...run } of missing) scheduleActivity(tx, of, id, owner, run, now);
  return missing.length;
}

function isMissing(reader: Reader, order: OrderRef, activity: string): boolean {
  const sql = `SELECT 1 FROM tasks WHERE (kind = @kind AND payload ->> '$.order.id' = @id)
    OR (kind = 'order.event' AND payload ->> '$.order.id' = @id AND payload ->> '$.event.activity' = @activity)`;
  const kind = activityKind(order.kind, activity);
  return statement(reader, sql).get({ kind, id: order.id, activity }) === undefined;
}

function activityOf(of: Product, name: string): Activity {
  const activity = of.activities[name];
  if (activity === undefined) throw new Error('engine.no_such_activity');
  return activity;
}

/** What activities need of the engine. */
export interface Workshop {
  readonly clock: Clock;
  readonly database: Database;
  readonly deliver: (tx: Tx, order: OrderRef, event: PlatformEvent) => unknown;
}

/** Every activity of a product as a task of its own kind. */
export function activityTasks(of: Product, shop: Workshop): TaskKind<never>[] {
  return Object.entries(of.activities).map(([name, activity]) => activityTask(of, name, activity, shop));
}

/**
 * Killed midway: the work may have been done and paid for by us, its outcome lost. The activity is told how often it
 * was begun (`attempt`) and decides whether once more is worth it; the customer is never charged for a lost one.
 */
function activityTask(
  of: Product,
  name: string,
  activity: Activity,
  { clock, database, deliver }: Workshop,
): TaskKind<ActivityTask> {
  const { pool, leaseSeconds, maxAttempts, lane } = activity;
  return {
    kind: activityKind(of.kind, name),
    pool,
    leaseSeconds,
    maxAttempts,
    // Requests do not know each other: one that is tried again lets the next one begin.
    ...(lane === null ? {} : { lane: { width: lane.width, whileRepeated: 'steps_aside' } }),
    run: async (task, signal) => {
      const { order, input, memory } = task.payload;
      try {
        const speak = (news: unknown): void =>
          database.write((tx) => void deliver(tx, order, { type: 'progress', activity: name, news }));
        const run = { attempt: task.attempt, tries: task.tries, memory, speak };
        const outcome = await activity.run(order.id, input, run, signal);
        return (tx) => {
          outcome.also?.(tx);
          const event: PlatformEvent =
            'done' in outcome
              ? { type: 'activity_done', activity: name, output: outcome.done }
              : { type: 'activity_failed', activity: name, code: outcome.failed, attempts: task.attempt };
          tellOrder(tx, order, event, clock.now());
        };
      } catch (error) {
        // What an activity wants to remember between runs travels in the task's payload.
        if (error instanceof RunAgain) throw new RunAgain(error.seconds, { ...task.payload, memory: error.payload });
        throw error;
      }
    },
    parked: (tx, task) => {
      const event: PlatformEvent = {
        type: 'activity_failed',
        activity: name,
        code: 'broken',
        attempts: task.attempt,
      };
      tellOrder(tx, task.payload.order, event, clock.now());
    },
  };
}
