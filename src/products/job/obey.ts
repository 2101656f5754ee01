import type { Refusal } from '../../lib/errors.ts';
import { plusSeconds, sats } from '../../lib/units.ts';
import type { Job, JobCommand, JobFacts } from './states.ts';
import {
  base,
  change,
  earnLook,
  firstInvoice,
  notNow,
  oweBack,
  same,
  stopTimers,
  workInvoice,
  type JobDecision,
  type JobEffect,
} from './steps.ts';

/** A lapsed step may be taken up again for so long without a second eval fee, not counting time we were away. Seconds. */
const REOPEN_WITHIN = 7 * 86_400;
/** Lines are joined; the invoice is shown again so long after the last one. Seconds. */
const JOINED_AFTER = 5;

/** What the owner asked for, where the state allows it. Pure. */
export function obey(job: Job, command: JobCommand, replyTo: number, facts: JobFacts): JobDecision | Refusal {
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
      // Paid in one, more words cost more: another price, another invoice.
      return change({ ...order, priceUntold: true }, facts, [
        { type: 'cancel_timer', name: 'joined' },
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
      if (facts.invoiceComing) {
        const name = job.priceUntold ? 'I have your request' : job.id;
        return notNow(job, `${name}: its invoice is being made and comes in a moment.`);
      }
      if (invoice?.open === true && (invoice.expiresAt - now) * 10 >= invoice.expiresAt - invoice.createdAt) {
        return same(job, [{ type: 'notify', notice: { type: 'invoice', again: true }, replyTo }]);
      }
      return freshInvoice(job, replyTo, facts);
    }
    case 'expired': {
      if (!mayReopen(job, facts)) {
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

export function mayReopen(job: Job, facts: JobFacts): boolean {
  return facts.now - job.updatedAt - facts.awaySeconds <= REOPEN_WITHIN;
}

export function isAwaiting(job: Job): job is Awaiting {
  return job.state === 'awaiting_eval_payment' || job.state === 'awaiting_work_payment';
}

export function freshInvoice(job: Waiting, replyTo: number | null, facts: JobFacts): JobDecision {
  const reopens = job.state === 'expired';
  const reopened = reopens || job.reopened;
  const effects: JobEffect[] = [{ type: 'replace_invoices' }];
  const expirySeconds = facts.invoiceExpirySeconds;
  const verdict = job.state === 'awaiting_eval_payment' ? null : job.verdict;
  if (verdict === null) {
    const order: Job = { ...base(job), state: 'awaiting_eval_payment', offer: facts.offerNow, reopened };
    return change(order, facts, [...effects, firstInvoice(order, expirySeconds, replyTo, reopens)]);
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
    workInvoice(order, expirySeconds, facts.askedByProgram ? replyTo : null, reopens),
  ]);
}
