import { z } from 'zod';
import type { ClassRates, ModelRates, Tariff } from '../pricing/index.ts';

/**
 * The kind of a receipt: a regular event (NIP-01) of a number that no NIP gives a meaning to. docs/receipts.md says why.
 */
export const RECEIPT_KIND = 3871;

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const MAX_SATS = 1_000_000_000_000;
const amountSats = z.int().min(0).max(MAX_SATS);
const tokens = z.int().min(0).max(1_000_000_000);
const decimalText = z.string().regex(/^(0|[1-9]\d{0,19})(\.\d{0,29}[1-9])?$/);
const positiveDecimal = decimalText.refine((text) => text !== '0');
const orderId = z.string().regex(/^[A-Z]-[0-9A-HJKMNP-TV-Z]{5}$/);
/** UTF-16 units. Half a character (a lone surrogate) has no UTF-8, so two readers could differ on it. */
const name = z
  .string()
  .min(1)
  .max(200)
  .refine((text) => !/\p{Surrogate}/u.test(text));
const unixTime = z.int().min(0).max(4_294_967_295);

const classRates = {
  in_rate: decimalText,
  out_rate: decimalText,
  cache_write_rate: decimalText,
  cache_read_rate: decimalText,
};

/** A call whose prompt (its three classes of input together) is longer is on these rates, all of it. */
const bandSchema = z.strictObject({ above_prompt_tokens: tokens, ...classRates });

const ratesSchema = z.strictObject({ model: name, ...classRates, band: bandSchema.nullable() });

const tariffSchema = z.strictObject({
  formula: z.literal(1),
  btc_price_usd: positiveDecimal,
  btc_price_source: name,
  eval: ratesSchema,
  work: ratesSchema,
  margin_pct: decimalText,
  infra_monthly_usd: decimalText,
  infra_monthly_requests: positiveDecimal,
});

/** Money that is owed to the customer. */
const debtSchema = z.strictObject({
  /** The order or session by whose receipts it is owed. */
  id: orderId,
  amount_sats: amountSats.min(1),
  /** Null: a receipt before this one says that it is owed. Else it came with this payment, which no charge took. */
  payment_hash: hex64.nullable(),
});

const debtsSchema = z.array(debtSchema).max(1000);

const paymentSchema = z.strictObject({
  purpose: z.enum(['eval', 'work', 'order', 'deposit', 'topup', 'bootstrap']),
  amount_sats: amountSats.min(1),
  /** Null: no invoice was paid, it came out of `debts`. */
  payment_hash: hex64.nullable(),
  debts: debtsSchema,
});

const itemSchema = z.strictObject({
  role: z.enum(['eval', 'work']),
  input_tokens: tokens,
  cache_write_tokens: tokens,
  cache_read_tokens: tokens,
  output_tokens: tokens,
});

const quoteSchema = z.strictObject({ input_tokens: tokens, output_tokens: tokens, amount_sats: amountSats.min(1) });

/** What is rented: from when until when, and when it ended before its time. Unix seconds. */
const termSchema = z.strictObject({ from: unixTime, until: unixTime, ended_at: unixTime.nullable() });

/** What follows from everything else in a charge; a reader computes it again. */
const billSchema = z.strictObject({
  token_usd: decimalText,
  infra_usd: decimalText,
  margin_usd: decimalText,
  actual_sats: amountSats,
  /** Below zero where an earlier charge is taken back in part. */
  charged_sats: z.int().min(-MAX_SATS).max(MAX_SATS),
  owed_sats: amountSats,
  balance_after_sats: amountSats.nullable(),
});

export const chargeSchema = z.strictObject({
  v: z.literal(1),
  type: z.literal('charge'),
  previous: hex64.nullable(),
  product: z.enum(['job', 'session', 'bootstrap']),
  id: orderId,
  /** The session that a request belongs to, or that ended; null for other products. */
  session: orderId.nullable(),
  outcome: z.enum([
    'accepted',
    'requoted',
    'rejected',
    'cancelled',
    'eval_failed',
    'work_failed',
    'complete',
    'failed',
    'renewed',
    'ended',
    'ended_early',
  ]),
  tariff: tariffSchema.nullable(),
  /** The fixed price that this receipt is about: a job's look, a bootstrap. 0 where an earlier receipt charged it. */
  fee_sats: amountSats,
  quote: quoteSchema.nullable(),
  /** What was paid since the last receipt of this order, or of this session. */
  payments: z.array(paymentSchema).max(1000),
  items: z.array(itemSchema).max(2),
  cut: z.boolean(),
  term: termSchema.nullable(),
  /** The most that a request of a session could be charged. */
  limit_sats: amountSats.nullable(),
  /** All that was paid into a session less all that left it, before this receipt; null for a holder of its token. */
  balance_before_sats: amountSats.nullable(),
  /** Charged to holders of a session's token since its last receipt. */
  spent_by_token_sats: amountSats,
  /** What goes back of a session's balance with this receipt. */
  returned_sats: amountSats,
  bill: billSchema,
});

export const refundSchema = z.strictObject({
  v: z.literal(1),
  type: z.literal('refund'),
  previous: hex64.nullable(),
  amount_sats: amountSats.min(1),
  debts: debtsSchema.min(1),
  payment_hash: hex64,
  /** Null where the wallet does not tell (the stub, some nodes). */
  preimage: hex64.nullable(),
});

export const contentSchema = z.discriminatedUnion('type', [chargeSchema, refundSchema]);

export type ChargeContent = z.infer<typeof chargeSchema>;
export type RefundContent = z.infer<typeof refundSchema>;
export type ReceiptContent = ChargeContent | RefundContent;
export type ContentPayment = z.infer<typeof paymentSchema>;
export type ContentDebt = z.infer<typeof debtSchema>;
export type Bill = z.infer<typeof billSchema>;
export type ContentTariff = z.infer<typeof tariffSchema>;

/** The frozen tariff in the receipt's own names. */
export function writeTariff(tariff: Tariff): ContentTariff {
  const classes = ({ inRate, outRate, cacheWriteRate, cacheReadRate }: ClassRates) => ({
    in_rate: inRate,
    out_rate: outRate,
    cache_write_rate: cacheWriteRate,
    cache_read_rate: cacheReadRate,
  });
  const rates = ({ model, band, ...own }: ModelRates) => ({
    model,
    ...classes(own),
    band: band === null ? null : { above_prompt_tokens: band.abovePromptTokens, ...classes(band) },
  });
  return {
    formula: tariff.formula,
    btc_price_usd: tariff.btcPriceUsd,
    btc_price_source: tariff.btcPriceSource,
    eval: rates(tariff.eval),
    work: rates(tariff.work),
    margin_pct: tariff.marginPct,
    infra_monthly_usd: tariff.infraMonthlyUsd,
    infra_monthly_requests: tariff.infraMonthlyRequests,
  };
}

/** And back, to compute with. */
export function readTariff(tariff: ContentTariff): Tariff {
  type Classes = Omit<ContentTariff['eval'], 'model' | 'band'>;
  const classes = ({ in_rate, out_rate, cache_write_rate, cache_read_rate }: Classes): ClassRates => ({
    inRate: in_rate,
    outRate: out_rate,
    cacheWriteRate: cache_write_rate,
    cacheReadRate: cache_read_rate,
  });
  const rates = ({ model, band, ...own }: ContentTariff['eval']): ModelRates => ({
    model,
    ...classes(own),
    band: band === null ? null : { abovePromptTokens: band.above_prompt_tokens, ...classes(band) },
  });
  return {
    formula: tariff.formula,
    btcPriceUsd: tariff.btc_price_usd,
    btcPriceSource: tariff.btc_price_source,
    eval: rates(tariff.eval),
    work: rates(tariff.work),
    marginPct: tariff.margin_pct,
    infraMonthlyUsd: tariff.infra_monthly_usd,
    infraMonthlyRequests: tariff.infra_monthly_requests,
  };
}
