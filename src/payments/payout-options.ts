import type { Tx } from '../db/index.ts';
import type { Commit } from '../tasks/index.ts';
import type { WalletTaskOptions } from './invoice-tasks.ts';
import { buryPayout, findPayout, isUnsent, setPayout, type PayoutRow } from './payouts.ts';
import type { ReceiptBook } from './receipts.ts';

export interface PayoutTaskOptions extends WalletTaskOptions {
  /** `REFUND_PROBE_SECONDS`: how soon a payment that the wallet calls failed is asked about again. */
  readonly probeSeconds: number;
  readonly receipts: ReceiptBook;
  /**
   * `nothing` while the books do not add up, `covered` while the wallet holds less than they say: then the oldest
   * debts go first, as far as what it holds covers them. What was sent is watched all the same.
   */
  readonly mayLeave?: () => 'all' | 'covered' | 'nothing';
  /** What may leave the wallet: one payment, a day, and payments whose outcome is open. */
  readonly caps: PayoutCaps;
  /** Tells the customer how the payout stands; renders nothing itself. */
  readonly tell: (tx: Tx, payout: PayoutRow, news: PayoutNews) => void;
}

export interface PayoutCaps {
  readonly paymentSats: number;
  readonly dailySats: number;
  readonly inFlight: number;
  /** Of them for one npub: a payee who holds payments open holds up nobody but themself. */
  readonly inFlightOfOwner: number;
  /** In flight together: a fifth of the wallet, and never less than this. */
  readonly inFlightFloorSats: number;
  /** Routing fees a day (UTC), and of them for what one npub asks for: a fifth. Sats. */
  readonly feeDailySats: number;
}

export type PayoutNews = 'paid' | 'dead' | 'on_its_way' | 'a_person_looks';

/** A payout of this age is not quick: the customer hears that it takes longer. Seconds. */
export const SLOW_AFTER = 60;
/** One of this age is for a person to look at. Seconds. */
const STUCK_AFTER = 86_400;
/** After a post whose answer was lost, so long a 404 proves nothing: the request may still wait in a queue. Seconds. */
export const QUIET_BEFORE_ABSENT_COUNTS = 120;

/** Proven dead: its debts stand again, and the customer hears it. */
export function bury(options: PayoutTaskOptions, paymentHash: string, why: string): Commit {
  return (tx) => {
    if (!buryPayout(tx, paymentHash, why, options.clock.now())) return;
    const payout = findPayout(tx, paymentHash);
    if (payout !== undefined) options.tell(tx, payout, 'dead');
  };
}

/** Each once, whether it was sent or waits to be. */
export function tellWaiting(options: PayoutTaskOptions, tx: Tx, payout: PayoutRow): void {
  const age = options.clock.now() - payout.createdAt;
  if (age >= STUCK_AFTER && payout.told !== 'a_person_looks') {
    setPayout(tx, payout.paymentHash, { told: 'a_person_looks' });
    options.tell(tx, payout, 'a_person_looks');
    const stands = isUnsent(payout) ? 'waits' : 'has been under way';
    options.alert(tx, `A refund ${stands} for a day, and how it ends is unknown. See: timmy refunds list.`);
  } else if (age >= SLOW_AFTER && payout.told === '') {
    setPayout(tx, payout.paymentHash, { told: 'on_its_way' });
    options.tell(tx, payout, 'on_its_way');
  }
}
