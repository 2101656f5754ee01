import { priceOf, usdDecimal, type UsageItem } from '../pricing/index.ts';
import { readTariff, type Bill, type ChargeContent } from './content.ts';

/** A charge before its bill: everything that the bill follows from. */
export type ChargeFacts = Omit<ChargeContent, 'bill'>;

/**
 * The bill of a charge, by the rules of docs/receipts.md. Whoever writes a receipt and whoever checks one calls this.
 * @throws RangeError when more was charged or returned than there is, or amounts are beyond reason.
 */
export function billOf(facts: ChargeFacts): Bill {
  const priced = priceOfUsage(facts);
  const paid = facts.payments.reduce((total, payment) => total + payment.amount_sats, 0);
  if (facts.product === 'session') {
    const charged = Math.min(priced.actual_sats, facts.limit_sats ?? 0);
    const before = facts.balance_before_sats;
    const after = before === null ? null : before - charged - facts.returned_sats;
    if (after !== null && after < 0) throw new RangeError('receipt: more left the session than was in it');
    return { ...priced, charged_sats: charged, owed_sats: facts.returned_sats, balance_after_sats: after };
  }
  const owed = facts.outcome === 'ended_early' ? restOfTerm(facts) : paid - chargedSats(facts, priced.actual_sats);
  if (owed < 0) throw new RangeError('receipt: more charged than paid');
  return { ...priced, charged_sats: paid - owed, owed_sats: owed, balance_after_sats: null };
}

type Priced = Pick<Bill, 'token_usd' | 'infra_usd' | 'margin_usd' | 'actual_sats'>;

/** What was used, by the formula; zero where nothing is priced by tokens. */
function priceOfUsage(facts: ChargeFacts): Priced {
  const nothing: Priced = { token_usd: '0', infra_usd: '0', margin_usd: '0', actual_sats: 0 };
  const infra = facts.outcome === 'complete' ? 'with infra' : 'without infra';
  if (facts.tariff === null || !isPricedByTokens(facts)) return nothing;
  // A job's evaluation is paid for by its fixed fee.
  const items = facts.items.filter((item) => facts.product === 'session' || item.role === 'work').map(readItem);
  const price = priceOf(items, readTariff(facts.tariff), infra);
  return {
    token_usd: usdDecimal(price.tokenUsd),
    infra_usd: usdDecimal(price.infraUsd),
    margin_usd: usdDecimal(price.marginUsd),
    actual_sats: price.sats,
  };
}

function isPricedByTokens({ product, outcome }: ChargeFacts): boolean {
  if (product === 'job') return outcome === 'complete';
  return product === 'session' && (outcome === 'complete' || outcome === 'rejected');
}

function chargedSats(facts: ChargeFacts, actualSats: number): number {
  if (facts.product === 'bootstrap')
    return facts.outcome === 'complete' || facts.outcome === 'renewed' ? facts.fee_sats : 0;
  const look = facts.outcome === 'eval_failed' ? 0 : facts.fee_sats;
  const work = facts.outcome === 'complete' ? Math.min(actualSats, facts.quote?.amount_sats ?? 0) : 0;
  return look + work;
}

/** What goes back of the fee of a term that ended early: the time used is charged, rounded up to a whole sat. */
function restOfTerm({ fee_sats: fee, term }: ChargeFacts): number {
  if (term?.ended_at == null) throw new RangeError('receipt: no term that ended');
  const { from, until, ended_at: end } = term;
  const seconds = BigInt(until - from);
  const used = (BigInt(fee) * BigInt(end - from) + seconds - 1n) / seconds;
  return fee - Number(used);
}

function readItem(item: ChargeFacts['items'][number]): UsageItem {
  return {
    role: item.role,
    inputTokens: item.input_tokens,
    cacheWriteTokens: item.cache_write_tokens,
    cacheReadTokens: item.cache_read_tokens,
    outputTokens: item.output_tokens,
  };
}
