import type { Reader } from '../../db/index.ts';
import { chargeReceipts, paymentInReceipt } from '../../payments/index.ts';
import type { BootstrapCharge } from '../../receipts/index.ts';
import type { NodeOrder, Term } from './states.ts';

/** A receipt that an order has by now; `invoiceId` null: it takes back what an earlier one charged. */
interface Due {
  readonly outcome: BootstrapCharge['outcome'];
  readonly feeSats: NodeOrder['wanted']['feeSats'];
  readonly invoiceId: number | null;
  readonly term: Term | null;
}

/**
 * Everything that this order was charged and given back, in order: one receipt for each. The next one that is filed is the
 * first that was not filed yet.
 */
export function receiptsDue(node: NodeOrder): Due[] {
  if (node.state === 'failed')
    return [{ outcome: 'failed', feeSats: node.wanted.feeSats, invoiceId: node.paidBy, term: null }];
  const charged = node.terms.map((term, nth): Due => ({
    outcome: nth === 0 ? 'complete' : 'renewed',
    feeSats: term.feeSats,
    invoiceId: term.invoiceId,
    term: { ...term, endedAt: null },
  }));
  const returned = node.terms
    .filter(({ endedAt }) => endedAt !== null)
    .map((term): Due => ({ outcome: 'ended_early', feeSats: term.feeSats, invoiceId: null, term }));
  return [...charged, ...returned];
}

/** What the next receipt is built from; null: all are filed. */
export function nodeReceipt(reader: Reader, node: NodeOrder): BootstrapCharge | null {
  const due = receiptsDue(node)[chargeReceipts(reader, node.id).length];
  if (due === undefined) return null;
  const payment = due.invoiceId === null ? null : paymentInReceipt(reader, due.invoiceId);
  const { term } = due;
  return {
    product: 'bootstrap',
    id: node.id,
    outcome: due.outcome,
    feeSats: due.feeSats,
    payments: payment === null ? [] : [payment],
    term: term === null ? null : { from: term.from, until: term.until, endedAt: term.endedAt },
  };
}
