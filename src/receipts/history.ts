import { createAccounts, type OrderAccount } from './accounts.ts';
import { canonicalJson } from './canonical.ts';
import type { ChargeContent, ContentDebt, ReceiptContent, RefundContent } from './content.ts';

/** Takes what receipts of one customer say, oldest first, and tells for each what it contradicts of those before. */
export interface History {
  add(content: ReceiptContent): readonly string[];
  /** What came and went by order so far, in the order in which they first appear. */
  accounts(): readonly OrderAccount[];
}

/**
 * What receipts of one customer must not say together, though each holds by itself: an order charged again, work
 * settled under another tariff than the one it was paid under, a payment counted twice, one Lightning payment claimed
 * as two refunds, a session's balance that is not what its receipts leave, a refund of what no receipt owes.
 */
export function createHistory(): History {
  const orders = new Map<string, ChargeContent>();
  /** What was rented by order, each term that has not ended early. */
  const terms = new Map<string, ChargeContent[]>();
  /** What an id is the name of, and whose a session is. */
  const names = new Map<string, string>();
  /** Hashes of payments that charges took, of those that none took, and of those that went out. */
  const came = new Set<string>();
  const untaken = new Set<string>();
  const left = new Set<string>();
  const accounts = createAccounts();

  function charge(content: ChargeContent): string[] {
    const { session, outcome, payments, product } = content;
    const problems = [
      ...(product === 'bootstrap'
        ? termProblems(content, orders.get(content.id), terms)
        : orderProblems(content, orders.get(content.id))),
    ];
    const isHeld = content.balance_before_sats === null;
    const request = product === 'session' ? 'a request' : `a ${product}`;
    if (outcome !== 'ended') problems.push(...name(content.id, request));
    if (session !== null) problems.push(...name(session, isHeld ? "another's session" : 'a session'));
    for (const { payment_hash: hash, debts } of payments) {
      if (hash !== null && came.has(hash)) problems.push('A payment of it stands in an earlier receipt.');
      if (hash !== null && left.has(hash)) problems.push('A payment of it is one that was made to the customer.');
      if (hash !== null) came.add(hash);
      problems.push(...debts.flatMap((debt) => draw(debt, 'used')));
    }
    problems.push(...accounts.charge(content));
    if (outcome !== 'ended') orders.set(content.id, content);
    return problems;
  }

  function refund({ payment_hash: hash, debts }: RefundContent): string[] {
    const problems = debts.flatMap((debt) => draw(debt, 'refunded'));
    if (left.has(hash)) problems.push('Its payment hash stands in an earlier refund: one payment, claimed twice.');
    if (came.has(hash) || untaken.has(hash)) problems.push('Its payment hash is that of a payment by the customer.');
    left.add(hash);
    return problems;
  }

  function draw(debt: ContentDebt, as: 'used' | 'refunded'): string[] {
    const { payment_hash: hash } = debt;
    if (hash !== null) untaken.add(hash);
    const problems = accounts.draw(debt, as);
    if (hash !== null && left.has(hash)) problems.push('A payment of it is one that was made to the customer.');
    return problems;
  }

  function name(id: string, what: string): string[] {
    const known = names.get(id) ?? what;
    names.set(id, known);
    return known === what ? [] : [`${id} is ${what} here, and ${known} in an earlier receipt.`];
  }

  return {
    add: (content) => (content.type === 'charge' ? charge(content) : refund(content)),
    accounts: () => accounts.all(),
  };
}

/** An order is charged once, but for work after its look. */
function orderProblems(content: ChargeContent, earlier: ChargeContent | undefined): string[] {
  const { id, outcome } = content;
  if (outcome === 'ended') return [];
  const follows = FOLLOWS[content.product]?.(content) ?? [];
  if (follows.length === 0) {
    return earlier === undefined ? [] : [`${id} has an earlier receipt (${earlier.outcome}): it is charged again.`];
  }
  if (earlier === undefined || !follows.includes(earlier.outcome)) {
    const found = earlier === undefined ? 'there is none' : `it is ${earlier.outcome}`;
    return [`Its look or its fee has to stand in an earlier receipt of ${id} (${follows.join(' or ')}): ${found}.`];
  }
  return termsAgree(content, earlier) ? [] : [`It is not settled under what the earlier receipt of ${id} says.`];
}

/** The outcomes that a receipt has to follow; none: it is the first of its order. */
const FOLLOWS: Partial<Record<ChargeContent['product'], (content: ChargeContent) => readonly string[]>> = {
  job: ({ fee_sats, outcome }) => {
    if (fee_sats > 0) return [];
    return outcome === 'requoted' ? ['accepted'] : ['accepted', 'requoted'];
  },
};

/** Work is settled under the tariff and the quote that were said when it was paid for. */
function termsAgree(content: ChargeContent, earlier: ChargeContent): boolean {
  if (content.outcome === 'requoted') return true;
  const offer = ({ tariff, quote }: ChargeContent): string => canonicalJson({ tariff, quote });
  return offer(content) === offer(earlier);
}

/** A node is charged once, then for each further term, none of which begins before the last one ends; each term ends early once. */
function termProblems(
  content: ChargeContent,
  earlier: ChargeContent | undefined,
  terms: Map<string, ChargeContent[]>,
): string[] {
  const { id, outcome, payments, term, fee_sats: fee } = content;
  const running = terms.get(id) ?? [];
  if (outcome === 'renewed') {
    const last = running.at(-1)?.term;
    terms.set(id, [...running, content]);
    if (last == null) return [`No term that runs stands in an earlier receipt of ${id}: nothing can be renewed.`];
    return term !== null && last.until <= term.from ? [] : [`The term begins before the last one of ${id} ends.`];
  }
  if (outcome === 'ended_early' && payments.length === 0) {
    const sold = running.find(
      (one) => one.fee_sats === fee && one.term?.from === term?.from && one.term?.until === term?.until,
    );
    terms.set(
      id,
      running.filter((one) => one !== sold),
    );
    return sold === undefined ? [`No such term stands in an earlier receipt of ${id}, or it ended already.`] : [];
  }
  if (outcome === 'complete') terms.set(id, [content]);
  return earlier === undefined ? [] : [`${id} has an earlier receipt (${earlier.outcome}): it is charged again.`];
}
