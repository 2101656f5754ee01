import { statement, type Reader } from '../db/index.ts';
import { plusSeconds, type UnixSeconds } from '../lib/units.ts';

export interface FeeCaps {
  /** `REFUND_FEE_DAILY_SATS`: what routing may cost us in a day (UTC). 0: nothing is paid unasked, and nothing else stops. */
  readonly feeDailySats: number;
}

const DAY = 86_400;
/** Of a day's fees, for what one npub asks for. */
const SHARES = 5n;

/**
 * The one gate for paying a routing fee, whoever asks. What a payment costs is known only when it has arrived, so the
 * gate counts fees paid, and what is in flight may go over by a fee each (`REFUND_MAX_IN_FLIGHT`, two of one npub).
 *
 * @param asked the customer asked for it: then theirs alone may take a fifth.
 * @returns null while it is open, else when the next day begins.
 */
export function feesShutUntil(
  reader: Reader,
  { feeDailySats }: FeeCaps,
  owner: string,
  asked: boolean,
  now: UnixSeconds,
): UnixSeconds | null {
  const today = plusSeconds(now, -(now % DAY));
  const most = BigInt(feeDailySats) * 1000n;
  if (most === 0n && asked) return null;
  const { all, own } = statement(
    reader,
    `SELECT coalesce(sum(fee_msats), 0) AS "all",
       coalesce(sum(CASE WHEN owner = @owner AND reply_to IS NOT NULL THEN fee_msats ELSE 0 END), 0) AS own
     FROM payouts WHERE state = 'paid' AND ended_at >= @today`,
  ).get({ owner, today }) as { all: number; own: number };
  const isShut = BigInt(all) >= most || (asked && BigInt(own) * SHARES >= most);
  return isShut ? plusSeconds(today, DAY) : null;
}
