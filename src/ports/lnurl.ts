import type { Msats } from '../lib/units.ts';

/**
 * Asks a Lightning address or LNURL (LUD-06, LUD-16) for an invoice of exactly `amountMsats`. The invoice is not
 * yet checked. Throws `OutsideError`: `rejected` (this destination cannot take it; `message` is a short code),
 * `unavailable` (try later).
 */
export interface LnurlPay {
  /** Is there somebody to be paid? Asked when a destination is stored; no invoice is made. Throws as `invoice` does. */
  resolve(destination: string, signal: AbortSignal): Promise<void>;
  invoice(destination: string, amountMsats: Msats, signal: AbortSignal): Promise<string>;
}
