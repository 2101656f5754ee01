import { priceOf, usdDecimal, type UsageItem } from '../pricing/index.ts';
import { readTariff, type Bill, type ChargeContent } from './content.ts';

/** A charge before its bill: everything that the bill follows from. */
export type ChargeFacts = Omit<ChargeContent, 'bill'>;

/**
 * The bill of a charge, by the rules of docs/receipts.md. Whoever writes a receipt and whoever checks one calls this.
 * @throws RangeError when more was charged than paid, or amounts are beyond reason.
 */
export function billOf(facts: ChargeFacts): Bill {
  const priced = priceOfUsage(facts);
  const charged = chargedSats(facts, priced.actual_sats);
  const paid = facts.payments.reduce((total, payment) => total + payment.amount_sats, 0);
  // A session's payments fill a balance; everything else is paid for by what it names.
  const owed = facts.product === 'session' ? 0 : paid - charged;
  if (owed < 0) throw new RangeError('receipt: more charged than paid');
  return {
    ...priced,
    charged_sats: charged,
    owed_sats: owed,
    balance_after_sats: facts.balance_before_sats === null ? null : facts.balance_before_sats - charged,
  };
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
  switch (facts.product) {
    case 'job': {
      const look = facts.outcome === 'eval_failed' ? 0 : facts.fee_sats;
      const work = facts.outcome === 'complete' ? Math.min(actualSats, facts.quote?.amount_sats ?? 0) : 0;
      return look + work;
    }
    case 'session':
      return Math.min(actualSats, facts.balance_before_sats ?? 0);
    case 'bootstrap':
      return facts.outcome === 'complete' ? facts.fee_sats : 0;
  }
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
