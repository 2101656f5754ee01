import type { ChargeContent, ReceiptContent, RefundContent } from './content.ts';

/** Takes what receipts of one customer say, oldest first, and tells for each what it contradicts of those before. */
export interface History {
  add(content: ReceiptContent): readonly string[];
}

/** What may come after a receipt of the same order that says `accepted`; nothing comes after any other. */
const AFTER_ACCEPTED: readonly string[] = ['complete', 'work_failed', 'cancelled'];

/** A session as its last receipt left it, and what had gone out by then. */
interface SessionSoFar {
  readonly last: ChargeContent;
  readonly refunded: number;
  readonly kept: number;
}

/**
 * What receipts of one customer must not say together, though each holds by itself: an order charged again, a payment
 * counted for two orders or forgotten, one Lightning payment claimed as two refunds, a session's balance that shrank
 * between two requests.
 */
export function createHistory(): History {
  const orders = new Map<string, ChargeContent>();
  const sessions = new Map<string, SessionSoFar>();
  /** Payment hashes that came in, and for what; and those that went out. */
  const came = new Map<string, string>();
  const left = new Set<string>();
  /** Sats refunded of each order so far, and sats of any order that paid for another one. */
  const refunded = new Map<string, number>();
  let kept = 0;

  function charge(content: ChargeContent): string[] {
    const earlier = orders.get(content.id);
    kept += Math.max(0, keptIn(content.payments) - keptIn(earlier?.payments ?? []));
    const problems = [...againProblems(content, earlier), ...sessionProblems(content)];
    const of = content.session ?? content.id;
    for (const { payment_hash: hash } of content.payments) {
      if (hash === null) continue;
      const other = came.get(hash) ?? of;
      if (other !== of) problems.push(`A payment of it was counted for ${other} already.`);
      if (left.has(hash)) problems.push('A payment of it is one that was made to the customer.');
      came.set(hash, other);
    }
    orders.set(content.id, content);
    return problems;
  }

  function refund({ payment_hash: hash, debts }: RefundContent): string[] {
    const problems: string[] = [];
    if (left.has(hash)) problems.push('Its payment hash stands in an earlier refund: one payment, claimed twice.');
    if (came.has(hash)) problems.push('Its payment hash is that of a payment by the customer.');
    left.add(hash);
    for (const { id, amount_sats } of debts) refunded.set(id, (refunded.get(id) ?? 0) + amount_sats);
    return problems;
  }

  /** A session holds at least what was left in it and came since, but for what was paid out or kept since. */
  function sessionProblems(content: ChargeContent): string[] {
    const { session, payments, balance_before_sats: before } = content;
    if (session === null) return [];
    const so = sessions.get(session);
    const out = (refunded.get(session) ?? 0) - (so?.refunded ?? 0) + kept - (so?.kept ?? 0);
    sessions.set(session, { last: content, refunded: refunded.get(session) ?? 0, kept });
    const old = so?.last.payments ?? [];
    if (!repeats(payments, old)) return [`It forgets a payment into ${session}.`];
    const expected = (so?.last.bill.balance_after_sats ?? 0) + total(payments) - total(old) - out;
    if ((before ?? 0) >= expected) return [];
    return [`${session} should have held at least ${expected} sats before it, and it says ${before ?? 0}.`];
  }

  return { add: (content) => (content.type === 'charge' ? charge(content) : refund(content)) };
}

/** A job's last receipt repeats the fee and every payment of the one at its acceptance; nothing else is charged twice. */
function againProblems(content: ChargeContent, earlier: ChargeContent | undefined): string[] {
  if (earlier === undefined) return [];
  const { id, outcome } = content;
  const goesOn = content.product === 'job' && earlier.outcome === 'accepted' && AFTER_ACCEPTED.includes(outcome);
  const problems = goesOn ? [] : [`${id} ended with an earlier receipt (${earlier.outcome}): it is charged again.`];
  const agrees =
    content.product === earlier.product &&
    repeats(content.payments, earlier.payments) &&
    content.fee_sats === earlier.fee_sats &&
    content.bill.charged_sats >= earlier.bill.charged_sats;
  if (!agrees) problems.push(`It does not agree with the earlier receipt of ${id}.`);
  return problems;
}

type Payments = ChargeContent['payments'];

/** Is every payment of `earlier` in `later`, as often? */
function repeats(later: Payments, earlier: Payments): boolean {
  const left = later.map(spelt);
  return earlier.every((payment) => {
    const at = left.indexOf(spelt(payment));
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
}

function spelt({ purpose, amount_sats, payment_hash }: Payments[number]): string {
  return `${purpose} ${amount_sats} ${payment_hash ?? ''}`;
}

/** Sats that came out of what was owed to the customer. */
function keptIn(payments: Payments): number {
  return total(payments.filter(({ payment_hash }) => payment_hash === null));
}

function total(payments: Payments): number {
  return payments.reduce((sum, { amount_sats }) => sum + amount_sats, 0);
}
