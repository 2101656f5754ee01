import type { Decision, Effect } from '../../engine/types.ts';
import { refuse, type Refusal } from '../../lib/errors.ts';
import { sats, toMsats, type Sats } from '../../lib/units.ts';
import type { Job, JobBase, JobFacts, JobNotice } from './states.ts';

export type JobDecision = Decision<Job, JobNotice>;
export type JobEffect = Effect<JobNotice>;

/** The price, where it was not said yet. Orders of earlier versions have said theirs. */
export function sayPrice(job: Job, replyTo: number | null): JobEffect[] {
  return job.priceUntold ? [{ type: 'notify', notice: { type: 'price' }, replyTo }] : [];
}

/** `reopens`: the step had lapsed and is taken up again. */
export function firstInvoice(job: Job, expirySeconds: number, replyTo: number | null, reopens = false): JobEffect {
  const amountSats = job.prepaid ? sats(job.evalFeeSats + job.offer.quote.amountSats) : job.evalFeeSats;
  return {
    type: 'invoice',
    purpose: job.prepaid ? 'order' : 'eval',
    amountSats,
    expirySeconds,
    mayFail: true,
    reopens,
    replyTo,
  };
}

/** The next invoice of an order already paid for is tried until it exists; asked for by a program, within 30 s. */
export function workInvoice(job: Job, expirySeconds: number, replyTo: number | null, reopens = false): JobEffect {
  const { amountSats } = job.offer.quote;
  return { type: 'invoice', purpose: 'work', amountSats, expirySeconds, mayFail: replyTo !== null, reopens, replyTo };
}

export function earnLook(job: Job): JobEffect {
  return { type: 'earn', amountMsats: toMsats(job.evalFeeSats), as: 'eval', cause: job.id };
}

export function oweBack(
  job: Job,
  amountSats: Sats,
  because: string,
  cause: string,
): Extract<JobEffect, { type: 'owe' }> {
  return { type: 'owe', amountMsats: toMsats(amountSats), because, cause: `${job.id}:${cause}` };
}

export function stopTimers(): JobEffect[] {
  return [
    { type: 'cancel_timer', name: 'say_paid' },
    { type: 'cancel_timer', name: 'say_progress' },
  ];
}

export function notNow(job: Job, text: string): Refusal {
  return refuse('bad_state', text, { state: job.state, reason: text });
}

/** What every state shares: the rest belongs to the state alone. */
export function base(job: Job): JobBase {
  const { id, seq, owner, dialect, createdAt, updatedAt, requestId, requestCharacters, length, format, updates } = job;
  const { evalFeeSats, prepaid, lastLineAt, taken, saidPaid, replacedUnasked, priceUntold } = job;
  return {
    id,
    seq,
    state: job.state,
    owner,
    dialect,
    createdAt,
    updatedAt,
    requestId,
    requestCharacters,
    length,
    format,
    updates,
    evalFeeSats,
    prepaid,
    lastLineAt,
    taken,
    saidPaid,
    replacedUnasked,
    priceUntold,
  };
}

export function change(job: Job, facts: JobFacts, effects: readonly JobEffect[]): JobDecision {
  return { order: { ...job, updatedAt: facts.now }, effects };
}

/** A change that no program needs to hear of. */
export function quiet(job: Job, effects: readonly JobEffect[]): JobDecision {
  return { order: { ...job }, effects };
}

export function same(job: Job, effects: readonly JobEffect[]): JobDecision {
  return { order: job, effects };
}
