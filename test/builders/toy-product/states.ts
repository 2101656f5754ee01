import type { OrderBase } from '../../../src/engine/index.ts';
import { sats, type Sats, type UnixSeconds } from '../../../src/lib/units.ts';

/*
 *   (nothing) ── create ──► awaiting_payment ── paid ──► reversing ── done ──► complete
 *                             │        │                     └── cannot be done ──► failed
 *                      lapsed ▼        ▼ cancel
 *                         expired   cancelled
 *   Money that comes when the order no longer waits for it is owed back, in every state.
 */
export type EchoState = 'awaiting_payment' | 'reversing' | 'complete' | 'failed' | 'expired' | 'cancelled';

export interface Echo extends OrderBase {
  readonly state: EchoState;
  readonly createdAt: UnixSeconds;
  readonly updatedAt: UnixSeconds;
  /** Kept texts; null: erased, or not there yet. */
  readonly requestId: number | null;
  readonly resultId: number | null;
  /** The invoice whose money was taken. */
  readonly paidBy: number | null;
}

/** What its owner may ask of it; `invoice` and `cancel` come from words and methods that know no product. */
export type EchoCommand = { readonly type: 'cancel' } | { readonly type: 'invoice' };

/** What there is to say. */
export type EchoNotice =
  | { readonly type: 'price' }
  | { readonly type: 'invoice' }
  | { readonly type: 'no_invoice' }
  | { readonly type: 'result' }
  | { readonly type: 'failed' }
  | { readonly type: 'cancelled' }
  | { readonly type: 'money_back'; readonly amountSats: Sats };

/** What the machine has to know beside the order and the event. */
export interface EchoFacts {
  readonly now: UnixSeconds;
  readonly expirySeconds: number;
  /** An invoice can be paid, or is being made. */
  readonly invoice: 'open' | 'coming' | 'none';
}

/** What the activity hands back. */
export interface Reversed {
  readonly resultId: number;
}

export const PRICE: Sats = sats(5);
