import { customer, type Texts } from '../../customers/index.ts';
import type { Reader, Tx } from '../../db/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { numberParts, splitMessage } from '../../lib/message-parts.ts';
import { sats } from '../../lib/units.ts';
import { awaitedExpiryOf, isKept, openInvoiceOf, type InvoiceRow } from '../../payments/index.ts';
import { showUsd } from '../../pricing/index.ts';
import { failureMessage } from '../_shared/failure-words.ts';
import { owedSentence } from '../_shared/owed-words.ts';
import type { JobSettings } from './config.ts';
import type { Job, JobNotice, Offer } from './states.ts';
import { jobsInState } from './store.ts';

export interface JobTextOptions {
  readonly texts: Texts;
  readonly settings: JobSettings;
  readonly now: () => number;
}

/** The sentences of a job: plain, short, true about the money, and saying what to send next. */
export function jobWords(options: JobTextOptions, tx: Tx, job: Job, notice: JobNotice): readonly string[] {
  const { settings, now } = options;
  switch (notice.type) {
    case 'price':
      return [priceText(tx, job, settings)];
    case 'invoice': {
      const invoice = openInvoiceOf(tx, job.id);
      if (invoice?.bolt11 == null) return [];
      const alone = customer(tx, job.owner).uriForm ? `lightning:${invoice.bolt11}` : invoice.bolt11;
      return notice.again ? [againText(job, invoice, now()), alone] : [alone];
    }
    case 'invoice_delayed':
      return [
        `${job.id}: my wallet is slow just now. The invoice comes as soon as it is there; nothing is lost, nothing for you to do.`,
      ];
    case 'paid':
      return [
        `Paid. ${otherPaid(tx, job)}${job.state === 'evaluating' ? `Looking at ${job.id}.` : `Working on ${job.id}, the answer comes here.`}`,
      ];
    case 'progress':
      return [`Still working on ${job.id}. Nothing for you to do.`];
    case 'quote':
      return [quoteText(tx, job, notice.saidPaid, settings)];
    case 'rejected':
      return [rejectedText(options, tx, job, notice.saidPaid)];
    case 'result':
      return resultTexts(options, tx, job);
    case 'failed':
      return [failedText(tx, job, settings)];
    case 'cancelled':
      return [
        notice.owedSats > 0
          ? `${job.id} is cancelled. The look was under way: its ${job.evalFeeSats} sats are kept. ${owedSentence(tx, job.owner, notice.owedSats, settings.REFUND_ASK_MIN_SATS)}`
          : `${job.id} is cancelled. Please do not pay its invoice any more; if you already did, the money is yours and I will say so.`,
      ];
    case 'late_money':
      return [
        `${notice.amountSats} sats came for ${job.id}, which no longer waits for them. ${owedSentence(tx, job.owner, notice.amountSats, settings.REFUND_ASK_MIN_SATS)}` +
          (notice.wayOn ? ` To go on with it, send: invoice ${job.id}` : ''),
      ];
    case 'surplus':
      return [
        `${notice.amountSats} sats more came for ${job.id} than I asked for. ${owedSentence(tx, job.owner, notice.amountSats, settings.REFUND_ASK_MIN_SATS)}`,
      ];
    case 'joined':
      return [
        `Added, still ${job.id}, same invoice. Then about ${job.offer.quote.amountSats} sats for up to ${job.offer.quote.words} words.`,
      ];
    case 'unavailable':
      return [
        `${job.id}: no invoice could be made just now, and nothing was charged. Send in a few minutes: invoice ${job.id}`,
      ];
    default:
      return assertNever(notice);
  }
}

/** How a job stands, in one line. */
export function jobStatusLine(reader: Reader, job: Job, now: number): string {
  const invoice = openInvoiceOf(reader, job.id);
  const left = invoice?.expiresAt == null ? 0 : Math.max(1, Math.floor((invoice.expiresAt - now) / 60));
  switch (job.state) {
    case 'awaiting_eval_payment':
    case 'awaiting_work_payment': {
      const waits =
        invoice === undefined
          ? 'its invoice is being made'
          : `waits for ${invoice.amountSats} sats, ${left} minutes left. invoice ${job.id} shows it again`;
      return `${job.id}: ${waits}.`;
    }
    case 'evaluating':
      return `${job.id}: paid, I am looking at it.`;
    case 'executing':
      return `${job.id}: paid, I am working on it. The answer comes here.`;
    case 'complete':
      return `${job.id}: done. ${job.offer.quote.amountSats} paid, ${job.work.chargedSats} used, ${job.work.refundSats} yours.`;
    case 'rejected':
      return `${job.id}: declined. receipt ${job.id} shows what the look cost.`;
    case 'failed':
      return `${job.id}: could not be done (${failureMessage(job.code)}). What you paid for that step is yours.`;
    case 'expired':
      return `${job.id}: its invoice ran out unpaid. invoice ${job.id} opens it again for seven days.`;
    case 'cancelled':
      return `${job.id}: cancelled.`;
    default:
      return assertNever(job);
  }
}

function priceText(tx: Tx, job: Job, settings: JobSettings): string {
  const { quote } = job.offer;
  const work = `${quote.amountSats} (${dollars(job.offer)}) for an answer of up to ${quote.words} words`;
  const tail = `What it does not cost is yours. ${follows(tx, job, settings)}`;
  const all = job.evalFeeSats + quote.amountSats;
  if (job.prepaid) {
    return `${job.id}. ${all} sats for all: ${job.evalFeeSats} for a look, kept if I decline, and ${work}. ${tail}`;
  }
  const one = settings.JOB_ONE_INVOICE === 'off' ? '' : ` All at once, ${all}: send one.`;
  return `${job.id}. ${job.evalFeeSats} sats now for a look, kept if I decline, then about ${work}. ${tail}${one}`;
}

function quoteText(tx: Tx, job: Job, saidPaid: boolean, settings: JobSettings): string {
  const { quote } = job.offer;
  return (
    `${saidPaid ? '' : 'Paid. '}${job.id} is accepted. ${quote.amountSats} sats (${dollars(job.offer)}) for an answer of up to ` +
    `${quote.words} words. What it does not cost is yours. ${follows(tx, job, settings)}`
  );
}

function againText(job: Job, invoice: InvoiceRow, now: number): string {
  const left = Math.max(1, Math.floor(((invoice.expiresAt ?? now) - now) / 60));
  const what = invoice.purpose === 'eval' ? 'the look' : invoice.purpose === 'work' ? 'the work' : 'look and work';
  return `${job.id}: ${invoice.amountSats} sats for ${what}, good for another ${left} minutes. Invoice follows.`;
}

function rejectedText({ texts, settings }: JobTextOptions, tx: Tx, job: Job, saidPaid: boolean): string {
  const reason = job.state === 'rejected' ? texts.read(tx, job.verdict.reasonId) : null;
  const owed = job.prepaid
    ? ` ${owedSentence(tx, job.owner, job.offer.quote.amountSats, settings.REFUND_ASK_MIN_SATS)}`
    : '';
  return `${saidPaid ? '' : 'Paid. '}I decline ${job.id}${reason === null ? '.' : `: ${sentence(reason)}`} The ${job.evalFeeSats} sats were for the look.${owed} receipt ${job.id} shows all.`;
}

/** The answer, in numbered parts where it is long; its last lines are the bill. */
function resultTexts(options: JobTextOptions, tx: Tx, job: Job): string[] {
  if (job.state !== 'complete') return [];
  const { work, offer } = job;
  const answer = options.texts.read(tx, work.resultId) ?? '';
  const cut = work.cut ? '\n\n(The answer was cut here: it reached the length that was paid for.)' : '';
  const change =
    work.refundSats === 0
      ? ''
      : `\n${owedSentence(tx, job.owner, work.refundSats, options.settings.REFUND_ASK_MIN_SATS)}`;
  const bill =
    `${offer.quote.amountSats} paid, ${work.chargedSats} used, ${work.refundSats} yours. receipt ${job.id} shows all.` +
    change;
  const paid = job.saidPaid ? '' : 'Paid. ';
  return numberParts(splitMessage(`${paid}${answer}${cut}\n\n${bill}`));
}

function failedText(tx: Tx, job: Job, settings: JobSettings): string {
  if (job.state !== 'failed') return '';
  const paid =
    job.step === 'eval' ? job.evalFeeSats + (job.prepaid ? job.offer.quote.amountSats : 0) : job.offer.quote.amountSats;
  const why = failureMessage(job.code);
  return `${job.id} could not be done: ${why}. All that you paid for this step is yours. ${owedSentence(tx, job.owner, sats(paid), settings.REFUND_ASK_MIN_SATS)}`;
}

/** Money for an older open order than the latest is said to. */
function otherPaid(tx: Tx, job: Job): string {
  const open = jobsInState(tx, job.owner, ['awaiting_eval_payment', 'awaiting_work_payment']);
  const newest = open.find((other) => other.dialect === 'words');
  return newest !== undefined && newest.createdAt > job.createdAt ? `That paid ${job.id}, not ${newest.id}. ` : '';
}

function dollars(offer: Offer): string {
  return showUsd(offer.quote.amountSats, offer.tariff);
}

/** An invoice, or what is kept for them pays it (`keep on`). */
function follows(tx: Tx, job: Job, settings: JobSettings): string {
  const purpose = job.state === 'awaiting_work_payment' ? 'work' : job.prepaid ? 'order' : 'eval';
  if (isKept(tx, job.id, purpose)) return 'It is paid from what I keep for you.';
  return `Invoice follows, good for ${minutes(awaitedExpiryOf(tx, job.id) ?? settings.INVOICE_EXPIRY_SECONDS)}.`;
}

function minutes(seconds: number): string {
  return seconds < 120 ? `${seconds} seconds` : `${Math.floor(seconds / 60)} minutes`;
}

function sentence(reason: string): string {
  return /[.!?]$/.test(reason.trim()) ? reason.trim() : `${reason.trim()}.`;
}
