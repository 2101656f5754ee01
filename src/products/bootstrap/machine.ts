import type { OrderEvent } from '../../engine/types.ts';
import type { UnixSeconds } from '../../lib/units.ts';
import type { Refusal } from '../../lib/errors.ts';
import { byHand, obey } from './obey.ts';
import { begin, failedStep, finishedStep } from './saga/steps.ts';
import { change, feeInvoice, oweBack, same, say, type NodeDecision } from './effects.ts';
import { leaseTimer, lost, renewed } from './lease/lease.ts';
import {
  NO_HANDLES,
  type NodeByHand,
  type NodeCommand,
  type NodeFacts,
  type NodeOrder,
  type Offer,
  type SweepNews,
  type TermOffer,
} from './states.ts';

export interface NewNode extends Pick<NodeOrder, 'id' | 'owner' | 'dialect' | 'sshPublicKey'> {
  readonly offer: Offer;
  readonly wanted: TermOffer;
  readonly expirySeconds: number;
  readonly replyTo: number;
}

/** A new order and its first invoice. Price and invoice leave together, when it exists. */
export function openNode({ expirySeconds, replyTo, ...wish }: NewNode, now: UnixSeconds): NodeDecision {
  const order: NodeOrder = {
    ...wish,
    seq: 1,
    state: 'awaiting_payment',
    createdAt: now,
    updatedAt: now,
    keyIsMade: wish.sshPublicKey === null,
    doing: null,
    attempt: 1,
    region: wish.offer.region,
    handles: NO_HANDLES,
    node: null,
    paidBy: null,
    terms: [],
    warnedAt: [],
    cancelUntil: null,
    endedBecause: null,
    failure: null,
    firstFailure: null,
    renewalAsked: false,
    priceUntold: true,
    replacedUnasked: false,
    orderedBy: replyTo,
  };
  return { order, effects: [feeInvoice(order, expirySeconds, { replyTo, reopens: false, mayFail: true })] };
}

/** The order's next state and what follows. Pure. */
export function decide(node: NodeOrder, event: OrderEvent<NodeCommand>, facts: NodeFacts): NodeDecision | Refusal {
  switch (event.type) {
    case 'command':
      return obey(node, event.command, event.replyTo, facts);
    case 'by_hand':
      return byHand(node, event.command as NodeByHand, facts);
    case 'invoice_ready':
      return ready(node, event.replyTo, facts);
    case 'invoice_failed':
      return unissued(node, event.replyTo, facts);
    case 'invoice_paid':
      return paid(node, event, facts);
    case 'invoice_lapsed':
      return lapsed(node, facts);
    case 'activity_done':
      return finishedStep(node, event.activity, event.output, facts);
    case 'activity_failed':
      return failedStep(node, event.activity, event.code, facts);
    case 'news':
      return swept(node, event.news as SweepNews, facts);
    case 'timer':
      return event.name === 'lease' ? leaseTimer(node, facts) : late(node, event.name, facts);
    case 'surplus':
      return same(node, [say({ type: 'surplus', amountSats: event.amountSats })]);
    case 'refund_changed':
      return change(node, facts, []);
    case 'progress':
      return same(node, [{ type: 'alert', what: `${node.id}: ${String(event.news)}` }]);
    case 'invoice_dropped':
    case 'invoice_delayed':
      return same(node);
  }
}

function ready(node: NodeOrder, replyTo: number | null, facts: NodeFacts): NodeDecision {
  const shown = say({ type: 'invoice', again: false }, replyTo);
  if (!node.priceUntold) return change(node, facts, [shown]);
  return change({ ...node, priceUntold: false }, facts, [say({ type: 'price' }, replyTo), shown]);
}

function unissued(node: NodeOrder, replyTo: number | null, facts: NodeFacts): NodeDecision {
  if (facts.invoiceComing) return same(node);
  // A warning said that the invoice follows.
  const isAwaited = replyTo !== null || node.state === 'ready' || node.state === 'expiring';
  const told = isAwaited ? [say({ type: 'unavailable' }, replyTo)] : [];
  if (node.state !== 'awaiting_payment') return same(node, told);
  // It never had one: then it never was.
  if (facts.invoice === null) return { order: null, effects: told };
  if (facts.invoice.open) return same(node, told);
  return change({ ...node, state: 'expired' }, facts, told);
}

type Payment = Extract<OrderEvent<NodeCommand>, { type: 'invoice_paid' }>;

function paid(node: NodeOrder, { invoiceId, amountSats }: Payment, facts: NodeFacts): NodeDecision {
  const isAsked = amountSats === node.wanted.feeSats;
  if (node.state === 'awaiting_payment' && isAsked) return begin({ ...node, paidBy: invoiceId }, facts);
  const runs = node.state === 'ready' || (node.state === 'expiring' && node.doing !== 'clean_up');
  if (runs && isAsked && node.renewalAsked) return renewed(node, invoiceId, facts);
  return change(node, facts, [
    { ...oweBack(node, amountSats, 'late_payment', `invoice:${invoiceId}`), invoiceId },
    say({ type: 'late_money', amountSats }),
  ]);
}

function lapsed(node: NodeOrder, facts: NodeFacts): NodeDecision {
  if (facts.invoice?.open === true || facts.invoiceComing) return same(node);
  if (node.state !== 'awaiting_payment') return change(node, facts, []);
  const beforeStart = facts.eventInvoiceEnd !== null && facts.eventInvoiceEnd < facts.startedAt;
  if ((beforeStart || facts.eventInvoiceCut) && !node.replacedUnasked) {
    const order = { ...node, replacedUnasked: true, priceUntold: true };
    const again = feeInvoice(order, facts.invoiceExpirySeconds, { replyTo: null, reopens: true, mayFail: true });
    return change(order, facts, [{ type: 'replace_invoices' }, again]);
  }
  return change({ ...node, state: 'expired' }, facts, []);
}

/** What the sweeper found at the cloud. */
function swept(node: NodeOrder, news: SweepNews, facts: NodeFacts): NodeDecision {
  switch (news.type) {
    case 'gone':
      return lost(node, facts);
    case 'moved': {
      if (node.state !== 'ready' && node.state !== 'expiring') return same(node);
      const { ipv4 } = news;
      if (node.handles.ipv4 === ipv4) return same(node);
      return change({ ...node, handles: { ...node.handles, ipv4 } }, facts, [say({ type: 'moved', ipv4 })]);
    }
  }
}

/** Deadlines while it is being made. */
function late(node: NodeOrder, name: string, facts: NodeFacts): NodeDecision {
  if (node.state !== 'provisioning') return same(node);
  if (name === 'announce' && node.doing === 'announce') return finishedStep(node, 'announce', null, facts);
  return same(node);
}
