import type { Tx } from '../db/index.ts';
import { balance, WALLET } from '../ledger/index.ts';
import { sha256Hex } from '../lib/hash.ts';
import { msats, type UnixSeconds } from '../lib/units.ts';
import { debtsPaidBy, payAutomatically } from './debts.ts';
import { QUIET_BEFORE_ABSENT_COUNTS, type PayoutTaskOptions } from './payout-options.ts';
import { buryPayout, findPayout, sendPayout, settlePayout, watchPayout, type PayoutRow } from './payouts.ts';
import { done, refused, type Book, type DecisionOutcome, type DecisionRow } from './resolve-outcome.ts';

type Resolution = Omit<DecisionRow, 'what'> & { readonly what: 'paid' | 'dead' };

/**
 * A person decides what became of a payout that nobody can prove, or calls off one that was never sent. What the wallet
 * proves itself wins, and a decision against its word is refused.
 */
export async function resolvePayout(options: PayoutTaskOptions, row: Resolution, signal: AbortSignal): Promise<Book> {
  const { database, wallet } = options;
  const { paymentHash, what } = row;
  const refusal = whyNot(options, findPayout(database.read, paymentHash), what);
  if (refusal !== null) return () => refused(refusal);
  const status = row.unasked ? null : await wallet.lookupPayment(paymentHash, signal);
  if (status?.state === 'paid') {
    if (what === 'dead') return () => refused('The wallet says that it was paid: timmy refunds retry books that.');
    return (tx) => bookPaid(options, tx, paymentHash, status, 'The wallet itself says that it was paid: booked.');
  }
  return (tx) => {
    const moved = whyNot(options, findPayout(tx, paymentHash), what);
    if (moved !== null) return refused(moved);
    return what === 'dead' ? bookDead(options, tx, paymentHash) : bookVouched(options, tx, row);
  };
}

function whyNot({ clock }: PayoutTaskOptions, payout: PayoutRow | undefined, what: 'paid' | 'dead'): string | null {
  if (payout === undefined) return 'There is no such payout of ours.';
  const { state, sentAt } = payout;
  if (state === 'sent') return null;
  if (state !== 'committed') return `It is ${state} already, and that is final.`;
  if (sentAt === null)
    return what === 'dead' ? null : 'It was never sent, so it cannot be paid: timmy refunds retry has it sent now.';
  return clock.now() - sentAt > QUIET_BEFORE_ABSENT_COUNTS
    ? null
    : 'It is being sent just now: look again in some minutes.';
}

function bookVouched(options: PayoutTaskOptions, tx: Tx, row: Resolution): DecisionOutcome {
  const { paymentHash, preimage } = row;
  if (preimage !== null && sha256Hex(Buffer.from(preimage, 'hex')) !== paymentHash)
    return refused('The preimage does not belong to this payment hash.');
  const amount = BigInt(findPayout(tx, paymentHash)?.amountMsats ?? 0);
  if (balance(tx, WALLET) < amount)
    return refused(
      'By the books the wallet does not hold that much: something else is wrong. See: timmy ledger verify.',
    );
  const proof = { feeMsats: msats(0n), preimage };
  return bookPaid(options, tx, paymentHash, proof, 'Booked as paid, by hand. The customer has its receipt.');
}

function bookPaid(
  options: PayoutTaskOptions,
  tx: Tx,
  paymentHash: string,
  proof: Parameters<typeof settlePayout>[2],
  words: string,
): DecisionOutcome {
  const now = options.clock.now();
  const { feeMsats, preimage } = proof;
  if (!settlePayout(tx, paymentHash, { feeMsats, preimage }, now)) return refused('It is paid already.');
  const payout = findPayout(tx, paymentHash);
  if (payout !== undefined) {
    options.receipts.fileRefund(tx, payout, debtsPaidBy(tx, paymentHash), now);
    options.tell(tx, payout, 'paid');
  }
  return done(words);
}

function bookDead(options: PayoutTaskOptions, tx: Tx, paymentHash: string): DecisionOutcome {
  buryPayout(tx, paymentHash, 'by_hand', options.clock.now());
  const payout = findPayout(tx, paymentHash);
  if (payout !== undefined) options.tell(tx, payout, 'dead');
  return done('Booked as dead, by hand. The money is owed again and can be paid anew.');
}

/** Has everything about this payout looked at now. @returns what that means, or null when there is no such payout. */
export function retryPayout(tx: Tx, paymentHash: string, now: UnixSeconds): string | null {
  const payout = findPayout(tx, paymentHash);
  switch (payout?.state) {
    case undefined:
      return null;
    case 'committed':
      sendPayout(tx, paymentHash, now);
      return 'It is sent as soon as the wallet takes it; then its outcome is looked up.';
    case 'sent':
      watchPayout(tx, { paymentHash }, now, now);
      return 'The wallet is asked for its outcome now. It is never sent again blindly.';
    case 'dead':
      payAutomatically(tx, payout?.owner ?? '', now, now);
      return 'This attempt is dead. What is owed to the customer is paid anew now, where a destination is known.';
    case 'paid':
      return 'It is paid: there is nothing to do.';
  }
}
