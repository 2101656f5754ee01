import type { Tx } from '../db/index.ts';
import type { Sats, UnixSeconds } from '../lib/units.ts';
import { schedule } from '../tasks/index.ts';

/** An order, as the platform knows it: never which product, only whose it is. */
export interface OrderRef {
  readonly kind: string;
  readonly id: string;
}

/** What the platform tells an order. Filed as a task in the order's lane, so that it survives a crash and keeps its order. */
export type PlatformEvent =
  | {
      readonly type: 'invoice_ready';
      readonly invoiceId: number;
      readonly purpose: string;
      readonly replyTo: number | null;
    }
  | { readonly type: 'invoice_failed'; readonly purpose: string; readonly replyTo: number | null }
  | { readonly type: 'invoice_delayed'; readonly purpose: string }
  /** It was given up for what became of the order meanwhile; who asked for it is still to be answered. */
  | { readonly type: 'invoice_dropped'; readonly purpose: string; readonly replyTo: number }
  | {
      readonly type: 'invoice_paid';
      readonly invoiceId: number;
      readonly purpose: string;
      readonly amountSats: Sats;
      /** Only where no invoice came (`keep on`): the request that is answered by it. */
      readonly replyTo: number | null;
    }
  | { readonly type: 'invoice_lapsed'; readonly invoiceId: number; readonly purpose: string }
  /** More came than was asked for, and is owed back. Programs see the debt; people are told. */
  | { readonly type: 'surplus'; readonly amountSats: Sats }
  | { readonly type: 'refund_changed'; readonly debtIds: readonly number[] }
  | { readonly type: 'activity_done'; readonly activity: string; readonly output: unknown }
  | { readonly type: 'activity_failed'; readonly activity: string; readonly code: string; readonly attempts: number }
  /** An activity speaks while it runs: `news` is its own. */
  | { readonly type: 'progress'; readonly activity: string; readonly news: unknown }
  /** Another order has something to tell this one: `news` is between the two. */
  | { readonly type: 'news'; readonly from: OrderRef; readonly news: unknown }
  /** The operator decided, with a reason. */
  | { readonly type: 'by_hand'; readonly command: unknown }
  | { readonly type: 'timer'; readonly name: string };

/** Owes `event` to the order. */
export function tellOrder(
  tx: Tx,
  order: OrderRef,
  event: PlatformEvent,
  now: UnixSeconds,
  dueAt: UnixSeconds = now,
): void {
  schedule(tx, { kind: 'order.event', payload: { order, event }, lane: orderLane(order), dueAt, now });
}

export function orderLane(order: OrderRef): string {
  return `order:${order.kind}:${order.id}`;
}
