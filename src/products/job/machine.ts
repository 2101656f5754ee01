import type { OrderEvent } from '../../engine/types.ts';
import type { Refusal } from '../../lib/errors.ts';
import { plusSeconds, sats, toMsats, type Sats, type UnixSeconds } from '../../lib/units.ts';
import { freshInvoice, isAwaiting, mayReopen, obey } from './obey.ts';
import type { Job, JobCommand, JobFacts, Offer, Verdict, WorkOutput } from './states.ts';
import {
  base,
  change,
  earnLook,
  firstInvoice,
  oweBack,
  quiet,
  same,
  sayPrice,
  stopTimers,
  workInvoice,
  type JobDecision,
  type JobEffect,
} from './steps.ts';

/** "Paid." becomes the first word of the next message when that is ready within so many seconds. */
const SAY_PAID_AFTER = 3;
const SAY_PROGRESS_AFTER = 60;

export interface NewJob {
  readonly id: string;
  readonly owner: string;
  readonly dialect: 'words' | 'rpc';
  readonly requestId: number;
  readonly requestCharacters: number;
  readonly length: 'long' | null;
  readonly format: 'plain' | 'markdown';
  readonly updates: 'all' | 'money' | 'end';
  readonly evalFeeSats: Sats;
  readonly prepaid: boolean;
  readonly offer: Offer;
  readonly expirySeconds: number;
  readonly replyTo: number;
}
/** A request arrives. Its price is said when its invoice is there; till then it has no name either. */
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
    priceUntold: true,
    reopened: false,
  };
  return { order, effects: [firstInvoice(order, expirySeconds, replyTo)] };
}

/** The job's next state and what follows. Pure; late money is owed back in every state. */
export function decide(job: Job, event: OrderEvent<JobCommand>, facts: JobFacts): JobDecision | Refusal {
  switch (event.type) {
    case 'command':
      return obey(job, event.command, event.replyTo, facts);
    case 'invoice_ready': {
      const shown: JobEffect = { type: 'notify', notice: { type: 'invoice', again: false }, replyTo: event.replyTo };
      // Cancelled or paid meanwhile: its request is still answered, but nothing changed.
      if (!isAwaiting(job)) return same(job, [shown]);
      return change({ ...job, priceUntold: false }, facts, [...sayPrice(job, event.replyTo), shown]);
    }
    case 'invoice_failed':
      return invoiceFailed(job, event.replyTo, facts);
    case 'invoice_dropped':
      // The engine answers a program with the job as it now is; a person has been told by what came between.
      return same(job, []);
    case 'invoice_delayed':
      return same(job, [{ type: 'notify', notice: { type: 'invoice_delayed' } }]);
    case 'invoice_paid':
      return paid(job, event, facts);
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
    case 'surplus':
      return same(job, [{ type: 'notify', notice: { type: 'surplus', amountSats: event.amountSats } }]);
    // A job has no other order beside it, its activities are silent, and the operator has other ways.
    case 'progress':
    case 'news':
    case 'by_hand':
      return same(job, []);
    case 'timer':
      return timer(job, event.name);
  }
}
function invoiceFailed(job: Job, replyTo: number | null, facts: JobFacts): JobDecision {
  // Nobody asked for one that replaces what lapsed while we were down: then it stays silent, as lapsing is.
  const told: JobEffect[] = replyTo === null ? [] : [{ type: 'notify', notice: { type: 'unavailable' }, replyTo }];
  // Another one was asked for meanwhile.
  if (facts.invoiceComing) return same(job, []);
  if (job.state === 'awaiting_eval_payment' && !job.reopened && facts.invoice === null)
    return { order: null, effects: told };
  if (isAwaiting(job) && facts.invoice?.open !== true) {
    const step = job.state === 'awaiting_eval_payment' ? 'eval' : 'work';
    const verdict = job.state === 'awaiting_work_payment' ? job.verdict : null;
    return change({ ...base(job), state: 'expired', step, verdict, offer: job.offer }, facts, told);
  }
  return same(job, told);
}

type Payment = Extract<OrderEvent<JobCommand>, { type: 'invoice_paid' }>;

function paid(job: Job, { purpose, amountSats, invoiceId, replyTo }: Payment, facts: JobFacts): JobDecision {
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
        priceUntold: false,
      };
      return change(order, facts, [
        { type: 'replace_invoices' },
        { type: 'cancel_timer', name: 'joined' },
        // Where no invoice came (`keep on`), it is said with the payment.
        ...sayPrice(job, replyTo),
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
        // Paid at another price than it was accepted at, that price is signed before the work begins.
        { type: 'receipt' },
        ...timers,
        { type: 'run', activity: 'execute', input: {} },
      ]);
    }
  }
  const wayOn = job.state === 'expired' && facts.requestKept && mayReopen(job, facts);
  return change(job, facts, [
    { ...oweBack(job, amountSats, 'late_payment', `invoice:${invoiceId}`), invoiceId },
    { type: 'notify', notice: { type: 'late_money', amountSats, wayOn } },
  ]);
}

function lapsed(job: Job, facts: JobFacts): JobDecision {
  if (!isAwaiting(job)) return same(job, []);
  if (facts.invoice?.open === true || facts.invoiceComing) return same(job, []);
  const beforeStart = facts.eventInvoiceEnd !== null && facts.eventInvoiceEnd < facts.startedAt;
  const whileDown = beforeStart || facts.eventInvoiceCut;
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
    // Signed as well when nothing is charged: it says what was paid, and that it is owed back.
    { type: 'receipt' },
    { type: 'notify', notice: { type: 'failed' } },
  ]);
}

function timer(job: Job, name: string): JobDecision {
  const working = job.state === 'evaluating' || job.state === 'executing';
  if (name === 'say_paid' && working && !job.saidPaid) {
    return quiet({ ...job, saidPaid: true }, [{ type: 'notify', notice: { type: 'paid' } }]);
  }
  if (name === 'say_progress' && working) return same(job, [{ type: 'notify', notice: { type: 'progress' } }]);
  if (name === 'joined' && job.state === 'awaiting_eval_payment' && !job.priceUntold) {
    return same(job, [
      { type: 'notify', notice: { type: 'joined' } },
      { type: 'notify', notice: { type: 'invoice', again: false } },
    ]);
  }
  return same(job, []);
}
