import type { OrderBase } from '../../engine/types.ts';
import type { Sats, UnixSeconds } from '../../lib/units.ts';

/*
 *            create                 paid                  it runs                 time is over, or cancelled
 *  (nothing) ──────► awaiting_payment ────► provisioning ────────► ready ─────────────────────────────► expiring
 *                       │ lapsed,              │ cannot be made     ▲ │ destroyed by others    renewed │ │ gone at the cloud
 *                       ▼ called off           ▼                    └─┼────────────────────────────────┘ ▼
 *                    expired                 failed                   └─────────────────────────────► destroyed
 *   `doing` is the work outside that is owed now; each call of a cloud is an activity of its own (saga/steps.ts).
 *   What is paid is in the account `bootstrap:<id>` until the node runs, and earned then, term by term.
 */
export type NodeState = 'awaiting_payment' | 'provisioning' | 'ready' | 'expiring' | 'destroyed' | 'failed' | 'expired';

/** Work outside, by the names of its activities. `announce` is the node's: it is waited for. */
export type Doing = 'make_key' | 'ssh_key' | 'volume' | 'droplet' | 'boot' | 'announce' | 'tidy' | 'clean_up';

/** What is rented, as it was said before it was paid for. */
export interface Offer {
  readonly region: string;
  readonly size: string;
  readonly vcpus: number;
  readonly memoryMb: number;
  readonly diskGb: number;
  readonly volumeGb: number;
  /** Of the droplet and its volume together, in millionths of a USD. */
  readonly hourlyUsdMicros: number;
  readonly monthlyUsdMicros: number;
  readonly impl: 'core' | 'knots';
  /** What is kept of the chain; 0: all of it. */
  readonly pruneMib: number;
  readonly isStub: boolean;
  /** It joins the operator's Tailscale network. */
  readonly tailscale: boolean;
}

/** A term that is paid for. `endedAt`: it ended before its time. */
export interface Term {
  readonly invoiceId: number;
  readonly feeSats: Sats;
  readonly from: UnixSeconds;
  readonly until: UnixSeconds;
  readonly endedAt: UnixSeconds | null;
}

/** What the clouds gave us for this attempt; each by the id that they know it by. */
export interface Handles {
  readonly sshKeyId: string | null;
  /** False: somebody of this account had the same key there before; it is not ours to delete. */
  readonly sshKeyIsOurs: boolean;
  readonly volumeId: string | null;
  readonly dropletId: string | null;
  readonly ipv4: string | null;
  readonly tailnetName: string | null;
}

export const NO_HANDLES: Handles = {
  sshKeyId: null,
  sshKeyIsOurs: false,
  volumeId: null,
  dropletId: null,
  ipv4: null,
  tailnetName: null,
};

/** A price and what it buys. */
export interface TermOffer {
  readonly feeSats: Sats;
  readonly termSeconds: number;
}

/** What goes on until it is over. */
export type EndedBecause = 'over' | 'cancelled' | 'gone' | 'by_hand';

/** A node of a customer's own. */
export interface NodeOrder extends OrderBase {
  readonly state: NodeState;
  readonly createdAt: UnixSeconds;
  readonly updatedAt: UnixSeconds;
  readonly offer: Offer;
  /** What the open or the next invoice is for. */
  readonly wanted: TermOffer;
  /** The public half, one line; null: we are to make a pair, whose private half we only seal. */
  readonly sshPublicKey: string | null;
  readonly keyIsMade: boolean;
  readonly doing: Doing | null;
  /** Of making it; the names of things at the clouds carry it. */
  readonly attempt: number;
  /** Where this attempt is made. */
  readonly region: string;
  readonly handles: Handles;
  /** The node's own key, and its host's fingerprints, as it proved them itself. */
  readonly node: { readonly pubkey: string; readonly hostKeys: readonly string[] } | null;
  /** The payment that the first term will be of, while it is being made. */
  readonly paidBy: number | null;
  readonly terms: readonly Term[];
  /** When its owner was told that the running term ends, each time. */
  readonly warnedAt: readonly UnixSeconds[];
  /** `cancel` was said once: said again until then, it is done. */
  readonly cancelUntil: UnixSeconds | null;
  readonly endedBecause: EndedBecause | null;
  readonly failure: string | null;
  /** The last attempt of making it ended so; it is tried once more elsewhere. */
  readonly firstFailure: string | null;
  /** An invoice for the next term is, or was, open: the first payment renews, a second is owed back. */
  readonly renewalAsked: boolean;
  readonly priceUntold: boolean;
  readonly replacedUnasked: boolean;
  /** The message that ordered it: what is sealed for its owner answers it. */
  readonly orderedBy: number;
}

export interface NodeFacts {
  readonly now: UnixSeconds;
  readonly startedAt: UnixSeconds;
  readonly invoiceExpirySeconds: number;
  readonly invoice: { readonly open: boolean; readonly expiresAt: number; readonly amountSats: number } | null;
  readonly invoiceComing: boolean;
  readonly eventInvoiceCut: boolean;
  readonly eventInvoiceEnd: number | null;
  /** Why none can be made now, though it is paid for: our own code. */
  readonly noRoom: string | null;
  /** What a term costs and lasts today. */
  readonly today: TermOffer;
  /** Where it is tried once more; null: nowhere. */
  readonly fallbackRegion: string | null;
  readonly announceSeconds: number;
  /** Seconds before the end at which its owner is told, the longest first. */
  readonly warnings: readonly number[];
  /** What follows the end before the node goes, longer by all that we were away in it; null: no term runs. */
  readonly graceUntil: UnixSeconds | null;
  /** Where a term that is paid for now begins: at the end of the last, later by what of the time since does not count. */
  readonly renewsFrom: UnixSeconds;
  /** When a relay took each of the warnings that one has taken, the first ones first. */
  readonly warningsHeardAt: readonly UnixSeconds[];
  readonly graceSeconds: number;
}

export type NodeCommand =
  | { readonly type: 'cancel' }
  | { readonly type: 'invoice' }
  /** The node speaks for the first time; its claim is checked. */
  | { readonly type: 'announce'; readonly pubkey: string; readonly hostKeys: readonly string[] };

/** What the operator may do (`timmy nodes`). */
export type NodeByHand = { readonly type: 'destroy' } | { readonly type: 'retry' };

/** What the sweeper tells an order of ours. */
export type SweepNews = { readonly type: 'gone' } | { readonly type: 'moved'; readonly ipv4: string };

export type NodeNotice =
  | { readonly type: 'price' }
  | { readonly type: 'invoice'; readonly again: boolean }
  | { readonly type: 'unavailable' }
  | { readonly type: 'called_off' }
  | { readonly type: 'paid' }
  | { readonly type: 'step'; readonly step: 'droplet' | 'announce' | 'elsewhere' }
  | { readonly type: 'ready' }
  | { readonly type: 'introduced' }
  | { readonly type: 'failed'; readonly owedSats: Sats }
  | { readonly type: 'renewed' }
  | { readonly type: 'warning'; readonly seconds: number }
  /** It is destroyed in so many seconds; what is paid now counts from then. */
  | { readonly type: 'over'; readonly seconds: number; readonly countsFrom: UnixSeconds }
  | { readonly type: 'cancel_asked'; readonly owedSats: Sats }
  | { readonly type: 'ending'; readonly owedSats: Sats }
  | { readonly type: 'gone'; readonly owedSats: Sats }
  | { readonly type: 'destroyed' }
  | { readonly type: 'moved'; readonly ipv4: string }
  | { readonly type: 'late_money'; readonly amountSats: Sats }
  | { readonly type: 'surplus'; readonly amountSats: Sats };
