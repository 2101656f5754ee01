import type { UnixSeconds } from '../lib/units.ts';
import type { Network } from '../ports/wallet.ts';
import { decodeInvoice, type Invoice } from './decode.ts';

/** What we asked our wallet for, and what we know of its node. */
export interface AskedInvoice {
  readonly amountMsats: bigint;
  readonly network: Network;
  /** The hash that the wallet named beside the invoice. */
  readonly paymentHash: string;
  readonly expirySeconds: number;
  readonly now: UnixSeconds;
  /** Our node's key once an invoice of it has been seen, else null: LNbits must not start to issue for another payee. */
  readonly payee: string | null;
}

export type IssuedMismatch = 'malformed' | 'network' | 'amount' | 'payment_hash' | 'expiry' | 'expired' | 'payee';

/** How much shorter than asked an invoice may live, and how far our clock may be from the node's. Seconds. */
const EXPIRY_TOLERANCE = 5;
const CLOCK_TOLERANCE = 300;

/**
 * An invoice that our wallet issued must be exactly what we asked for, or it is never shown to anybody.
 * A mismatch means that the wallet lies or is not the one we think it is: stop selling.
 */
export function checkIssued(
  bolt11: string,
  asked: AskedInvoice,
): { readonly invoice: Invoice } | { readonly mismatch: IssuedMismatch } {
  const invoice = decodeInvoice(bolt11);
  if ('invalid' in invoice || invoice.irregular) return { mismatch: 'malformed' };
  if (invoice.network !== asked.network) return { mismatch: 'network' };
  if (invoice.amountMsats !== asked.amountMsats) return { mismatch: 'amount' };
  if (invoice.paymentHash !== asked.paymentHash) return { mismatch: 'payment_hash' };
  if (invoice.expirySeconds + EXPIRY_TOLERANCE < asked.expirySeconds) return { mismatch: 'expiry' };
  if (Math.abs(invoice.timestamp - asked.now) > CLOCK_TOLERANCE || invoice.expiresAt <= asked.now) {
    return { mismatch: 'expired' };
  }
  if (asked.payee !== null && invoice.payee !== asked.payee) return { mismatch: 'payee' };
  return { invoice };
}
