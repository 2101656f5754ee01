import { isUnsent, type PayoutRow } from '../payments/index.ts';

/** How a payout stands, as JSON-RPC names it; what is not sent yet waits for its turn. */
export function payoutState(payout: PayoutRow): 'pending' | 'paying' | 'paid' | 'failed' {
  if (payout.state === 'paid') return 'paid';
  if (payout.state === 'dead') return 'failed';
  return isUnsent(payout) ? 'pending' : 'paying';
}

/** A whole payout as JSON-RPC shows a refund (docs/rpc.md). */
export function rpcPayout(payout: PayoutRow): Record<string, unknown> {
  return {
    state: payoutState(payout),
    amount_sats: Math.floor(payout.amountMsats / 1000),
    destination: payout.destination ?? payout.bolt11,
    payment_hash: payout.paymentHash,
    preimage: payout.preimage,
    error: payout.error,
  };
}
