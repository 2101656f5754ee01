import type { NostrEvent } from '../nostr/event.ts';
import type { ChargeContent, RefundContent } from '../receipts/index.ts';

/** Receipts in plain words; the signed events follow. */

export function chainInWords(from: number, shown: number, count: number): string {
  const to = from - 1 + shown;
  const which =
    shown === count
      ? `You have ${count === 1 ? 'one receipt' : `${count} receipts`}: all of them follow`
      : `You have ${count} receipts: ${from} to ${to} follow`;
  const more = to < count ? ` receipt ${to + 1} goes on.` : '';
  return `${which}, signed, oldest first.${more} Anybody can check that they are right and none is missing: timmy verify --chain`;
}

/** Charged before receipts took their present form, in which its receipt cannot be checked. */
export function formerlyInWords(orderId: string, chargedSats: number): string {
  return `${orderId} was charged ${chargedSats} sats by an earlier version of mine, whose receipts had another form: there is none that timmy verify checks. My books have it; a person can look.`;
}

/** An order of which no receipt says a charge. `formerly`: what it was charged before receipts took this form, sats. */
export function refundsInWords(orderId: string, refunds: readonly NostrEvent[], formerly: number | null): string {
  const debts = refunds.flatMap((event) => (JSON.parse(event.content) as RefundContent).debts);
  const own = debts.filter((debt) => debt.id === orderId);
  const paidOut = sum((own.length > 0 ? own : debts).map((debt) => debt.amount_sats));
  const charged = formerly === null ? 'nothing was charged' : `${formerly} sats were charged by an earlier version`;
  return `${orderId}: ${charged}, and ${paidOut} sats were paid out to you.\nBelow: ${
    refunds.length === 1 ? 'the receipt' : `${refunds.length} receipts`
  } of that, signed. Anybody can check it with: timmy verify`;
}

/** The figures of an order's charges, oldest first, taken together. */
export function chargesInWords(charges: readonly NostrEvent[], refunds: readonly NostrEvent[]): string {
  const contents = charges.map((event) => JSON.parse(event.content) as ChargeContent);
  const last = contents.at(-1);
  if (last === undefined) return '';
  const { bill, quote, tariff } = last;
  const fee = contents.find(({ fee_sats, outcome }) => fee_sats > 0 && outcome !== 'eval_failed')?.fee_sats ?? 0;
  const items = contents.flatMap((content) => content.items);
  const workWords = bill.actual_sats > 0 ? `came to ${bill.actual_sats}` : 'not done';
  const lines = [
    `${last.id}: ${last.outcome.replaceAll('_', ' ')}.`,
    last.product === 'session' ? sessionInWords(last, contents) : paidInWords(contents, paidOut(last.id, refunds)),
    last.product === 'job' && fee > 0 ? `The look: ${fee} sats.` : '',
    quote === null ? '' : `The work: quoted ${quote.amount_sats}, ${workWords}.`,
    ...items.map((item) => `${item.role}: ${tokensIn(item)} tokens in, ${item.output_tokens} out`),
    bill.actual_sats > 0 ? `Model $${bill.token_usd}, server $${bill.infra_usd}, margin $${bill.margin_usd}.` : '',
    tariff === null ? '' : `Bitcoin at $${tariff.btc_price_usd} (${tariff.btc_price_source}).`,
    belowInWords(charges.length, refunds.length),
  ];
  return lines.filter((line) => line !== '').join('\n');
}

function belowInWords(charges: number, refunds: number): string {
  const count = charges + refunds;
  if (count === 1) return 'Below: the receipt, signed. Anybody can check it with: timmy verify';
  const which = refunds === 0 ? '' : refunds === 1 ? ', the last of a refund' : `, the last ${refunds} of refunds`;
  return `Below: ${count} receipts, signed${which}. Anybody can check them with: timmy verify`;
}

/** Sats that went out of what earlier receipts of this order say is owed. */
function paidOut(orderId: string, refunds: readonly NostrEvent[]): number {
  const debts = refunds.flatMap((event) => (JSON.parse(event.content) as RefundContent).debts);
  const own = debts.filter(({ id, payment_hash }) => id === orderId && payment_hash === null);
  return sum(own.map((debt) => debt.amount_sats));
}

function paidInWords(contents: readonly ChargeContent[], paidOutSats: number): string {
  const paid = contents.flatMap(({ payments }) => payments.map((one) => `${one.amount_sats} (${one.purpose})`));
  const charged = sum(contents.map(({ bill }) => bill.charged_sats));
  const owed = sum(contents.map(({ bill }) => bill.owed_sats));
  const gone = paidOutSats === 0 ? '' : paidOutSats === owed ? ', paid out' : `, ${paidOutSats} of it paid out`;
  return `Paid: ${paid.length === 0 ? 0 : paid.join(' + ')} sats. Charged: ${charged}. Yours: ${owed}${gone}.`;
}

/** A holder of a session's token is not told what is left in it. */
function sessionInWords({ bill, outcome, session }: ChargeContent, contents: readonly ChargeContent[]): string {
  if (outcome === 'ended') return `${sum(contents.map((one) => one.bill.owed_sats))} sats of its balance became yours.`;
  const left = bill.balance_after_sats === null ? '' : `, ${bill.balance_after_sats} left in it`;
  return `Charged to ${session ?? 'the session'}: ${bill.charged_sats} sats${left}.`;
}

function tokensIn(item: ChargeContent['items'][number]): number {
  return item.input_tokens + item.cache_write_tokens + item.cache_read_tokens;
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
