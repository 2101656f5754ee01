import { refuse, type Refusal } from '../../lib/errors.ts';
import { plusSeconds } from '../../lib/units.ts';
import { change, feeInvoice, run, same, say, type NodeDecision } from './effects.ts';
import { askRenewal, endLease, restNow } from './lease/lease.ts';
import { lastTerm } from './lease/term.ts';
import { isUp } from './saga/steps.ts';
import type { NodeByHand, NodeCommand, NodeFacts, NodeOrder } from './states.ts';

/** `cancel` has to be said twice within so long: the machine is gone then, with all that is on it. Seconds. */
const CANCEL_AGAIN_WITHIN = 600;
/** Two that come closer together are one, sent twice: nobody has read the answer in between. Seconds. */
const SENT_TWICE_WITHIN = 2;
/** More than so many terms ahead nobody pays. */
const TERMS_AHEAD = 2;

export function obey(node: NodeOrder, command: NodeCommand, replyTo: number, facts: NodeFacts): NodeDecision | Refusal {
  switch (command.type) {
    case 'cancel':
      return cancel(node, replyTo, facts);
    case 'invoice':
      return invoiceAgain(node, replyTo, facts);
    case 'announce':
      return announced(node, command, facts);
  }
}

/** What the operator decided. */
export function byHand(node: NodeOrder, command: NodeByHand, facts: NodeFacts): NodeDecision {
  if (command.type === 'retry') {
    // Only what may be begun twice: to make something twice would be a second bill.
    const { doing } = node;
    return doing === 'clean_up' || doing === 'tidy' ? change(node, facts, [run(doing)]) : same(node);
  }
  if ((node.state !== 'ready' && node.state !== 'expiring') || node.doing === 'clean_up') return same(node);
  return endLease(node, 'by_hand', [say({ type: 'ending', owedSats: restNow(node, facts.now) })], facts);
}

function cancel(node: NodeOrder, replyTo: number, facts: NodeFacts): NodeDecision | Refusal {
  const { id, state } = node;
  switch (state) {
    case 'awaiting_payment':
      return change({ ...node, state: 'expired' }, facts, [
        { type: 'replace_invoices' },
        say({ type: 'called_off' }, replyTo),
      ]);
    case 'provisioning':
      return notNow(
        node,
        `${id} is being made just now. Once it runs, cancel ${id} ends it, and what you have not used of the fee is yours.`,
      );
    case 'ready':
    case 'expiring': {
      if (node.doing === 'clean_up')
        return notNow(node, `${id} is being destroyed already: I write to you when it is gone.`);
      const owedSats = restNow(node, facts.now);
      const asked = node.cancelUntil === null ? null : node.cancelUntil - CANCEL_AGAIN_WITHIN;
      if (asked !== null && facts.now - asked < SENT_TWICE_WITHIN)
        return same(node, [say({ type: 'cancel_asked', owedSats }, replyTo)]);
      if (node.cancelUntil !== null && facts.now <= node.cancelUntil)
        return endLease(node, 'cancelled', [say({ type: 'ending', owedSats }, replyTo)], facts);
      return change({ ...node, cancelUntil: plusSeconds(facts.now, CANCEL_AGAIN_WITHIN) }, facts, [
        say({ type: 'cancel_asked', owedSats }, replyTo),
      ]);
    }
    default:
      return notNow(node, `${id} is over: there is nothing to cancel.`);
  }
}

function invoiceAgain(node: NodeOrder, replyTo: number, facts: NodeFacts): NodeDecision | Refusal {
  const { id, state } = node;
  const { invoice, invoiceExpirySeconds: expirySeconds } = facts;
  const isGood = invoice?.open === true && invoice.expiresAt - facts.now > expirySeconds / 10;
  const runs = (state === 'ready' || state === 'expiring') && node.doing !== 'clean_up';
  if ((state === 'awaiting_payment' || runs) && isGood)
    return same(node, [say({ type: 'invoice', again: true }, replyTo)]);
  if (facts.invoiceComing) return notNow(node, `The invoice for ${id} is being made: it comes in a moment.`);
  if (runs) {
    const ahead = (lastTerm(node.terms)?.until ?? facts.now) - facts.now;
    if (ahead > TERMS_AHEAD * facts.today.termSeconds)
      return notNow(node, `${id} is paid for long enough. Closer to its end, invoice ${id} gives the next term.`);
    const order = { ...askRenewal(node, facts), priceUntold: true };
    return change(order, facts, [
      { type: 'replace_invoices' },
      feeInvoice(order, expirySeconds, { replyTo, reopens: false, mayFail: true }),
    ]);
  }
  if (state === 'awaiting_payment')
    return change({ ...node, priceUntold: true }, facts, [
      { type: 'replace_invoices' },
      feeInvoice(node, expirySeconds, { replyTo, reopens: false, mayFail: true }),
    ]);
  if (state === 'expired') return notNow(node, `${id} is over. bootstrap orders another at today's price.`);
  return notNow(node, `There is nothing to pay for ${id}.`);
}

/** The node's first word, and its claim was right. What it says again changes nothing. */
function announced(
  node: NodeOrder,
  { pubkey, hostKeys }: Extract<NodeCommand, { type: 'announce' }>,
  facts: NodeFacts,
): NodeDecision | Refusal {
  if (node.node?.pubkey === pubkey) return same(node);
  // A host may run before the cloud's answer to its making has reached us.
  const isMade = node.handles.dropletId !== null || node.doing === 'droplet';
  const isAwaited =
    node.doing !== 'clean_up' &&
    ((node.state === 'provisioning' && isMade) || node.state === 'ready' || node.state === 'expiring');
  if (node.node !== null || !isAwaited) return refuse('not_found', 'There is no such claim, or it was used.');
  const order: NodeOrder = { ...node, node: { pubkey, hostKeys } };
  if (node.doing === 'announce') return isUp(order, facts);
  // Before the cloud's list shows its host, or after we gave up waiting: then its owner is told now.
  return change(order, facts, node.state === 'provisioning' ? [] : [say({ type: 'introduced' })]);
}

function notNow(node: NodeOrder, text: string): Refusal {
  return refuse('bad_state', text, { state: node.state, reason: text });
}
