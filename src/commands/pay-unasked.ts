import { automaticDestination, nextTryAt, noteFailure } from '../customers/index.ts';
import type { Reader, Tx } from '../db/index.ts';
import { OutsideError } from '../lib/errors.ts';
import { plusSeconds, wholeSats } from '../lib/units.ts';
import { commitPayout, feesShutUntil, payAutomatically, type DebtRow } from '../payments/index.ts';
import type { Commit, TaskKind } from '../tasks/index.ts';
import { askAddress, owedNow, sameDebts, sumOf, type AskingOptions } from './address-invoice.ts';
import { giveUp, type GiveUpOptions } from './give-up.ts';
import { isAskedLater } from './pay-address.ts';

export interface UnaskedOptions extends AskingOptions, GiveUpOptions {
  /** `REFUND_AUTO_MIN_SATS` and `REFUND_FEE_DAILY_SATS` */
  readonly autoMinSats: number;
  readonly feeDailySats: number;
}

interface AutoTask {
  readonly owner: string;
}

/** Whom to pay what, or how many seconds later to look again (null: when something changes). */
type Plan =
  | { readonly pay: { readonly destination: string; readonly debts: readonly DebtRow[] } }
  | { readonly pay: null; readonly lookAgainAfter: number | null };

const NOTHING_TO_DO: Plan = { pay: null, lookAgainAfter: null };

const TIMEOUT_MS = 10_000;
/** While a word of theirs is under way, it goes first. Seconds. */
const WORD_FIRST = 15;
/** An address that gave no invoice is asked again. Seconds. */
const TRY_AGAIN_AFTER = 30;

/**
 * Pays a customer back unasked, where a destination is known, refunds are on, the sum is worth it and today's routing
 * fees allow it. All their debts together, so that small change joins the next refund. It never waits: what is to be
 * tried later is a new task, and another word of theirs wins until the payout is committed.
 *
 * Killed midway: an invoice may have been made there that nobody will pay; another is asked for.
 */
export function autoRefundTask(options: UnaskedOptions): TaskKind<AutoTask> {
  const { database, clock, wallet } = options;
  const payAfter = (tx: Tx, owner: string, seconds: number): void =>
    payAutomatically(tx, owner, plusSeconds(clock.now(), seconds), clock.now());

  function planFor(reader: Reader, owner: string): Plan {
    const destination = automaticDestination(reader, owner);
    const debts = owedNow(reader, owner, null);
    if (destination === null || debts.length === 0) return NOTHING_TO_DO;
    if (wholeSats(sumOf(debts)) < options.autoMinSats) return NOTHING_TO_DO;
    if (!wallet.canPay) return { pay: null, lookAgainAfter: 600 };
    // The payment itself passes the same gate: here it only spares the address an invoice that nobody pays.
    if (feesShutUntil(reader, options, owner, false, clock.now()) !== null) return { pay: null, lookAgainAfter: 3600 };
    return { pay: { destination, debts } };
  }

  return {
    kind: 'refund.auto',
    pool: 'lookups',
    leaseSeconds: 60,
    maxAttempts: Infinity,
    run: async (task, signal): Promise<Commit> => {
      const { owner } = task.payload;
      const begunAt = clock.now();
      const { pay } = planFor(database.read, owner);
      const found = pay === null ? null : await askAddress(options, pay.debts, pay.destination, TIMEOUT_MS, signal);
      return (tx) => {
        const now = clock.now();
        const plan = planFor(tx, owner);
        if (plan.pay === null) {
          if (plan.lookAgainAfter !== null) payAfter(tx, owner, plan.lookAgainAfter);
          return;
        }
        const { destination, debts } = plan.pay;
        const isStillSo = pay?.destination === destination && sameDebts(pay.debts, debts);
        if (found === null || !isStillSo) return payAutomatically(tx, owner, now, now);
        if (isAskedLater(tx, owner, null, 0)) return payAfter(tx, owner, WORD_FIRST);
        if (!(found instanceof OutsideError)) return commitPayout(tx, { ...found, owner, replyTo: null }, now);
        // Small change: it joins the next refund.
        if (found.message === 'lnurl.amount_too_small') return;
        const failing = noteFailure(tx, owner, destination, begunAt, now);
        if (failing.givenUpAt !== null) return giveUp(options, tx, owner, destination, now);
        payAutomatically(tx, owner, nextTryAt(failing, TRY_AGAIN_AFTER, now), now);
      };
    },
  };
}
