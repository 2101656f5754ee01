import { decodeInvoice } from '../../../bolt11/index.ts';
import type { Tx } from '../../../db/index.ts';
import type { Msats, UnixSeconds } from '../../../lib/units.ts';
import { loadInvoice, markPaid } from './store.ts';

/** What became of `timmy pay`. `unknown`: no invoice of this database's stub wallet. */
export type StubPayment =
  | { readonly result: 'paid'; readonly paymentHash: string; readonly amountMsats: Msats }
  | { readonly result: 'already_paid' | 'expired'; readonly paymentHash: string }
  | { readonly result: 'unknown' }
  | { readonly result: 'invalid' };

/**
 * Pays an invoice of the stub wallet, named by itself or by its payment hash. As on Lightning, an invoice is paid
 * once, and not after its expiry. The running daemon sees it within a second.
 */
export function payStubInvoice(tx: Tx, text: string, now: UnixSeconds): StubPayment {
  const paymentHash = hashIn(text);
  if (paymentHash === null) return { result: 'invalid' };
  const invoice = loadInvoice(tx, paymentHash);
  if (invoice === null) return { result: 'unknown' };
  if (invoice.paidAt !== null) return { result: 'already_paid', paymentHash };
  if (invoice.expiresAt <= now) return { result: 'expired', paymentHash };
  markPaid(tx, paymentHash, now);
  return { result: 'paid', paymentHash, amountMsats: invoice.amountMsats };
}

function hashIn(text: string): string | null {
  const hash = text.trim().toLowerCase();
  if (/^[0-9a-f]{64}$/.test(hash)) return hash;
  const invoice = decodeInvoice(text);
  return 'invalid' in invoice ? null : invoice.paymentHash;
}
