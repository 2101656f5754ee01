import type { Msats, Sats, UnixSeconds } from '../lib/units.ts';

/** The Lightning network of an invoice, as its human-readable part names it (BOLT 11). */
export type Network = 'bitcoin' | 'testnet' | 'signet' | 'regtest';

export interface InvoiceRequest {
  /** ≥ 1. */
  readonly amountSats: Sats;
  /** ≤ 200 bytes, plain, never the customer's request ("Timmy J-4KQ7M look"). */
  readonly description: string;
  /** Seconds, ≥ 1. */
  readonly expirySeconds: number;
  /** It goes before others that wait for their turn at the wallet: it is paid for, or its owner asks for little. */
  readonly isUrgent?: boolean;
  /** Our own id of the intent, kept beside the invoice in the wallet so that an orphan can be recognised. */
  readonly intentId: string;
}

/** An invoice as issued. The caller has still to check it against what was asked (`bolt11/check-issued`). */
export interface IssuedInvoice {
  readonly bolt11: string;
  readonly paymentHash: string;
}

/**
 * What the wallet says of an invoice of ours. Only `paid` is believed; `lapsed` means "no payment known" and is
 * never proof that nobody paid (LNbits 1.6 turns expired invoices to failed without asking its node).
 */
export type IncomingStatus =
  | { readonly state: 'paid'; readonly amountMsats: Msats; readonly preimage: string | null }
  | { readonly state: 'open' }
  | { readonly state: 'lapsed' }
  | { readonly state: 'absent' };

/**
 * What the wallet says of a payment of ours. `failed` is provisional until a probe proves it dead; `unknown` is
 * in flight or undecided; `absent`: the wallet, whose key still works, has no such payment.
 */
export type OutgoingStatus =
  | { readonly state: 'paid'; readonly feeMsats: Msats; readonly preimage: string | null }
  | { readonly state: 'unknown' }
  | { readonly state: 'failed' }
  | { readonly state: 'absent' };

/**
 * The wallet's answer to one attempt to send. It never decides the outcome: look the hash up.
 * `refused`: a check before anything was sent (believe it only together with `absent`).
 */
export type SendAnswer =
  | { readonly answer: 'accepted' }
  | { readonly answer: 'refused'; readonly why: 'insufficient' | 'limit' | 'forbidden' | 'invalid' | 'internal' };

/** What a probe of a payment that the wallet calls failed has proved. */
export type FailureProof = 'paid' | 'dead' | 'unproven';

/**
 * What came of asking the node about an invoice that the wallet calls lapsed. `paid` and `unpaid` are the node's word;
 * `silent`: it did not say; `not_asked`: there was nothing to ask, or no means to; `insufficient`: the wallet asks only
 * while it holds the amount and its routing reserve (it sends nothing).
 */
export interface Recheck {
  readonly status: IncomingStatus;
  readonly node: 'paid' | 'unpaid' | 'silent' | 'not_asked' | 'insufficient';
}

/** One row of the wallet's own books, for reconciliation. */
export interface WalletRow {
  readonly paymentHash: string;
  readonly direction: 'in' | 'out';
  readonly state: 'paid' | 'open' | 'failed';
  /** Without the fee; > 0. */
  readonly amountMsats: Msats;
  /** ≥ 0. */
  readonly feeMsats: Msats;
  readonly createdAt: UnixSeconds;
  /** When it last became something else (paid, failed), by the wallet's own clock. */
  readonly changedAt: UnixSeconds;
  /** `extra.timmy_intent` or `extra.timmy_debts` as we once gave it, or null for rows that are not of our making. */
  readonly label: string | null;
}

export interface WalletPage {
  /** The latest change first. A row that nobody can read is left out. */
  readonly rows: readonly WalletRow[];
  /** There is nothing behind it. */
  readonly isLast: boolean;
}

export interface WalletContact {
  /** Which wallet this is: stub id, or the LNbits wallet id (needs the admin key; else a digest of the key). */
  readonly walletId: string;
  /** Software and version, for `status`; null when it does not tell. */
  readonly version: string | null;
  readonly balanceMsats: Msats;
}

/**
 * The Lightning wallet. Every method throws `OutsideError` only: `unavailable` (nothing happened, ask again),
 * `rejected` (a final no: wrong key, forbidden), `unknown` (it may have happened: look it up by hash).
 * Amounts in msats or sats as named; hashes and preimages are 64 lower-case hex characters.
 */
export interface Wallet {
  readonly kind: 'stub' | 'lnbits';
  readonly network: Network;
  /** False when only an invoice key is configured: then refunds wait, loudly. */
  readonly canPay: boolean;
  contact(signal: AbortSignal): Promise<WalletContact>;
  createInvoice(request: InvoiceRequest, signal: AbortSignal): Promise<IssuedInvoice>;
  lookupInvoice(paymentHash: string, signal: AbortSignal): Promise<IncomingStatus>;
  /** Is the node behind the wallet there? Asked before each payout: one posted into the void is stuck for ever. */
  probeNode(signal: AbortSignal): Promise<boolean>;
  /** Posts `bolt11` once. `debtsLabel` is kept in the wallet's own row. Idempotent on the payment hash. */
  pay(bolt11: string, debtsLabel: string, signal: AbortSignal): Promise<SendAnswer>;
  lookupPayment(paymentHash: string, signal: AbortSignal): Promise<OutgoingStatus>;
  /** Asks the node again about a payment that `lookupPayment` calls failed. May find it paid. Never sends a new one. */
  probeFailure(bolt11: string, paymentHash: string, signal: AbortSignal): Promise<FailureProof>;
  /**
   * For the operator's hand only: has the wallet ask its node about an invoice of ours that it calls lapsed. Never
   * pays, and does nothing for one that is still open. Absent where there is no way to ask.
   */
  recheckInvoice?(bolt11: string, paymentHash: string, signal: AbortSignal): Promise<Recheck>;
  /**
   * One page of the wallet's own books, the latest change first: an old invoice that is paid today stands at the top.
   * What changes between two pages pushes the others down, so that going on at `offset + limit` skips nothing.
   * `limit` ≤ 1000.
   */
  changes(offset: number, limit: number, signal: AbortSignal): Promise<WalletPage>;
  /** The rows of one payment hash, whatever their age: none, one, or one in and one out. */
  rowsOf(paymentHash: string, signal: AbortSignal): Promise<readonly WalletRow[]>;
  /**
   * Calls `hint` whenever a payment may have changed (`null`: unknown which). A hint is never believed, it only
   * wakes a look-up. Returns a function that stops it.
   */
  watch(hint: (paymentHash: string | null) => void): () => void;
}
