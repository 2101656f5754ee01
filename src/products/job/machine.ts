import type { Decision, Effect, OrderBase, OrderEvent } from '../../engine/types.ts';
import { refuse, type Refusal } from '../../lib/errors.ts';
import { plusSeconds, sats, toMsats, type Sats, type UnixSeconds } from '../../lib/units.ts';
import type { TokenUsage } from '../../ports/agent.ts';
import type { Tariff, WorkQuote } from '../../pricing/index.ts';

/*
 *              create                 paid                accepted               paid               done
 *   (nothing) ───────► awaiting_eval ───────► evaluating ───────────► awaiting_work ───────► executing ───────► complete
 *                        │      ▲               │  │  └─────────────────────────────────────────▲ │
 *                        │      │ invoice       │  │  accepted, paid in one (prepay)                │
 *                 lapsed ▼      │               │  └──────► rejected                                │
 *                      expired ◄┴── lapsed ── awaiting_work                                         │
 *                                               └──────────► failed ◄───────── cannot be done ──────┘
 *   cancel: from awaiting_eval, evaluating and awaiting_work to cancelled.
 *   Money that comes when the state no longer waits for it is owed back, in every state.
 */

/** A verdict on a request. */
export interface Verdict {
  readonly accept: boolean;
  /** The kept text of the reason; null when it was erased. */
  readonly reasonId: number | null;
  readonly model: string;
  readonly usage: TokenUsage;
}

/** A price that was offered: what is paid for and under which frozen tariff it will be settled. */
export interface Offer {
  readonly quote: WorkQuote;
  readonly tariff: Tariff;
}

/** Finished work and its bill. */
export interface Settled {
  readonly usage: TokenUsage;
  readonly model: string;
  readonly cut: boolean;
  /** The kept text; null when it was erased. */
  readonly resultId: number | null;
  readonly resultParts: number;
  readonly actualSats: Sats;
  readonly chargedSats: Sats;
  readonly refundSats: Sats;
}

export interface JobFacts {
  readonly now: UnixSeconds;
  /** When this process began: an invoice that ended before that lapsed while we were down. */
  readonly startedAt: UnixSeconds;
  readonly invoiceExpirySeconds: number;
  /** False: the request's text was erased (`forget`, retention), so there is nothing left to do. */
  readonly requestKept: boolean;
  /** What the work would cost at this moment. */
  readonly offerNow: Offer;
  /** The newest invoice that was shown, and whether one is being made. */
  readonly invoice: {
    readonly id: number;
    readonly createdAt: number;
    readonly expiresAt: number;
    readonly open: boolean;
  } | null;
  readonly invoiceComing: boolean;
  /** For `invoice_lapsed`, `invoice_paid`: the end of the invoice it is about. */
  readonly eventInvoiceEnd: number | null;
  /** The result of finished work, split for delivery (for `activity_done`). */
  readonly settle:
    ((offer: Offer, usage: TokenUsage) => { actualSats: Sats; chargedSats: Sats; refundSats: Sats }) | null;
}

interface JobBase extends OrderBase {
  readonly createdAt: UnixSeconds;
  readonly updatedAt: UnixSeconds;
  /** The kept text of the request; null when it was erased. */
  readonly requestId: number | null;
  readonly requestCharacters: number;
  readonly length: 'long' | null;
  readonly format: 'plain' | 'markdown';
  readonly updates: 'all' | 'money' | 'end';
  readonly refundTo: string | null;
  /** Frozen when the job was made. */
  readonly evalFeeSats: Sats;
  /** One invoice pays for look and work. */
  readonly prepaid: boolean;
  /** When the last line of the request was written. */
  readonly lastLineAt: UnixSeconds;
  /** Invoices whose money was taken for this job, in order (rows of payments); what came late or twice is not among them. */
  readonly taken: readonly number[];
  /** "Paid." has been said of the last payment. */
  readonly saidPaid: boolean;
  /** An invoice that lapsed while we were down is replaced once, unasked. */
  readonly replacedUnasked: boolean;
}

export type Job = JobBase &
  (
    | { readonly state: 'awaiting_eval_payment'; readonly offer: Offer; readonly reopened: boolean }
    | { readonly state: 'evaluating'; readonly offer: Offer }
    | {
        readonly state: 'awaiting_work_payment';
        readonly verdict: Verdict;
        readonly offer: Offer;
        /** Offers whose invoices may still be paid. */
        readonly earlier: readonly Offer[];
        readonly reopened: boolean;
      }
    | { readonly state: 'executing'; readonly verdict: Verdict; readonly offer: Offer }
    | { readonly state: 'complete'; readonly verdict: Verdict; readonly offer: Offer; readonly work: Settled }
    | { readonly state: 'rejected'; readonly verdict: Verdict; readonly offer: Offer }
    | {
        readonly state: 'failed';
        readonly step: 'eval' | 'work';
        readonly code: string;
        readonly verdict: Verdict | null;
        readonly offer: Offer;
      }
    | {
        readonly state: 'expired';
        readonly step: 'eval' | 'work';
        readonly verdict: Verdict | null;
        readonly offer: Offer;
      }
    | { readonly state: 'cancelled'; readonly verdict: Verdict | null; readonly offer: Offer }
  );

export type JobCommand =
  | { readonly type: 'cancel' }
  | { readonly type: 'invoice' }
  | { readonly type: 'prepay' }
  /** More words for the same request; the text was already joined. */
  | { readonly type: 'join'; readonly requestCharacters: number };

export type JobNotice =
  | { readonly type: 'price' }
  | { readonly type: 'invoice'; readonly again: boolean }
  | { readonly type: 'invoice_delayed' }
  | { readonly type: 'paid' }
  | { readonly type: 'progress' }
  | { readonly type: 'quote'; readonly saidPaid: boolean }
  | { readonly type: 'rejected'; readonly saidPaid: boolean }
  | { readonly type: 'result' }
  | { readonly type: 'failed' }
  | { readonly type: 'cancelled'; readonly owedSats: Sats }
  | { readonly type: 'late_money'; readonly amountSats: Sats; readonly wayOn: boolean }
  | { readonly type: 'joined' }
  | { readonly type: 'unavailable' };

type JobDecision = Decision<Job, JobNotice>;
type JobEffect = Effect<JobNotice>;

/** "Paid." becomes the first word of the next message when that is ready within so many seconds. */
const SAY_PAID_AFTER = 3;
const SAY_PROGRESS_AFTER = 60;
/** A lapsed step may be taken up again for so long without a second eval fee. Seconds. */
export const REOPEN_WITHIN = 7 * 86_400;
/** Lines are joined; the invoice is shown again so long after the last one. Seconds. */
const JOINED_AFTER = 5;

export interface NewJob {
  readonly id: string;
  readonly owner: string;
  readonly dialect: 'words' | 'rpc';
  readonly requestId: number;
  readonly requestCharacters: number;
  readonly length: 'long' | null;
  readonly format: 'plain' | 'markdown';
  readonly updates: 'all' | 'money' | 'end';
  readonly refundTo: string | null;
  readonly evalFeeSats: Sats;
  readonly prepaid: boolean;
  readonly offer: Offer;
  readonly expirySeconds: number;
  readonly replyTo: number;
}

/** A request arrives: price first, then the invoice. */
export function openJob(job: NewJob, now: UnixSeconds): JobDecision {
  const { expirySeconds, replyTo, ...base } = job;
  const order: Job = {
    ...base,
    seq: 1,
    state: 'awaiting_eval_payment',
    createdAt: now,
    updatedAt: now,
    lastLineAt: now,
    taken: [],
    saidPaid: false,
    replacedUnasked: false,
    reopened: false,
  };
  return {
    order,
    effects: [{ type: 'notify', notice: { type: 'price' }, replyTo }, firstInvoice(order, expirySeconds, replyTo)],
  };
}

/** The job's next state and what follows. Pure; late money is owed back in every state. */
export function decide(job: Job, event: OrderEvent<JobCommand>, facts: JobFacts): JobDecision | Refusal {
  switch (event.type) {
    case 'command':
      return obey(job, event.command, event.replyTo, facts);
    case 'invoice_ready': {
      const shown: JobEffect = { type: 'notify', notice: { type: 'invoice', again: false }, replyTo: event.replyTo };
      // Cancelled or paid meanwhile: its request is still answered, but nothing changed.
      return isAwaiting(job) ? change(job, facts, [shown]) : same(job, [shown]);
    }
    case 'invoice_failed':
      return invoiceFailed(job, event.replyTo, facts);
    case 'invoice_delayed':
      return same(job, [{ type: 'notify', notice: { type: 'invoice_delayed' } }]);
    case 'invoice_paid':
      return paid(job, event.purpose, event.amountSats, event.invoiceId, facts);
    case 'invoice_lapsed':
      return lapsed(job, facts);
    case 'activity_done':
      return event.activity === 'evaluate'
        ? evaluated(job, event.output as Verdict, facts)
        : executed(job, event.output as WorkOutput, facts);
    case 'activity_failed':
      return failed(job, event.code, facts);
    case 'refund_changed':
      return change(job, facts, []);
    case 'timer':
      return timer(job, event.name);
  }
}

function obey(job: Job, command: JobCommand, replyTo: number, facts: JobFacts): JobDecision | Refusal {
  switch (command.type) {
    case 'cancel':
      return cancel(job, replyTo, facts);
    case 'invoice':
      return invoiceAgain(job, replyTo, facts);
    case 'prepay': {
      if (job.state !== 'awaiting_eval_payment') return notNow(job, `${job.id} is past that: nothing changed.`);
      if (job.prepaid) return invoiceAgain(job, replyTo, facts);
      const order = { ...job, prepaid: true, offer: facts.offerNow };
      return change(order, facts, [
        { type: 'replace_invoices' },
        firstInvoice(order, facts.invoiceExpirySeconds, replyTo),
      ]);
    }
    case 'join': {
      if (job.state !== 'awaiting_eval_payment')
        return notNow(job, `${job.id} is already paid for: send the rest as a new message.`);
      const order = {
        ...job,
        requestCharacters: command.requestCharacters,
        offer: facts.offerNow,
        lastLineAt: facts.now,
      };
      const timer: JobEffect = { type: 'timer', name: 'joined', at: plusSeconds(facts.now, JOINED_AFTER) };
      const dearer = job.prepaid && facts.offerNow.quote.amountSats !== job.offer.quote.amountSats;
      if (!dearer) return change(order, facts, [timer]);
      return change(order, facts, [
        timer,
        { type: 'replace_invoices' },
        firstInvoice(order, facts.invoiceExpirySeconds, replyTo),
      ]);
    }
  }
}

function cancel(job: Job, replyTo: number, facts: JobFacts): JobDecision | Refusal {
  const verdict = 'verdict' in job ? job.verdict : null;
  const order: Job = { ...base(job), state: 'cancelled', verdict, offer: job.offer };
  switch (job.state) {
    case 'awaiting_eval_payment':
    case 'awaiting_work_payment':
      return change(order, facts, [
        { type: 'replace_invoices' },
        { type: 'cancel_timer', name: 'joined' },
        { type: 'notify', notice: { type: 'cancelled', owedSats: sats(0) }, replyTo },
      ]);
    case 'evaluating': {
      // The look is under way: its fee is kept, what was paid for the work goes back.
      const owedSats = job.prepaid ? job.offer.quote.amountSats : sats(0);
      return change(order, facts, [
        ...stopTimers(),
        earnLook(job),
        ...(owedSats > 0 ? [oweBack(job, owedSats, 'cancelled', 'cancelled')] : []),
        { type: 'receipt' },
        { type: 'notify', notice: { type: 'cancelled', owedSats }, replyTo },
      ]);
    }
    case 'executing':
      return notNow(job, `${job.id} is being worked on and cannot be cancelled any more. Its answer is on the way.`);
    case 'complete':
    case 'rejected':
    case 'failed':
    case 'expired':
    case 'cancelled':
      return notNow(job, `${job.id} is already ${job.state}: there is nothing to cancel.`);
  }
}

/** The open invoice while a tenth of its life is left, else a fresh one; a lapsed step is taken up again. */
function invoiceAgain(job: Job, replyTo: number, facts: JobFacts): JobDecision | Refusal {
  switch (job.state) {
    case 'awaiting_eval_payment':
    case 'awaiting_work_payment': {
      const { invoice, now } = facts;
      if (facts.invoiceComing) return notNow(job, `${job.id}: its invoice is being made and comes in a moment.`);
      if (invoice?.open === true && (invoice.expiresAt - now) * 10 >= invoice.expiresAt - invoice.createdAt) {
        return same(job, [{ type: 'notify', notice: { type: 'invoice', again: true }, replyTo }]);
      }
      return freshInvoice(job, replyTo, facts);
    }
    case 'expired': {
      if (facts.now - job.updatedAt > REOPEN_WITHIN) {
        return notNow(job, `${job.id} expired more than seven days ago. Send your request again.`);
      }
      if (!facts.requestKept) return notNow(job, `The text of ${job.id} was erased. Send your request again.`);
      return freshInvoice(job, replyTo, facts);
    }
    case 'evaluating':
    case 'executing':
      return notNow(job, `${job.id} is paid and under way: there is nothing to pay now.`);
    case 'complete':
    case 'rejected':
    case 'failed':
    case 'cancelled':
      return notNow(job, `${job.id} is ${job.state}: there is nothing to pay.`);
  }
}

type Awaiting = Extract<Job, { state: 'awaiting_eval_payment' | 'awaiting_work_payment' }>;
type Waiting = Awaiting | Extract<Job, { state: 'expired' }>;

function isAwaiting(job: Job): job is Awaiting {
  return job.state === 'awaiting_eval_payment' || job.state === 'awaiting_work_payment';
}

function freshInvoice(job: Waiting, replyTo: number | null, facts: JobFacts): JobDecision {
  const reopened = job.state === 'expired' || job.reopened;
  const effects: JobEffect[] = [{ type: 'replace_invoices' }];
  const expirySeconds = facts.invoiceExpirySeconds;
  const verdict = job.state === 'awaiting_eval_payment' ? null : job.verdict;
  if (verdict === null) {
    const order: Job = { ...base(job), state: 'awaiting_eval_payment', offer: facts.offerNow, reopened };
    return change(order, facts, [...effects, firstInvoice(order, expirySeconds, replyTo)]);
  }
  const earlier = job.state === 'awaiting_work_payment' ? [job.offer, ...job.earlier].slice(0, 5) : [job.offer];
  const order: Job = {
    ...base(job),
    state: 'awaiting_work_payment',
    verdict,
    offer: facts.offerNow,
    earlier,
    reopened,
  };
  return change(order, facts, [
    ...effects,
    { type: 'notify', notice: { type: 'quote', saidPaid: true }, replyTo },
    workInvoice(order, expirySeconds, replyTo),
  ]);
}

function invoiceFailed(job: Job, replyTo: number | null, facts: JobFacts): JobDecision {
  const told: JobEffect = { type: 'notify', notice: { type: 'unavailable' }, replyTo };
  // Another one was asked for meanwhile.
  if (facts.invoiceComing) return same(job, []);
  if (job.state === 'awaiting_eval_payment' && !job.reopened && facts.invoice === null)
    return { order: null, effects: [told] };
  if (isAwaiting(job) && facts.invoice?.open !== true) {
    const step = job.state === 'awaiting_eval_payment' ? 'eval' : 'work';
    const verdict = job.state === 'awaiting_work_payment' ? job.verdict : null;
    return change({ ...base(job), state: 'expired', step, verdict, offer: job.offer }, facts, [told]);
  }
  return same(job, [told]);
}

function paid(job: Job, purpose: string, amountSats: Sats, invoiceId: number, facts: JobFacts): JobDecision {
  const taken = [...job.taken, invoiceId];
  const timers: JobEffect[] = [
    { type: 'timer', name: 'say_paid', at: plusSeconds(facts.now, SAY_PAID_AFTER) },
    { type: 'timer', name: 'say_progress', at: plusSeconds(facts.now, SAY_PROGRESS_AFTER) },
  ];
  if (job.state === 'awaiting_eval_payment') {
    // Whichever of the two invoices was paid says what was bought.
    const wholeOrder = purpose === 'order' && amountSats === job.evalFeeSats + job.offer.quote.amountSats;
    if (wholeOrder || (purpose === 'eval' && amountSats === job.evalFeeSats)) {
      const order: Job = {
        ...base(job),
        state: 'evaluating',
        offer: job.offer,
        prepaid: wholeOrder,
        taken,
        saidPaid: false,
      };
      return change(order, facts, [
        { type: 'replace_invoices' },
        { type: 'cancel_timer', name: 'joined' },
        ...timers,
        { type: 'run', activity: 'evaluate', input: {} },
      ]);
    }
  }
  if (job.state === 'awaiting_work_payment' && purpose === 'work') {
    const offer = [job.offer, ...job.earlier].find((candidate) => candidate.quote.amountSats === amountSats);
    if (offer !== undefined) {
      const order: Job = { ...base(job), state: 'executing', verdict: job.verdict, offer, taken, saidPaid: false };
      return change(order, facts, [
        { type: 'replace_invoices' },
        ...timers,
        { type: 'run', activity: 'execute', input: {} },
      ]);
    }
  }
  const wayOn = job.state === 'expired' && facts.requestKept && facts.now - job.updatedAt <= REOPEN_WITHIN;
  return change(job, facts, [
    oweBack(job, amountSats, 'late_payment', `invoice:${invoiceId}`),
    { type: 'notify', notice: { type: 'late_money', amountSats, wayOn } },
  ]);
}

function lapsed(job: Job, facts: JobFacts): JobDecision {
  if (!isAwaiting(job)) return same(job, []);
  if (facts.invoice?.open === true || facts.invoiceComing) return same(job, []);
  const whileDown = facts.eventInvoiceEnd !== null && facts.eventInvoiceEnd < facts.startedAt;
  if (whileDown && !job.replacedUnasked) return freshInvoice({ ...job, replacedUnasked: true }, null, facts);
  const step = job.state === 'awaiting_eval_payment' ? 'eval' : 'work';
  const verdict = job.state === 'awaiting_work_payment' ? job.verdict : null;
  // In words this is silent: the customer hears of it when they next write.
  return change({ ...base(job), state: 'expired', step, verdict, offer: job.offer }, facts, []);
}

function evaluated(job: Job, verdict: Verdict, facts: JobFacts): JobDecision {
  if (job.state !== 'evaluating') return same(job, []);
  const { saidPaid } = job;
  if (!verdict.accept) {
    const order: Job = { ...base(job), state: 'rejected', verdict, offer: job.offer };
    return change(order, facts, [
      ...stopTimers(),
      earnLook(job),
      ...(job.prepaid ? [oweBack(job, job.offer.quote.amountSats, 'rejected', 'rejected')] : []),
      { type: 'receipt' },
      { type: 'notify', notice: { type: 'rejected', saidPaid } },
    ]);
  }
  if (job.prepaid) {
    const order: Job = { ...base(job), state: 'executing', verdict, offer: job.offer };
    return change(order, facts, [earnLook(job), { type: 'run', activity: 'execute', input: {} }]);
  }
  const offer = facts.offerNow;
  const order: Job = { ...base(job), state: 'awaiting_work_payment', verdict, offer, earlier: [], reopened: false };
  return change(order, facts, [
    ...stopTimers(),
    earnLook(job),
    { type: 'receipt' },
    { type: 'notify', notice: { type: 'quote', saidPaid } },
    workInvoice(order, facts.invoiceExpirySeconds, null),
  ]);
}

/** What the activity `execute` hands back; the text is kept already. */
export interface WorkOutput {
  readonly resultId: number;
  readonly resultParts: number;
  readonly cut: boolean;
  readonly model: string;
  readonly usage: TokenUsage;
}

function executed(job: Job, output: WorkOutput, facts: JobFacts): JobDecision {
  if (job.state !== 'executing' || facts.settle === null) return same(job, []);
  const bill = facts.settle(job.offer, output.usage);
  const order: Job = {
    ...base(job),
    state: 'complete',
    verdict: job.verdict,
    offer: job.offer,
    work: { ...output, ...bill },
  };
  return change(order, facts, [
    ...stopTimers(),
    { type: 'earn', amountMsats: toMsats(bill.chargedSats), as: 'work', cause: job.id },
    ...(bill.refundSats > 0 ? [oweBack(job, bill.refundSats, 'change', 'change')] : []),
    { type: 'receipt' },
    { type: 'notify', notice: { type: 'result' } },
  ]);
}

function failed(job: Job, code: string, facts: JobFacts): JobDecision {
  if (job.state !== 'evaluating' && job.state !== 'executing') return same(job, []);
  const step = job.state === 'evaluating' ? 'eval' : 'work';
  const work = job.prepaid || job.state === 'executing' ? job.offer.quote.amountSats : 0;
  const owedSats = sats(job.state === 'evaluating' ? job.evalFeeSats + work : work);
  const verdict = job.state === 'executing' ? job.verdict : null;
  return change({ ...base(job), state: 'failed', step, code, verdict, offer: job.offer }, facts, [
    ...stopTimers(),
    oweBack(job, owedSats, 'failed', step),
    // Paid in one: the look was charged with no receipt of its own yet.
    ...(job.state === 'executing' && job.prepaid ? [{ type: 'receipt' as const }] : []),
    ...(code === 'model.config'
      ? [
          {
            type: 'alert' as const,
            what: 'The model refuses our key, model name or request: jobs fail until that is mended.',
          },
        ]
      : []),
    { type: 'notify', notice: { type: 'failed' } },
  ]);
}

function timer(job: Job, name: string): JobDecision {
  const working = job.state === 'evaluating' || job.state === 'executing';
  if (name === 'say_paid' && working && !job.saidPaid) {
    return quiet({ ...job, saidPaid: true }, [{ type: 'notify', notice: { type: 'paid' } }]);
  }
  if (name === 'say_progress' && working) return same(job, [{ type: 'notify', notice: { type: 'progress' } }]);
  if (name === 'joined' && job.state === 'awaiting_eval_payment') {
    return same(job, [
      { type: 'notify', notice: { type: 'joined' } },
      { type: 'notify', notice: { type: 'invoice', again: false } },
    ]);
  }
  return same(job, []);
}

function firstInvoice(job: Job, expirySeconds: number, replyTo: number | null): JobEffect {
  const amountSats = job.prepaid ? sats(job.evalFeeSats + job.offer.quote.amountSats) : job.evalFeeSats;
  return {
    type: 'invoice',
    purpose: job.prepaid ? 'order' : 'eval',
    amountSats,
    expirySeconds,
    mayFail: true,
    replyTo,
  };
}

/** The next invoice of an order already paid for is tried until it exists; asked for by a program, within 30 s. */
function workInvoice(job: Job, expirySeconds: number, replyTo: number | null): JobEffect {
  const { amountSats } = job.offer.quote;
  return { type: 'invoice', purpose: 'work', amountSats, expirySeconds, mayFail: replyTo !== null, replyTo };
}

function earnLook(job: Job): JobEffect {
  return { type: 'earn', amountMsats: toMsats(job.evalFeeSats), as: 'eval', cause: job.id };
}

function oweBack(job: Job, amountSats: Sats, because: string, cause: string): JobEffect {
  return { type: 'owe', amountMsats: toMsats(amountSats), because, cause: `${job.id}:${cause}` };
}

function stopTimers(): JobEffect[] {
  return [
    { type: 'cancel_timer', name: 'say_paid' },
    { type: 'cancel_timer', name: 'say_progress' },
  ];
}

function notNow(job: Job, text: string): Refusal {
  return refuse('bad_state', text, { state: job.state, reason: text });
}

/** What every state shares: the rest belongs to the state alone. */
function base(job: Job): JobBase {
  const { id, seq, owner, dialect, createdAt, updatedAt, requestId, requestCharacters, length, format, updates } = job;
  const { refundTo, evalFeeSats, prepaid, lastLineAt, taken, saidPaid, replacedUnasked } = job;
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
    refundTo,
    evalFeeSats,
    prepaid,
    lastLineAt,
    taken,
    saidPaid,
    replacedUnasked,
  };
}

function change(job: Job, facts: JobFacts, effects: readonly JobEffect[]): JobDecision {
  return { order: { ...job, updatedAt: facts.now }, effects };
}

/** A change that no program needs to hear of. */
function quiet(job: Job, effects: readonly JobEffect[]): JobDecision {
  return { order: { ...job }, effects };
}

function same(job: Job, effects: readonly JobEffect[]): JobDecision {
  return { order: job, effects };
}
