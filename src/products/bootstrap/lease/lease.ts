import { plusSeconds, sats, toMsats, type Sats, type UnixSeconds } from '../../../lib/units.ts';
import { change, feeInvoice, oweBack, run, same, say, type NodeDecision, type NodeEffect } from '../effects.ts';
import type { EndedBecause, NodeFacts, NodeNotice, NodeOrder } from '../states.ts';
import { endTerms, lastTerm, leaseStep, restOfTerms } from './term.ts';

/** The first term begins now, with the node. */
export function startLease(node: NodeOrder, { now, warnings }: NodeFacts): { order: NodeOrder; effects: NodeEffect[] } {
  const { feeSats, termSeconds } = node.wanted;
  const until = plusSeconds(now, termSeconds);
  const term = { invoiceId: node.paidBy ?? 0, feeSats, from: now, until, endedAt: null };
  return {
    order: { ...node, terms: [term], warnedAt: [] },
    effects: [earnTerm(node, feeSats, 1), { type: 'receipt' }, leaseAt(nextLook(until, warnings, now))],
  };
}

/** Another term is paid for: it begins where the last one ends, also when that was a while ago (`renewsFrom`). */
export function renewed(node: NodeOrder, invoiceId: number, facts: NodeFacts): NodeDecision {
  const { feeSats, termSeconds } = node.wanted;
  const from = facts.renewsFrom;
  const until = plusSeconds(from, termSeconds);
  const terms = [...node.terms, { invoiceId, feeSats, from, until, endedAt: null }];
  const order: NodeOrder = {
    ...node,
    state: 'ready',
    terms,
    warnedAt: [],
    renewalAsked: false,
    cancelUntil: null,
    endedBecause: null,
  };
  return change(order, facts, [
    { type: 'replace_invoices' },
    earnTerm(node, feeSats, terms.length),
    { type: 'receipt' },
    leaseAt(nextLook(until, facts.warnings, facts.now)),
    say({ type: 'renewed' }),
  ]);
}

/** The lease looks at the clock: warns, ends, destroys, and asks to be woken for what comes next. */
export function leaseTimer(node: NodeOrder, facts: NodeFacts): NodeDecision {
  const term = lastTerm(node.terms);
  if ((node.state !== 'ready' && node.state !== 'expiring') || node.doing === 'clean_up' || term === undefined)
    return same(node);
  const { now, warnings, graceUntil } = facts;
  const lease = {
    until: term.until,
    isOver: node.state === 'expiring',
    warnedAt: node.warnedAt,
    graceUntil: graceUntil ?? term.until,
  };
  const due = leaseStep(lease, warnings, now);
  switch (due.step) {
    case 'wait':
      return same(node, [leaseAt(due.until)]);
    case 'warn':
      return warn(node, { type: 'warning', seconds: due.seconds }, nextLook(term.until, warnings, now), facts);
    case 'over': {
      const order = { ...node, state: 'expiring' as const, endedBecause: 'over' as const };
      return warn(order, over(lease.graceUntil, facts), lease.graceUntil, facts);
    }
    case 'destroy':
      return endUnlessUnheard(node, facts);
  }
}

/** The next term at today's price; as long as one is on offer, never shorter than was said. */
export function askRenewal(node: NodeOrder, { today }: NodeFacts): NodeOrder {
  const { wanted, renewalAsked } = node;
  const said = renewalAsked && wanted.feeSats === today.feeSats ? wanted.termSeconds : 0;
  return { ...node, renewalAsked: true, wanted: { ...today, termSeconds: Math.max(said, today.termSeconds) } };
}

/** Told, with the invoice that would renew it: its price is today's. */
function warn(node: NodeOrder, notice: NodeNotice, next: UnixSeconds, facts: NodeFacts): NodeDecision {
  const order = { ...askRenewal(node, facts), warnedAt: [...node.warnedAt, facts.now].slice(-20), priceUntold: false };
  const seconds = Math.min(Math.max(facts.invoiceExpirySeconds, next - facts.now), MAX_INVOICE_SECONDS);
  return change(order, facts, [
    { type: 'replace_invoices' },
    say(notice),
    feeInvoice(order, seconds, { replyTo: null, reopens: false, mayFail: true }),
    leaseAt(next),
  ]);
}

/** A price in sats stands no longer than that. */
const MAX_INVOICE_SECONDS = 3 * 86_400;
const DAY = 86_400;

function over(destroyedAt: UnixSeconds, { now, renewsFrom }: NodeFacts): NodeNotice {
  return { type: 'over', seconds: destroyedAt - now, countsFrom: renewsFrom };
}

/** Nobody loses a machine unheard: two warnings have to have reached a relay, and the second of them a while ago. */
function endUnlessUnheard(node: NodeOrder, facts: NodeFacts): NodeDecision {
  const { now, graceSeconds, warningsHeardAt } = facts;
  const [, second] = warningsHeardAt;
  if (second === undefined) return unheard(node, facts);
  const heard = plusSeconds(second, Math.min(DAY, graceSeconds));
  return now < heard ? same(node, [leaseAt(heard)]) : endLease(node, 'over', [], facts);
}

function unheard(node: NodeOrder, facts: NodeFacts): NodeDecision {
  const next = plusSeconds(facts.now, Math.min(DAY, facts.graceSeconds));
  const told = warn(node, over(next, facts), next, facts);
  const what = `The time of ${node.id} is over, and no relay has taken the warnings to its owner. It stays, and bills. timmy nodes destroy ${node.id} ends it.`;
  return { ...told, effects: [...told.effects, { type: 'alert', what }] };
}

/** What runs ends now: what of its fee is not used up is the customer's. */
export function endLease(
  node: NodeOrder,
  because: EndedBecause,
  told: readonly NodeEffect[],
  facts: NodeFacts,
): NodeDecision {
  const { terms, returns } = giveBack(node, facts.now);
  const order: NodeOrder = {
    ...node,
    state: 'expiring',
    doing: 'clean_up',
    endedBecause: because,
    terms,
    cancelUntil: null,
  };
  return change(order, facts, [
    { type: 'replace_invoices' },
    { type: 'cancel_timer', name: 'lease' },
    ...returns,
    ...told,
    run('clean_up'),
  ]);
}

/** It is not at the cloud any more, and it was not we who ended it. */
export function lost(node: NodeOrder, facts: NodeFacts): NodeDecision {
  if ((node.state !== 'ready' && node.state !== 'expiring') || node.doing === 'clean_up') return same(node);
  const owedSats = restNow(node, facts.now);
  const alert: NodeEffect = {
    type: 'alert',
    what: `The droplet of ${node.id} is gone, and it was not Timmy who ended it. What its owner has not used of the fee is owed back.`,
  };
  return endLease(node, 'gone', [say({ type: 'gone', owedSats }), alert], facts);
}

/** What would go back, were it ended now. */
export function restNow({ terms }: NodeOrder, now: UnixSeconds): Sats {
  return sats(restOfTerms(terms, now).reduce((sum, { rest }) => sum + rest, 0));
}

/** Ends what runs, with a receipt for each term that goes back in part: they are filed in the order of the terms. */
function giveBack(node: NodeOrder, now: UnixSeconds): { terms: NodeOrder['terms']; returns: NodeEffect[] } {
  const rests = restOfTerms(node.terms, now);
  const returns = rests.flatMap(({ term, rest }): NodeEffect[] => {
    const nth = node.terms.indexOf(term) + 1;
    return [
      { type: 'give_back', amountMsats: toMsats(rest), as: 'bootstrap', cause: `${node.id}:${nth}` },
      { type: 'receipt' },
      oweBack(node, rest, 'unused', `term:${nth}`),
    ];
  });
  return {
    terms: endTerms(
      node.terms,
      rests.map(({ term }) => term),
      now,
    ),
    returns,
  };
}

function earnTerm(node: NodeOrder, feeSats: Sats, nth: number): NodeEffect {
  return {
    type: 'earn',
    amountMsats: toMsats(feeSats),
    as: 'bootstrap',
    cause: nth === 1 ? node.id : `${node.id}:${nth}`,
  };
}

function leaseAt(at: UnixSeconds): NodeEffect {
  return { type: 'timer', name: 'lease', at };
}

function nextLook(until: UnixSeconds, warnings: readonly number[], now: UnixSeconds): UnixSeconds {
  const due = warnings.map((before) => plusSeconds(until, -before)).find((at) => at > now);
  return due ?? until;
}
