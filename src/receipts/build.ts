import type { Sats, UnixSeconds } from '../lib/units.ts';
import type { EventTemplate } from '../nostr/event.ts';
import type { Tariff, UsageItem } from '../pricing/index.ts';
import { billOf, type ChargeFacts } from './bill.ts';
import { canonicalJson } from './canonical.ts';
import {
  chargeSchema,
  refundSchema,
  RECEIPT_KIND,
  writeTariff,
  type ContentDebt,
  type ContentPayment,
  type ReceiptContent,
} from './content.ts';

/** Whose receipt it is and where it hangs in their chain. */
export interface ReceiptPlace {
  /** The customer's public key, 64 hex. */
  readonly customer: string;
  /** Event id of the customer's previous receipt (charge or refund), or null for the first. */
  readonly previous: string | null;
  readonly at: UnixSeconds;
}

/** Money owed to the customer that went somewhere: out to them, or into a next step of theirs. */
export interface SettledDebt {
  /** The order or session by whose receipts it was owed. */
  readonly id: string;
  readonly amountSats: Sats;
  /** Of the payment that it came with, where no charge took that (it came late, twice, or too much); else null. */
  readonly paymentHash: string | null;
}

/** Money that this order was paid with: an invoice, or, with `paymentHash` null, what was owed to the customer. */
export interface ReceiptPayment {
  /** Our row of it: it is not in the receipt, but remembered beside it, so that no payment is told of twice. */
  readonly invoiceId?: number;
  readonly purpose: ContentPayment['purpose'];
  readonly amountSats: Sats;
  readonly paymentHash: string | null;
  /** Without an invoice: the debts that it came out of, which sum up to it. */
  readonly debts?: readonly SettledDebt[];
}

/**
 * A job after a charge. `accepted`: looked at, the work not yet paid for. `requoted`: the work was paid for at another
 * price than the one it was accepted at. `…_failed`: everything paid for that step is owed back.
 */
export interface JobCharge {
  readonly product: 'job';
  readonly id: string;
  readonly outcome: 'accepted' | 'requoted' | 'rejected' | 'cancelled' | 'eval_failed' | 'work_failed' | 'complete';
  /** The one under which the quote below was made. */
  readonly tariff: Tariff;
  /** 0 in a receipt after `accepted`, which charged it. */
  readonly evalFeeSats: Sats;
  readonly quote: { readonly inputTokens: number; readonly outputTokens: number; readonly amountSats: Sats } | null;
  /** Taken for this job since its last receipt: not what came twice or too late, which is owed back apart. */
  readonly payments: readonly ReceiptPayment[];
  /** Since its last receipt. */
  readonly items: readonly UsageItem[];
  readonly cut: boolean;
}

interface SessionFacts {
  readonly product: 'session';
  readonly session: string;
  /** Deposits and top-ups since this session's last receipt in this chain. */
  readonly payments: readonly ReceiptPayment[];
  /** What holders of its token were charged since this session's last receipt; 0 where it is not said. */
  readonly spentByTokenSats?: Sats;
  /** What goes back of the balance with this: it is owed from now on, by the session's id. 0 where it is not said. */
  readonly returnedSats?: Sats;
}

/**
 * One request of a session, in the chain of who asked it. `id` is the request's. A holder of the token is not told the
 * balance and has no payments: those stand in the owner's chain, and what the holder was charged in `spentByTokenSats`
 * of the owner's next receipt.
 */
export interface SessionCharge extends SessionFacts {
  readonly id: string;
  readonly outcome: 'rejected' | 'eval_failed' | 'work_failed' | 'complete';
  readonly tariff: Tariff;
  readonly items: readonly UsageItem[];
  readonly cut: boolean;
  /** The most that this request could be charged: what was set aside for it and what was free. */
  readonly limitSats: Sats;
  /** All that was paid into the session less all that left it, this request excepted; null for a token's holder. */
  readonly balanceBeforeSats: Sats | null;
}

/** A session closed or expired: what was paid in since its last receipt, and what of its balance goes back. */
export interface SessionEnd extends SessionFacts {
  readonly outcome: 'ended';
  readonly balanceBeforeSats: Sats;
}

/**
 * `renewed`: another term, which does not begin before the last one ends. `ended_early` takes back a part of a term that an
 * earlier receipt charged: then it has no payments. Each term that ends early has one.
 */
export interface BootstrapCharge {
  readonly product: 'bootstrap';
  readonly id: string;
  readonly outcome: 'complete' | 'renewed' | 'failed' | 'ended_early';
  readonly feeSats: Sats;
  readonly payments: readonly ReceiptPayment[];
  /** What the fee rents; null where it failed. */
  readonly term: {
    readonly from: UnixSeconds;
    readonly until: UnixSeconds;
    readonly endedAt: UnixSeconds | null;
  } | null;
}

export type Charge = JobCharge | SessionCharge | SessionEnd | BootstrapCharge;

/** The id that a charge is filed under: of the request, of the order, of a session that ended. */
export function idOfCharge(charge: Charge): string {
  return charge.outcome === 'ended' ? charge.session : charge.id;
}

/** Does this receipt's content say this quote under this tariff? Then work that it was paid for is settled under it. */
export function saysOffer(content: string, { tariff, quote }: Pick<JobCharge, 'tariff' | 'quote'>): boolean {
  const said = JSON.parse(content) as ChargeFacts;
  const offer = { tariff: writeTariff(tariff), quote: writeQuote(quote) };
  return canonicalJson({ tariff: said.tariff, quote: said.quote }) === canonicalJson(offer);
}

/** A payment to the customer that has been made, and the debts it paid. */
export interface PaidRefund {
  readonly amountSats: Sats;
  readonly debts: readonly SettledDebt[];
  readonly paymentHash: string;
  readonly preimage: string | null;
}

/**
 * The receipt of a charge, to be signed by Timmy. The same facts give the same event.
 * @throws Error when the facts contradict each other (charged more than paid, no plain id, …): a bug of the caller.
 */
export function buildChargeReceipt(charge: Charge, place: ReceiptPlace): EventTemplate {
  const facts: ChargeFacts = {
    v: 1,
    type: 'charge',
    previous: place.previous,
    product: charge.product,
    id: idOfCharge(charge),
    session: null,
    outcome: charge.outcome,
    tariff: null,
    fee_sats: 0,
    quote: null,
    payments: charge.payments.map(writePayment),
    items: [],
    cut: false,
    term: null,
    limit_sats: null,
    balance_before_sats: null,
    spent_by_token_sats: 0,
    returned_sats: 0,
    ...ofProduct(charge),
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
    debts: writeDebts(refund.debts),
    payment_hash: refund.paymentHash,
    preimage: refund.preimage,
  });
  return template(content, place);
}

/** What only some products have. */
function ofProduct(charge: Charge): Partial<ChargeFacts> {
  if (charge.product === 'bootstrap') {
    const { term } = charge;
    return {
      fee_sats: charge.feeSats,
      term: term === null ? null : { from: term.from, until: term.until, ended_at: term.endedAt },
    };
  }
  if (charge.product === 'session') {
    const session = {
      session: charge.session,
      balance_before_sats: charge.balanceBeforeSats,
      spent_by_token_sats: charge.spentByTokenSats ?? 0,
      returned_sats: charge.returnedSats ?? 0,
    };
    return charge.outcome === 'ended' ? session : { ...session, ...ofWork(charge), limit_sats: charge.limitSats };
  }
  return { ...ofWork(charge), fee_sats: charge.evalFeeSats, quote: writeQuote(charge.quote) };
}

function writeQuote(quote: JobCharge['quote']): ChargeFacts['quote'] {
  if (quote === null) return null;
  return { input_tokens: quote.inputTokens, output_tokens: quote.outputTokens, amount_sats: quote.amountSats };
}

function ofWork({ tariff, items, cut }: JobCharge | SessionCharge): Pick<ChargeFacts, 'tariff' | 'items' | 'cut'> {
  return { tariff: writeTariff(tariff), items: items.map(writeItem), cut };
}

function writeItem(item: UsageItem): ChargeFacts['items'][number] {
  return {
    role: item.role,
    input_tokens: item.inputTokens,
    cache_write_tokens: item.cacheWriteTokens,
    cache_read_tokens: item.cacheReadTokens,
    output_tokens: item.outputTokens,
  };
}

function writePayment({ purpose, amountSats, paymentHash, debts = [] }: ReceiptPayment): ContentPayment {
  return { purpose, amount_sats: amountSats, payment_hash: paymentHash, debts: writeDebts(debts) };
}

/** One row for each order and payment: what was split in our books need not be in theirs. */
function writeDebts(debts: readonly SettledDebt[]): ContentDebt[] {
  const rows = new Map<string, ContentDebt>();
  for (const { id, amountSats, paymentHash } of debts) {
    const key = `${id} ${paymentHash ?? ''}`;
    const amount = (rows.get(key)?.amount_sats ?? 0) + amountSats;
    rows.set(key, { id, amount_sats: amount, payment_hash: paymentHash });
  }
  return [...rows.values()];
}

function template(content: ReceiptContent, { customer, at }: ReceiptPlace): EventTemplate {
  return { kind: RECEIPT_KIND, created_at: at, tags: [['p', customer]], content: canonicalJson(content) };
}
