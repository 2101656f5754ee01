import type { Reader } from '../../db/index.ts';
import { sats } from '../../lib/units.ts';
import { findInvoice } from '../../payments/index.ts';
import type { UsageItem } from '../../pricing/index.ts';
import type { JobCharge, ReceiptPayment } from '../../receipts/index.ts';
import type { Job } from './states.ts';

/** What the receipt of the charge just made is built from; null in states that charge nothing. */
export function jobReceipt(reader: Reader, job: Job): JobCharge | null {
  const outcome = outcomeOf(job);
  if (outcome === null) return null;
  const { quote, tariff } = job.offer;
  // A look that was declined or dropped has no quote of its own, unless the work was paid with it.
  const isQuoted = job.prepaid || ['accepted', 'complete', 'work_failed'].includes(outcome);
  const items: UsageItem[] = [];
  if ('verdict' in job && job.verdict !== null) items.push({ role: 'eval', ...job.verdict.usage });
  if (job.state === 'complete') items.push({ role: 'work', ...job.work.usage });
  return {
    product: 'job',
    id: job.id,
    outcome,
    tariff,
    evalFeeSats: job.evalFeeSats,
    quote: isQuoted
      ? {
          inputTokens: quote.estimatedInputTokens,
          outputTokens: quote.estimatedOutputTokens,
          amountSats: quote.amountSats,
        }
      : null,
    payments: job.taken.flatMap((id) => payment(reader, id)),
    items,
    cut: job.state === 'complete' && job.work.cut,
  };
}

function outcomeOf(job: Job): JobCharge['outcome'] | null {
  switch (job.state) {
    case 'awaiting_work_payment':
      return 'accepted';
    case 'complete':
    case 'rejected':
    case 'cancelled':
      return job.state;
    case 'failed':
      return job.step === 'eval' ? 'eval_failed' : 'work_failed';
    default:
      return null;
  }
}

function payment(reader: Reader, invoiceId: number): ReceiptPayment[] {
  const row = findInvoice(reader, invoiceId);
  if (row === undefined) return [];
  return [
    {
      purpose: row.purpose as ReceiptPayment['purpose'],
      amountSats: sats(row.amountSats),
      paymentHash: row.paymentHash,
    },
  ];
}
