import { sha256Hex } from '../lib/hash.ts';
import type { NostrEvent } from '../nostr/event.ts';
import { isHex64, readEvent, verifyEvent } from '../nostr/verify.ts';
import { priceOfEstimate } from '../pricing/index.ts';
import { billOf } from './bill.ts';
import { canonicalJson } from './canonical.ts';
import { contentSchema, readTariff, RECEIPT_KIND } from './content.ts';
import type { ChargeContent, ReceiptContent, RefundContent } from './content.ts';

export interface VerifyOptions {
  /** Who must have signed (64 hex); without it, whoever did. */
  readonly signer?: string;
}

/** A receipt whose id, signature and shape are true; its sums are not yet checked. */
export interface ReadReceipt {
  readonly event: NostrEvent;
  readonly customer: string;
  readonly content: ReceiptContent;
}

/** The receipt in `value`, or plain sentences on why it is none. Never throws. */
export function readReceipt(value: unknown, options: VerifyOptions = {}): ReadReceipt | readonly string[] {
  const event = verifyEvent(value);
  if (event === null) {
    return readEvent(value) === null
      ? ['This is no Nostr event with a true id: something in it was changed, or it is not an event at all.']
      : ['The signature is not that of the key that the event names.'];
  }
  const problems: string[] = [];
  if (event.kind !== RECEIPT_KIND)
    problems.push(`Receipts are events of kind ${RECEIPT_KIND}; this is kind ${event.kind}.`);
  if (options.signer !== undefined && event.pubkey !== options.signer) problems.push('Somebody else signed it.');
  const [tag, ...others] = event.tags;
  const customer = tag?.[1];
  if (others.length > 0 || tag?.length !== 2 || tag[0] !== 'p' || !isHex64(customer)) {
    problems.push('It must name exactly one customer, in a tag "p", and have no other tag.');
  }
  const content = readContent(event.content);
  if (content === null) problems.push('The content is not a receipt of version 1 in its one canonical spelling.');
  return problems.length === 0 && content !== null && customer !== undefined ? { event, customer, content } : problems;
}

/**
 * Everything that is wrong with one receipt, as sentences for people; empty when it is true: its id and signature
 * hold and every sat in it follows from what it states. Never throws.
 */
export function verifyReceipt(value: unknown, options: VerifyOptions = {}): readonly string[] {
  const receipt = readReceipt(value, options);
  return 'content' in receipt ? sumProblems(receipt.content) : receipt;
}

/** What is wrong with a receipt's own sums, as sentences. */
export function sumProblems(content: ReceiptContent): readonly string[] {
  return content.type === 'charge' ? chargeProblems(content) : refundProblems(content);
}

function chargeProblems(content: ChargeContent): readonly string[] {
  const problems = partProblems(content);
  if (problems.length > 0) return problems;
  try {
    const { bill: stated, ...facts } = content;
    const bill = billOf(facts);
    for (const key of Object.keys(bill) as (keyof typeof bill)[]) {
      if (bill[key] !== stated[key]) {
        problems.push(
          `${BILL_WORDS[key]} should be ${bill[key] ?? 'nothing'}, and it says ${stated[key] ?? 'nothing'}.`,
        );
      }
    }
    if (content.tariff !== null && content.quote !== null) {
      const { input_tokens, output_tokens, amount_sats } = content.quote;
      const quoted = priceOfEstimate(input_tokens, output_tokens, readTariff(content.tariff));
      if (quoted !== amount_sats) {
        problems.push(`The quote should be ${quoted} sats under its tariff, and it says ${amount_sats}.`);
      }
    }
  } catch {
    problems.push('More was charged than was paid, or the amounts are beyond reason.');
  }
  return [...problems, ...priceProblems(content)];
}

/** A job is paid by one invoice for the look and one for the work, or by one for both, each of exactly its price. */
function priceProblems({ product, outcome, payments, fee_sats, quote }: ChargeContent): readonly string[] {
  if (product !== 'job') return [];
  const work = quote?.amount_sats ?? 0;
  const isWorkPaid = outcome === 'complete' || outcome === 'work_failed';
  const inTwo = isWorkPaid ? [`eval ${fee_sats}`, `work ${work}`] : [`eval ${fee_sats}`];
  const paid = payments.map(({ purpose, amount_sats }) => `${purpose} ${amount_sats}`).sort();
  const fits = [inTwo, [`order ${fee_sats + work}`]].some((price) => price.join() === paid.join());
  return fits ? [] : ['What was paid is not what was asked: the fee and the quote, each once.'];
}

/** Parts that do not belong together. */
function partProblems(content: ChargeContent): string[] {
  const { product, outcome, items } = content;
  const problems: string[] = [];
  const demand = (holds: boolean, sentence: string): void => {
    if (!holds) problems.push(sentence);
  };
  const rules = PRODUCT_RULES[product];
  demand(rules.outcomes.includes(outcome), `A ${product} cannot end "${outcome}".`);
  demand(
    content.payments.every((payment) => rules.purposes.includes(payment.purpose)),
    `A ${product} is paid by ${rules.purposes.join(', ')} only.`,
  );
  const hashes = content.payments.flatMap(({ payment_hash }) => payment_hash ?? []);
  demand(new Set(hashes).size === hashes.length, 'One payment hash stands there twice.');
  const isSession = product === 'session';
  demand((content.tariff !== null) === (product !== 'bootstrap'), 'The tariff is missing, or has no place here.');
  demand(product === 'job' || content.quote === null, 'Only a job has a quote.');
  demand(product !== 'job' || outcome !== 'complete' || content.quote !== null, 'The quote is missing.');
  demand((content.session !== null) === isSession, 'Only a request of a session names one.');
  demand((content.balance_before_sats !== null) === isSession, 'Only a session has a balance.');
  demand(!isSession || content.fee_sats === 0, 'A session has no fixed fee.');
  demand(product !== 'bootstrap' || items.length === 0, 'A bootstrap uses no model.');
  const hasWork = items.some((item) => item.role === 'work');
  demand(product === 'bootstrap' || outcome !== 'complete' || hasWork, 'Finished work without its tokens.');
  demand(!content.cut || outcome === 'complete', 'Only finished work can be cut.');
  if (isSession) {
    const paidIn = content.payments.reduce((total, payment) => total + payment.amount_sats, 0);
    demand((content.balance_before_sats ?? 0) <= paidIn, 'The balance is more than was ever paid in.');
  }
  return problems;
}

function refundProblems(content: RefundContent): readonly string[] {
  const problems: string[] = [];
  const total = content.debts.reduce((sum, debt) => sum + debt.amount_sats, 0);
  if (total !== content.amount_sats) {
    problems.push(`The debts it pays come to ${total} sats, and it says ${content.amount_sats}.`);
  }
  if (content.preimage !== null && sha256Hex(Buffer.from(content.preimage, 'hex')) !== content.payment_hash) {
    problems.push('The preimage does not belong to the payment hash.');
  }
  return problems;
}

/** The content, if it is spelt as we spell it: a second spelling of the same receipt is another's work. */
export function readContent(text: string): ReceiptContent | null {
  try {
    const content = contentSchema.safeParse(JSON.parse(text));
    return content.success && canonicalJson(content.data) === text ? content.data : null;
  } catch {
    return null;
  }
}

const PRODUCT_RULES: Record<ChargeContent['product'], { outcomes: readonly string[]; purposes: readonly string[] }> = {
  job: {
    outcomes: ['accepted', 'rejected', 'cancelled', 'eval_failed', 'work_failed', 'complete'],
    purposes: ['eval', 'work', 'order'],
  },
  session: { outcomes: ['rejected', 'eval_failed', 'work_failed', 'complete'], purposes: ['deposit', 'topup'] },
  bootstrap: { outcomes: ['complete', 'failed'], purposes: ['bootstrap'] },
};

const BILL_WORDS: Record<keyof ChargeContent['bill'], string> = {
  token_usd: "The model's bill in USD",
  infra_usd: 'The infrastructure share in USD',
  margin_usd: 'The margin in USD',
  actual_sats: 'The actual price in sats',
  charged_sats: 'What was charged in sats',
  owed_sats: 'What is owed back in sats',
  balance_after_sats: 'The balance that is left in sats',
};
