import type { OrderBase } from '../../engine/types.ts';
import type { Sats, UnixSeconds } from '../../lib/units.ts';
import type { TokenUsage } from '../../ports/agent.ts';
import type { Tariff, WorkQuote } from '../../pricing/index.ts';

/*
 *              create                 paid                accepted               paid               done
 *   (nothing) ───────► awaiting_eval ───────► evaluating ───────────► awaiting_work ───────► executing ───────► complete
 *                        │      ▲               │  │  └─────────────────────────────────────────▲ │
 *                        │      │ invoice       │  │  accepted, paid in one (prepay)                │
 *                 lapsed ▼      │               │  └──────► rejected                                │
 *                      expired ◄┴── lapsed ── awaiting_work                                         │
 *                                               └──────────► failed ◄───────── cannot be done ──────┘
 *   cancel: from awaiting_eval, evaluating and awaiting_work to cancelled.
 *   Money that comes when the state no longer waits for it is owed back, in every state.
 */
/** A verdict on a request. */
export interface Verdict {
  readonly accept: boolean;
  /** The kept text of the reason; null when it was erased. */
  readonly reasonId: number | null;
  readonly model: string;
  readonly usage: TokenUsage;
}

/** A price that was offered: what is paid for and under which frozen tariff it will be settled. */
export interface Offer {
  readonly quote: WorkQuote;
  readonly tariff: Tariff;
}

/** Finished work and its bill. */
export interface Settled {
  readonly usage: TokenUsage;
  readonly model: string;
  readonly cut: boolean;
  /** The kept text; null when it was erased. */
  readonly resultId: number | null;
  readonly resultParts: number;
  readonly actualSats: Sats;
  readonly chargedSats: Sats;
  readonly refundSats: Sats;
}

export interface JobFacts {
  readonly now: UnixSeconds;
  /** When this process began: an invoice that ended before that lapsed while we were down. */
  readonly startedAt: UnixSeconds;
  readonly invoiceExpirySeconds: number;
  /** False: the request's text was erased (`forget`, retention), so there is nothing left to do. */
  readonly requestKept: boolean;
  /** What the work would cost at this moment. */
  readonly offerNow: Offer;
  /** The newest invoice that was shown, and whether one is being made. */
  readonly invoice: {
    readonly id: number;
    readonly createdAt: number;
    readonly expiresAt: number;
    readonly open: boolean;
  } | null;
  readonly invoiceComing: boolean;
  /** The command came in JSON-RPC: it is answered within 30 s, or told that no invoice could be made. */
  readonly askedByProgram: boolean;
  /** Seconds since the job last changed in which we could not serve. */
  readonly awaySeconds: number;
  /** The invoice that the event is about ended while we could not serve, or that took a tenth of its life. */
  readonly eventInvoiceCut: boolean;
  /** For `invoice_lapsed`, `invoice_paid`: the end of the invoice it is about. */
  readonly eventInvoiceEnd: number | null;
  /** The result of finished work, split for delivery (for `activity_done`). */
  readonly settle:
    ((offer: Offer, usage: TokenUsage) => { actualSats: Sats; chargedSats: Sats; refundSats: Sats }) | null;
}

export interface JobBase extends OrderBase {
  readonly createdAt: UnixSeconds;
  readonly updatedAt: UnixSeconds;
  /** The kept text of the request; null when it was erased. */
  readonly requestId: number | null;
  readonly requestCharacters: number;
  readonly length: 'long' | null;
  readonly format: 'plain' | 'markdown';
  readonly updates: 'all' | 'money' | 'end';
  /** Frozen when the job was made. */
  readonly evalFeeSats: Sats;
  /** One invoice pays for look and work. */
  readonly prepaid: boolean;
  /** When the last line of the request was written. */
  readonly lastLineAt: UnixSeconds;
  /** Invoices whose money was taken for this job, in order (rows of payments); what came late or twice is not among them. */
  readonly taken: readonly number[];
  /** "Paid." has been said of the last payment. */
  readonly saidPaid: boolean;
  /** Price and invoice leave together: the price is still to be said, with the invoice that is being made. */
  readonly priceUntold: boolean;
  /** An invoice that lapsed while we were down is replaced once, unasked. */
  readonly replacedUnasked: boolean;
}

export type Job = JobBase &
  (
    | { readonly state: 'awaiting_eval_payment'; readonly offer: Offer; readonly reopened: boolean }
    | { readonly state: 'evaluating'; readonly offer: Offer }
    | {
        readonly state: 'awaiting_work_payment';
        readonly verdict: Verdict;
        readonly offer: Offer;
        /** Offers whose invoices may still be paid. */
        readonly earlier: readonly Offer[];
        readonly reopened: boolean;
      }
    | { readonly state: 'executing'; readonly verdict: Verdict; readonly offer: Offer }
    | { readonly state: 'complete'; readonly verdict: Verdict; readonly offer: Offer; readonly work: Settled }
    | { readonly state: 'rejected'; readonly verdict: Verdict; readonly offer: Offer }
    | {
        readonly state: 'failed';
        readonly step: 'eval' | 'work';
        readonly code: string;
        readonly verdict: Verdict | null;
        readonly offer: Offer;
      }
    | {
        readonly state: 'expired';
        readonly step: 'eval' | 'work';
        readonly verdict: Verdict | null;
        readonly offer: Offer;
      }
    | { readonly state: 'cancelled'; readonly verdict: Verdict | null; readonly offer: Offer }
  );

export type JobCommand =
  | { readonly type: 'cancel' }
  | { readonly type: 'invoice' }
  | { readonly type: 'prepay' }
  /** More words for the same request; the text was already joined. */
  | { readonly type: 'join'; readonly requestCharacters: number };

export type JobNotice =
  | { readonly type: 'price' }
  | { readonly type: 'invoice'; readonly again: boolean }
  | { readonly type: 'invoice_delayed' }
  | { readonly type: 'paid' }
  | { readonly type: 'progress' }
  | { readonly type: 'quote'; readonly saidPaid: boolean }
  | { readonly type: 'rejected'; readonly saidPaid: boolean }
  | { readonly type: 'result' }
  | { readonly type: 'failed' }
  | { readonly type: 'cancelled'; readonly owedSats: Sats }
  | { readonly type: 'late_money'; readonly amountSats: Sats; readonly wayOn: boolean }
  | { readonly type: 'surplus'; readonly amountSats: Sats }
  | { readonly type: 'joined' }
  | { readonly type: 'unavailable' };

/** What the activity `execute` hands back; the text is kept already. */
export interface WorkOutput {
  readonly resultId: number;
  readonly resultParts: number;
  readonly cut: boolean;
  readonly model: string;
  readonly usage: TokenUsage;
}
