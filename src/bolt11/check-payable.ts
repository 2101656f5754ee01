import type { UnixSeconds } from '../lib/units.ts';
import type { Network } from '../ports/wallet.ts';
import { decodeInvoice, type Invoice } from './decode.ts';
import { secondReaderAgrees } from './second-reader.ts';

export interface PayableRules {
  /** What is owed, in msats: one of these exactly. Null: any whole number of sats. */
  readonly expectedMsats: readonly bigint[] | null;
  readonly network: Network;
  readonly now: UnixSeconds;
  /** Is it the hash of an invoice of ours, or of a payment we once tried? One hash is paid once, ever. */
  readonly isOurHash: (paymentHash: string) => boolean;
  /** Our own node's key, where known: what pays it moves nothing, whoever made the invoice. */
  readonly ourPayee: string | null;
}

/** Why an invoice is not one that we pay. */
export type PayableRefusal =
  | 'malformed'
  | 'broken_signature'
  | 'ours'
  | 'own_node'
  | 'wrong_network'
  | 'amount_missing'
  | 'amount_wrong'
  | 'expired'
  | 'expires_soon'
  | 'expires_late'
  | 'from_future'
  | 'cltv_too_long'
  | 'unknown_feature';

const MAX_CHARACTERS = 2048;
/**
 * Seconds. Most payouts leave within one; what has to wait longer than its invoice lives is never sent (a node that is
 * handed an expired invoice leaves it failed for ever), and another invoice is asked for. Wallets make some of 300.
 */
export const MIN_SECONDS_LEFT = 60;
const MAX_LEFT = 30 * 86_400;
const MAX_FUTURE = 3600;
/** Blocks for which the payee may hold our money (two days). */
const MAX_CLTV = 288;

/**
 * All that must hold before an invoice from a customer, or from the server of their Lightning address, is paid.
 * Look at `refused: 'ours'` first: it is the most helpful answer, whatever else is wrong.
 */
export function checkPayable(
  text: string,
  rules: PayableRules,
): { readonly invoice: Invoice } | { readonly refused: PayableRefusal } {
  if (text.length > MAX_CHARACTERS) return { refused: 'malformed' };
  const invoice = decodeInvoice(text);
  if ('invalid' in invoice) {
    if (invoice.invalid === 'network') return { refused: 'wrong_network' };
    return { refused: invoice.invalid === 'signature' ? 'broken_signature' : 'malformed' };
  }
  const refused = refusal(invoice, rules);
  return refused === null ? { invoice } : { refused };
}

function refusal(invoice: Invoice, rules: PayableRules): PayableRefusal | null {
  const { now } = rules;
  if (rules.isOurHash(invoice.paymentHash)) return 'ours';
  if (invoice.payee === rules.ourPayee) return 'own_node';
  if (invoice.network !== rules.network) return 'wrong_network';
  if (invoice.irregular || !secondReaderAgrees(invoice)) return 'malformed';
  if (invoice.amountMsats === null) return 'amount_missing';
  if (!amountFits(invoice.amountMsats, rules.expectedMsats)) return 'amount_wrong';
  if (invoice.timestamp > now + MAX_FUTURE) return 'from_future';
  if (invoice.expiresAt <= now) return 'expired';
  if (invoice.expiresAt < now + MIN_SECONDS_LEFT) return 'expires_soon';
  if (invoice.expiresAt > now + MAX_LEFT) return 'expires_late';
  if (invoice.minFinalCltv > MAX_CLTV) return 'cltv_too_long';
  if (invoice.unknownRequiredFeature !== null) return 'unknown_feature';
  return null;
}

function amountFits(amountMsats: bigint, expected: readonly bigint[] | null): boolean {
  return expected === null ? amountMsats % 1000n === 0n : expected.includes(amountMsats);
}
