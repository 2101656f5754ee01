import { MIN_SECONDS_LEFT, type PayableRefusal } from '../bolt11/index.ts';
import type { Reader } from '../db/index.ts';
import { refuse, type Refusal } from '../lib/errors.ts';
import { msats, wholeSats, type Msats, type UnixSeconds } from '../lib/units.ts';
import { isHeldUp, payoutsOf, payoutsTo, type PayoutRow } from '../payments/index.ts';
import { payoutState } from './refund-shapes.ts';

/** One order and what is owed for it. */
interface Owed {
  readonly orderId: string;
  readonly amountMsats: Msats;
}

/** Asked again: told how it stands, paid nothing twice. */
export function payoutRefusal(reader: Reader, payout: PayoutRow): Refusal {
  const { paymentHash, preimage } = payout;
  const amount = wholeSats(msats(BigInt(payout.amountMsats)));
  if (payout.state === 'paid') {
    const proof = preimage === null ? '' : ` Preimage: ${preimage}.`;
    return refuse('already_paid', `That was paid: ${amount} sats. Payment hash: ${paymentHash}.${proof}`, {
      payment_hash: paymentHash,
      preimage,
    });
  }
  if (payout.state === 'dead') {
    return refuse(
      'bad_state',
      `That invoice could not be paid and is not tried again. Please send a fresh one for exactly ${amount} sats.`,
      { state: 'failed', payment_hash: paymentHash },
    );
  }
  const stands = isHeldUp(reader, payout) ? 'go out as soon as my wallet can pay' : 'are on their way';
  return refuse('bad_state', `Those ${amount} sats ${stands}. Nothing for you to do.`, {
    state: payoutState(payout),
    payment_hash: paymentHash,
  });
}

/** Nothing of this order (null: of all) waits to be paid: it is on its way, or paid, or there never was anything. */
export function nothingOwed(reader: Reader, owner: string, orderId: string | null): Refusal {
  const attempts = orderId === null ? payoutsTo(reader, owner) : payoutsOf(reader, orderId);
  const open = attempts.find((attempt) => attempt.state === 'committed' || attempt.state === 'sent');
  if (open !== undefined) return payoutRefusal(reader, open);
  const paid = attempts
    .filter((attempt) => attempt.state === 'paid')
    .sort((a, b) => (b.endedAt ?? 0) - (a.endedAt ?? 0))[0];
  if (paid !== undefined) return payoutRefusal(reader, paid);
  return refuse('bad_state', 'Nothing is owed to you.', { state: 'none', reason: 'nothing is owed' });
}

/** Today's routing fees are spent: nothing is asked of anybody's wallet before `until`. */
export function feesSpent(owed: Msats, until: UnixSeconds, goesByItself: boolean): Refusal {
  const then = goesByItself ? 'They go out after' : 'Ask again after';
  const text = `Your ${wholeSats(owed)} sats are safe and wait: routing fees of today are spent. ${then} 00:00 UTC.`;
  return refuse('unavailable', text, { retry_at: until });
}

/** What would be taken: an invoice for everything, or for one of several orders, or an address. */
export function exactly(all: Msats, perOrder: readonly Owed[]): string {
  const sats = wholeSats(all);
  const each = perOrder.slice(0, 4).map((row) => `${wholeSats(row.amountMsats)} (${row.orderId})`);
  const amounts = each.length === 0 ? `${sats} sats` : `${sats} sats (all) or ${each.join(' or ')}`;
  return `Send me an invoice for exactly ${amounts}, or a Lightning address`;
}

/** `perOrder`: where there are several. */
export function destinationRefused(why: PayableRefusal, all: Msats, perOrder: readonly Owed[]): Refusal {
  const reason: Readonly<Record<PayableRefusal, string>> = {
    malformed: 'I cannot read that invoice',
    broken_signature: 'The signature of that invoice is broken',
    ours: 'I know that invoice already and cannot pay it',
    own_node: 'That invoice is of the Lightning node that my own wallet is on, and I cannot pay it from there',
    wrong_network: 'That invoice is for another network',
    amount_missing: 'That invoice names no amount',
    amount_wrong: 'That invoice is for another amount',
    expired: 'That invoice has run out',
    expires_soon: `That invoice runs out too soon: I need ${MIN_SECONDS_LEFT} seconds`,
    expires_late: 'That invoice runs for too long',
    from_future: 'That invoice is dated in the future',
    cltv_too_long: 'That invoice may lock the money for too long',
    unknown_feature: 'That invoice needs something I do not know',
  };
  const least = why === 'expires_soon' ? { least_seconds_left: MIN_SECONDS_LEFT } : {};
  const data = { why, expected_sats: wholeSats(all), ...least };
  return refuse('bad_destination', `${reason[why]}. The money is still yours. ${exactly(all, perOrder)}.`, data);
}
