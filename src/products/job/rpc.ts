import type { Texts } from '../../customers/index.ts';
import type { Reader } from '../../db/index.ts';
import { inputTokensOf } from '../../ports/agent.ts';
import { priceOf, ratesFor, usdDecimal, type Tariff } from '../../pricing/index.ts';
import { rpcMoney } from '../../engine/rpc-shapes.ts';
import { failureMessage } from '../_shared/failure-words.ts';
import { resultParts } from '../_shared/result-parts.ts';
import type { Job, Offer, Settled, Verdict } from './states.ts';

/**
 * A job in JSON-RPC (docs/rpc.md). `brief`: the first 200 characters of the request, as in notifications and lists.
 * `invoices`: the open one and the paid ones only, or all.
 */
export function rpcJob(
  reader: Reader,
  texts: Texts,
  job: Job,
  shape: { brief: boolean; result: boolean; invoices: 'all' | 'open and paid' },
): Record<string, unknown> {
  const request = texts.read(reader, job.requestId) ?? '';
  const result = job.state === 'complete' ? (texts.read(reader, job.work.resultId) ?? '') : null;
  const parts = result === null ? 0 : resultParts(result).length;
  return {
    id: job.id,
    seq: job.seq,
    state: job.state,
    request: shape.brief ? [...request].slice(0, 200).join('') : request,
    created_at: job.createdAt,
    updated_at: job.updatedAt,
    ...rpcMoney(reader, job.id, shape.invoices),
    reason: 'verdict' in job && job.verdict !== null ? texts.read(reader, job.verdict.reasonId) : null,
    result: shape.result && parts <= 1 ? result : null,
    result_parts: parts,
    error: job.state === 'failed' ? { code: job.code, message: failureMessage(job.code) } : null,
    cost_ledger: costLedger(job),
  };
}

/** Bytes of JSON, escaped once more inside the rumor, that surely fit into one wrap with all around them. */
const MAX_ANSWER_BYTES = 36_000;

/**
 * The job as it fits into one message: a request full of quotes may not, once it is escaped, and is cut as in
 * notifications; then what is left out are invoices that nobody waits for.
 */
export function rpcJobThatFits(reader: Reader, texts: Texts, job: Job, brief: boolean): Record<string, unknown> {
  const shape = { brief, result: true, invoices: 'all' } as const;
  const whole = rpcJob(reader, texts, job, shape);
  if (fitsOneMessage(whole)) return whole;
  const cut = rpcJob(reader, texts, job, { ...shape, brief: true });
  return fitsOneMessage(cut) ? cut : rpcJob(reader, texts, job, { ...shape, brief: true, invoices: 'open and paid' });
}

function fitsOneMessage(value: unknown): boolean {
  return Buffer.byteLength(JSON.stringify(JSON.stringify(value))) <= MAX_ANSWER_BYTES;
}

/** `cost_ledger`: the locked figures, and the actual ones once there are any. */
function costLedger(job: Job): Record<string, unknown> | null {
  const verdict = 'verdict' in job ? job.verdict : null;
  if (verdict === null) return null;
  const { quote, tariff } = job.offer;
  const work = job.state === 'complete' ? job.work : null;
  const price = work === null ? null : priceOf([{ role: 'work', ...work.usage }], tariff, 'with infra');
  return {
    estimated_input_tokens: quote.estimatedInputTokens,
    estimated_output_tokens: quote.estimatedOutputTokens,
    actual_input_tokens: work === null ? null : inputTokensOf(work.usage),
    actual_output_tokens: work?.usage.outputTokens ?? null,
    actual_cost_usd: price === null ? null : usdDecimal(price.tokenUsd),
    infra_usd: price === null ? null : usdDecimal(price.infraUsd),
    margin_pct: tariff.marginPct,
    btc_price_usd: tariff.btcPriceUsd,
    btc_price_source: tariff.btcPriceSource,
    work_amount_sats: quote.amountSats,
    actual_amount_sats: work?.actualSats ?? null,
    refund_amount_sats: work?.refundSats ?? null,
    items: items(verdict, work, tariff),
    cut: work?.cut ?? false,
  };
}

function items(verdict: Verdict, work: Settled | null, tariff: Tariff): Record<string, unknown>[] {
  const item = (role: 'eval' | 'work', model: string, usage: Verdict['usage']): Record<string, unknown> => {
    // Those that it was billed at: a long prompt may have its own.
    const rates = ratesFor(tariff[role], inputTokensOf(usage));
    return {
      role,
      model,
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
      cache_write_tokens: usage.cacheWriteTokens,
      cache_read_tokens: usage.cacheReadTokens,
      in_rate: rates.inRate,
      out_rate: rates.outRate,
      cache_write_rate: rates.cacheWriteRate,
      cache_read_rate: rates.cacheReadRate,
    };
  };
  const list = [item('eval', verdict.model, verdict.usage)];
  if (work !== null) list.push(item('work', work.model, work.usage));
  return list;
}

/** What the method `quote` answers. */
export function rpcQuote(offer: Offer, evalFeeSats: number): Record<string, unknown> {
  return {
    eval_fee_sats: evalFeeSats,
    work_amount_sats: offer.quote.amountSats,
    btc_price_usd: offer.tariff.btcPriceUsd,
    btc_price_source: offer.tariff.btcPriceSource,
    estimated_input_tokens: offer.quote.estimatedInputTokens,
    estimated_output_tokens: offer.quote.estimatedOutputTokens,
  };
}

/** The notifications that carry a long result in parts; empty for one that travels in the object. */
export function partNotifications(
  reader: Reader,
  texts: Texts,
  job: Job,
): { method: string; params: Record<string, unknown> }[] {
  if (job.state !== 'complete') return [];
  const parts = resultParts(texts.read(reader, job.work.resultId) ?? '');
  if (parts.length <= 1) return [];
  return parts.map((text, index) => ({
    method: 'job.part',
    params: { id: job.id, part: index + 1, of: parts.length, text },
  }));
}
