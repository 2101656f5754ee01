import type { Tx } from '../db/index.ts';
import type { Refusal } from '../lib/errors.ts';
import type { UnixSeconds } from '../lib/units.ts';
import type { InboundMessage } from '../messaging/index.ts';
import { tellOrder, type Issuing, type OrderRef } from '../payments/index.ts';
import type { Effect, OrderBase, OrderEvent } from './types.ts';

type InvoiceEffect = Extract<Effect<unknown>, { type: 'invoice' }>;

export interface AskInvoiceOptions {
  readonly issuing: Issuing;
  readonly describeInvoice: (orderId: string, purpose: string) => string;
}

/**
 * Applies the effect `invoice` through the gate. What a customer asked for is refused as a whole; where the order
 * itself wanted it (one that lapsed while we were down), there is nobody to refuse: it hears that none could be made.
 */
export function askInvoice(
  tx: Tx,
  { issuing, describeInvoice }: AskInvoiceOptions,
  ref: OrderRef,
  order: OrderBase | null,
  effect: InvoiceEffect,
  event: OrderEvent<unknown> | InboundMessage,
  now: UnixSeconds,
): Refusal | undefined {
  const { type: _type, ...step } = effect;
  const owner = order?.owner ?? '';
  const description = describeInvoice(ref.id, effect.purpose);
  const refused = issuing.issue(tx, { ...step, order: ref, owner, description }, now);
  if (refused === undefined) return undefined;
  const isAsked = !('type' in event) || event.type === 'command';
  if (isAsked) return refused;
  tellOrder(tx, ref, { type: 'invoice_failed', purpose: effect.purpose, replyTo: null }, now);
  return undefined;
}
