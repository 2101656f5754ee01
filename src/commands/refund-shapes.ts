import type { PayoutRow } from '../payments/index.ts';

/** `Refund` of protocol.md §1 for a whole payout. */
export function rpcPayout(payout: PayoutRow): Record<string, unknown> {
  return {
    state: payout.state === 'paid' ? 'paid' : payout.state === 'dead' ? 'failed' : 'paying',
    amount_sats: Math.floor(payout.amountMsats / 1000),
    destination: payout.destination ?? payout.bolt11,
    payment_hash: payout.paymentHash,
    preimage: payout.preimage,
    error: payout.error,
  };
}
