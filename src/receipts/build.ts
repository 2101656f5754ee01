import type { Sats, UnixSeconds } from '../lib/units.ts';
import type { EventTemplate } from '../nostr/event.ts';
import type { Tariff, UsageItem } from '../pricing/index.ts';
import { billOf } from './bill.ts';
import { canonicalJson } from './canonical.ts';
import { chargeSchema, refundSchema, RECEIPT_KIND, writeTariff, type ReceiptContent } from './content.ts';

/** Whose receipt it is and where it hangs in their chain. */
export interface ReceiptPlace {
  /** The customer's public key, 64 hex. */
  readonly customer: string;
  /** Event id of the customer's previous receipt (charge or refund), or null for the first. */
  readonly previous: string | null;
  readonly at: UnixSeconds;
}

/** Money that this order was paid with. `paymentHash` null: out of what was owed to the customer, no invoice. */
export interface ReceiptPayment {
  readonly purpose: 'eval' | 'work' | 'order' | 'deposit' | 'topup' | 'bootstrap';
  readonly amountSats: Sats;
  readonly paymentHash: string | null;
}

/**
 * A job as it stands after a charge. `accepted`: looked at, the work not yet paid for. `…_failed`: everything paid for
 * that step is owed back. The last receipt of a job counts; it repeats what earlier ones said.
 */
export interface JobCharge {
  readonly product: 'job';
  readonly id: string;
  readonly outcome: 'accepted' | 'rejected' | 'cancelled' | 'eval_failed' | 'work_failed' | 'complete';
  readonly tariff: Tariff;
  readonly evalFeeSats: Sats;
  readonly quote: { readonly inputTokens: number; readonly outputTokens: number; readonly amountSats: Sats } | null;
  /** Taken for this job: not what came twice or too late, which is owed back apart. */
  readonly payments: readonly ReceiptPayment[];
  readonly items: readonly UsageItem[];
  readonly cut: boolean;
}

/** One request of a session; `id` is the request's. */
export interface SessionCharge {
  readonly product: 'session';
  readonly id: string;
  readonly session: string;
  readonly outcome: 'rejected' | 'eval_failed' | 'work_failed' | 'complete';
  readonly tariff: Tariff;
  /** Deposits and top-ups of the session so far. */
  readonly payments: readonly ReceiptPayment[];
  readonly items: readonly UsageItem[];
  readonly cut: boolean;
  readonly balanceBeforeSats: Sats;
}

export interface BootstrapCharge {
  readonly product: 'bootstrap';
  readonly id: string;
  readonly outcome: 'complete' | 'failed';
  readonly feeSats: Sats;
  readonly payments: readonly ReceiptPayment[];
}

export type Charge = JobCharge | SessionCharge | BootstrapCharge;

/** A payment to the customer that has been made, and the debts it paid. */
export interface PaidRefund {
  readonly amountSats: Sats;
  readonly debts: readonly { readonly id: string; readonly amountSats: Sats }[];
  readonly paymentHash: string;
  readonly preimage: string | null;
}

/**
 * The receipt of a charge, to be signed by Timmy. The same facts give the same event.
 * @throws Error when the facts contradict each other (charged more than paid, no plain id, …): a bug of the caller.
 */
export function buildChargeReceipt(charge: Charge, place: ReceiptPlace): EventTemplate {
  const facts = {
    v: 1 as const,
    type: 'charge' as const,
    previous: place.previous,
    product: charge.product,
    id: charge.id,
    session: charge.product === 'session' ? charge.session : null,
    outcome: charge.outcome,
    tariff: charge.product === 'bootstrap' ? null : writeTariff(charge.tariff),
    fee_sats: feeOf(charge),
    quote: charge.product === 'job' && charge.quote !== null ? writeQuote(charge.quote) : null,
    payments: charge.payments.map(({ purpose, amountSats, paymentHash }) => ({
      purpose,
      amount_sats: amountSats,
      payment_hash: paymentHash,
    })),
    items: (charge.product === 'bootstrap' ? [] : charge.items).map((item) => ({
      role: item.role,
      input_tokens: item.inputTokens,
      cache_write_tokens: item.cacheWriteTokens,
      cache_read_tokens: item.cacheReadTokens,
      output_tokens: item.outputTokens,
    })),
    cut: charge.product !== 'bootstrap' && charge.cut,
    balance_before_sats: charge.product === 'session' ? charge.balanceBeforeSats : null,
  };
  return template(chargeSchema.parse({ ...facts, bill: billOf(facts) }), place);
}

/**
 * The receipt of a refund that has been paid.
 * @throws Error when the facts are malformed.
 */
export function buildRefundReceipt(refund: PaidRefund, place: ReceiptPlace): EventTemplate {
  const content = refundSchema.parse({
    v: 1,
    type: 'refund',
    previous: place.previous,
    amount_sats: refund.amountSats,
    debts: refund.debts.map(({ id, amountSats }) => ({ id, amount_sats: amountSats })),
    payment_hash: refund.paymentHash,
    preimage: refund.preimage,
  });
  return template(content, place);
}

function feeOf(charge: Charge): number {
  if (charge.product === 'job') return charge.evalFeeSats;
  return charge.product === 'bootstrap' ? charge.feeSats : 0;
}

function writeQuote({ inputTokens, outputTokens, amountSats }: NonNullable<JobCharge['quote']>) {
  return { input_tokens: inputTokens, output_tokens: outputTokens, amount_sats: amountSats };
}

function template(content: ReceiptContent, { customer, at }: ReceiptPlace): EventTemplate {
  return { kind: RECEIPT_KIND, created_at: at, tags: [['p', customer]], content: canonicalJson(content) };
}
