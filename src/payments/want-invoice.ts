import type { Tx } from '../db/index.ts';
import type { Sats, UnixSeconds } from '../lib/units.ts';
import { createSoon } from './invoices.ts';
import type { OrderRef } from './order-events.ts';
import { invoices } from './schema.ts';

export interface WantedInvoice {
  readonly order: OrderRef;
  readonly owner: string;
  readonly purpose: string;
  readonly amountSats: Sats;
  readonly description: string;
  readonly expirySeconds: number;
  /** Given up, with `invoice_failed`, when the wallet cannot issue it within 30 s; else tried until it exists. */
  readonly mayFail: boolean;
  readonly replyTo: number | null;
  /** It opens a new order, or takes an expired one up again. */
  readonly opens: boolean;
}

/**
 * Records the intent; the wallet is asked after the commit. Orders get theirs through the gate (`issuing.ts`) alone.
 * @returns the id of the invoice row.
 */
export function wantInvoice(tx: Tx, wanted: WantedInvoice, now: UnixSeconds): number {
  const { lastInsertRowid } = tx
    .insert(invoices)
    .values({
      orderKind: wanted.order.kind,
      orderId: wanted.order.id,
      owner: wanted.owner,
      purpose: wanted.purpose,
      amountSats: wanted.amountSats,
      description: wanted.description,
      expirySeconds: wanted.expirySeconds,
      state: 'wanted',
      mayFail: wanted.mayFail,
      replyTo: wanted.replyTo,
      opens: wanted.opens,
      createdAt: now,
    })
    .run();
  const invoiceId = Number(lastInsertRowid);
  createSoon(tx, { id: invoiceId, owner: wanted.owner }, now);
  return invoiceId;
}
