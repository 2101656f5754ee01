import { sha256Hex } from '../lib/hash.ts';
import type { NostrEvent } from '../nostr/event.ts';
import { isHex64, readEvent, verifyEvent } from '../nostr/verify.ts';
import { priceOfEstimate } from '../pricing/index.ts';
import { billOf } from './bill.ts';
import { canonicalJson } from './canonical.ts';
import { contentSchema, readTariff, RECEIPT_KIND } from './content.ts';
import type { ChargeContent, ReceiptContent, RefundContent } from './content.ts';
import { areApart, partProblems } from './rules.ts';

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

/** The fields of an event by NIP-01; a receipt has no other, for nothing would sign them. */
const EVENT_FIELDS = 7;

/** The receipt in `value`, or plain sentences on why it is none. Never throws. */
export function readReceipt(value: unknown, options: VerifyOptions = {}): ReadReceipt | readonly string[] {
  const event = verifyEvent(value);
  if (event === null) {
    return readEvent(value) === null
      ? ['This is no Nostr event with a true id: something in it was changed, or it is not an event at all.']
      : ['The signature is not that of the key that the event names.'];
  }
  const problems: string[] = [];
  if (Object.keys(value as object).length !== EVENT_FIELDS)
    problems.push('It has fields that no event has: nothing signs those.');
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

/** What is wrong with a receipt's own parts and sums, as sentences. */
export function sumProblems(content: ReceiptContent): readonly string[] {
  return content.type === 'charge' ? chargeProblems(content) : refundProblems(content);
}

function chargeProblems(content: ChargeContent): readonly string[] {
  const problems = partProblems(content);
  if (problems.length > 0) return problems;
  try {
    return [...billProblems(content), ...quoteProblems(content)];
  } catch {
    return ['More was charged than was paid, or the amounts are beyond reason.'];
  }
}

function billProblems({ bill: stated, ...facts }: ChargeContent): readonly string[] {
  const bill = billOf(facts);
  return (Object.keys(bill) as (keyof typeof bill)[])
    .filter((key) => bill[key] !== stated[key])
    .map((key) => `${BILL_WORDS[key]} should be ${bill[key] ?? 'nothing'}, and it says ${stated[key] ?? 'nothing'}.`);
}

function quoteProblems({ tariff, quote }: ChargeContent): readonly string[] {
  if (tariff === null || quote === null) return [];
  const quoted = priceOfEstimate(quote.input_tokens, quote.output_tokens, readTariff(tariff));
  if (quoted === quote.amount_sats) return [];
  return [`The quote should be ${quoted} sats under its tariff, and it says ${quote.amount_sats}.`];
}

function refundProblems(content: RefundContent): readonly string[] {
  const problems: string[] = [];
  const total = content.debts.reduce((sum, debt) => sum + debt.amount_sats, 0);
  if (total !== content.amount_sats) {
    problems.push(`The debts it pays come to ${total} sats, and it says ${content.amount_sats}.`);
  }
  if (!areApart(content.debts)) problems.push('One debt stands there twice.');
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

const BILL_WORDS: Record<keyof ChargeContent['bill'], string> = {
  token_usd: "The model's bill in USD",
  infra_usd: 'The infrastructure share in USD',
  margin_usd: 'The margin in USD',
  actual_sats: 'The actual price in sats',
  charged_sats: 'What was charged in sats',
  owed_sats: 'What is owed back in sats',
  balance_after_sats: 'The balance that is left in sats',
};
