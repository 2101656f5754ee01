import type { Reader } from '../../db/index.ts';
import { sats } from '../../lib/units.ts';
import { chargeReceipts, paymentInReceipt } from '../../payments/index.ts';
import type { UsageItem } from '../../pricing/index.ts';
import { saysOffer, type JobCharge } from '../../receipts/index.ts';
import type { Job } from './states.ts';

/**
 * What the receipt of what just happened is built from; null where nothing was charged, and nothing has to be said
 * before the work begins. An accepted job has two: the later one says only what came since.
 */
export function jobReceipt(reader: Reader, job: Job): JobCharge | null {
  const { tariff } = job.offer;
  const quote = quoteOf(job);
  // Acceptance is the first that is charged; where it was in a former form of receipts, all stands in the last.
  const accepted = chargeReceipts(reader, job.id)[0];
  const isLater = accepted !== undefined;
  if (job.state === 'executing' && (!isLater || saysOffer(accepted.event.content, { tariff, quote }))) return null;
  const outcome = outcomeOf(job);
  if (outcome === null) return null;
  const items: UsageItem[] = [];
  if (!isLater && 'verdict' in job && job.verdict !== null) items.push({ role: 'eval', ...job.verdict.usage });
  if (job.state === 'complete') items.push({ role: 'work', ...job.work.usage });
  const payments = outcome === 'requoted' ? [] : job.taken.flatMap((id) => paymentInReceipt(reader, id) ?? []);
  // A look that was declined or dropped has no quote of its own, unless the work was paid with it.
  const isQuoted = job.prepaid || ['accepted', 'requoted', 'complete', 'work_failed'].includes(outcome);
  return {
    product: 'job',
    id: job.id,
    outcome,
    tariff,
    evalFeeSats: isLater ? sats(0) : job.evalFeeSats,
    quote: isQuoted ? quote : null,
    payments: payments.filter(({ purpose }) => !isLater || purpose === 'work'),
    items,
    cut: job.state === 'complete' && job.work.cut,
  };
}

function quoteOf({ offer: { quote } }: Job): NonNullable<JobCharge['quote']> {
  return {
    inputTokens: quote.estimatedInputTokens,
    outputTokens: quote.estimatedOutputTokens,
    amountSats: quote.amountSats,
  };
}

function outcomeOf(job: Job): JobCharge['outcome'] | null {
  switch (job.state) {
    case 'awaiting_work_payment':
      return 'accepted';
    case 'executing':
      return 'requoted';
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
