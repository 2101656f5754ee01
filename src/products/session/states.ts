import type { OrderBase } from '../../engine/types.ts';
import type { Sats, UnixSeconds } from '../../lib/units.ts';

/*
 *              create                  paid                    balance below the minimum
 *   (nothing) ───────► awaiting_payment ───► active ⇄ paused
 *                        │ lapsed              │  │
 *                        ▼                     │  └── close ──► closed
 *                     expired ◄── time is over ┘
 *   cancel: from awaiting_payment to closed. A top-up that is paid after the end opens it again.
 *   What a session holds is in the account `session:<id>`; what its running requests have set aside, in theirs.
 */
export interface SessionBase extends OrderBase {
  readonly createdAt: UnixSeconds;
  readonly updatedAt: UnixSeconds;
  /** sha256 of the access token, hex. */
  readonly tokenHash: string | null;
  /** What the open or the next invoice asks for. */
  readonly wantedSats: Sats;
  /** The newest deposit or top-up that was paid. */
  readonly lastDepositSats: Sats;
  /** All that was paid into it. */
  readonly depositedSats: Sats;
  /** Invoices whose money was taken, in order (rows of payments). */
  readonly taken: readonly number[];
  /** Its time counts from then (activation, top-up, the last answer); null: not yet. */
  readonly countsFrom: UnixSeconds | null;
  /** It lasts so long, not counting time in which we could not serve. */
  readonly termSeconds: number;
  /** When it is over, as was last said. */
  readonly expiresAt: UnixSeconds | null;
  /** Price and invoice leave together: the price is still to be said, with the invoice that is being made. */
  readonly priceUntold: boolean;
  /** An invoice that lapsed while we were down is replaced once, unasked. */
  readonly replacedUnasked: boolean;
}

export type Session = SessionBase & {
  readonly state: 'awaiting_payment' | 'active' | 'paused' | 'expired' | 'closed';
};

export interface SessionFacts {
  readonly now: UnixSeconds;
  readonly startedAt: UnixSeconds;
  readonly invoiceExpirySeconds: number;
  readonly expirySeconds: number;
  readonly minBalanceSats: Sats;
  readonly bounds: { readonly min: number; readonly max: number };
  /** In its own account, and set aside by running requests. */
  readonly freeSats: Sats;
  readonly heldSats: Sats;
  /** What one short question would cost now. */
  readonly questionSats: Sats;
  /** When its time is over, what we were away for added. */
  readonly endsAt: UnixSeconds | null;
  readonly invoice: { readonly amountSats: number; readonly expiresAt: number; readonly open: boolean } | null;
  readonly invoiceComing: boolean;
  readonly eventInvoiceCut: boolean;
  readonly eventInvoiceEnd: number | null;
  /** No invoice was paid: what was owed to the customer did. */
  readonly eventPaidFromOwed: boolean;
  /** The message that asked for the invoice of the event. */
  readonly eventInvoiceAsked: number | null;
  /** Requests that wait: for their turn, or for a top-up. */
  readonly waiting: readonly string[];
  /** The one of them whose owner asked for the invoice of the event: nobody hears of another's. */
  readonly askersRequest: string | null;
  /** What is owed back of it and not being paid yet. */
  readonly owedSats: Sats;
  /** Its owner has another one that lives. */
  readonly hasOther: boolean;
}

export type SessionCommand =
  | { readonly type: 'cancel' }
  | { readonly type: 'invoice' }
  /** `forRequest`: what waits for it. */
  | { readonly type: 'topup'; readonly amountSats: Sats; readonly forRequest?: string }
  | { readonly type: 'close' }
  /** Another token, or none. */
  | { readonly type: 'token'; readonly hash: string | null }
  /** Nothing changes; the answer is the session as it is. */
  | { readonly type: 'look' };

export type SessionNotice =
  | { readonly type: 'price' }
  | { readonly type: 'invoice'; readonly again: boolean }
  | { readonly type: 'topup'; readonly forRequest: string | null }
  | { readonly type: 'open'; readonly first: boolean; readonly amountSats: Sats; readonly fromOwed: boolean }
  | { readonly type: 'paused' }
  | { readonly type: 'ended'; readonly owedSats: Sats }
  | { readonly type: 'closed'; readonly owedSats: Sats; readonly heldSats: Sats }
  | { readonly type: 'rest'; readonly owedSats: Sats }
  | { readonly type: 'cancelled' }
  | { readonly type: 'extended'; readonly seconds: number; readonly wasAway: boolean }
  | { readonly type: 'late_money'; readonly amountSats: Sats }
  | { readonly type: 'surplus'; readonly amountSats: Sats }
  | { readonly type: 'unavailable' };

/** What a request tells its session. */
export type RequestNews =
  | { readonly type: 'ended'; readonly answered: boolean }
  /** It waits, and the balance does not pay it. */
  | { readonly type: 'short'; readonly requestId: string; readonly missingSats: number; readonly replyTo: number };

/** What a session tells a request that waits. */
export type SessionNews = 'go' | 'ended';
