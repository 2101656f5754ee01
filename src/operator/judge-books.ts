import { dropFact, keepFact, readFact, type Tx } from '../db/index.ts';
import type { Broken } from '../ledger/index.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { closeOverBooks } from '../payments/index.ts';

export interface JudgeOptions {
  /** Tells the operators. */
  readonly alert: (tx: Tx, what: string) => void;
  /** Has what is late mended, where a task can do it: in the same transaction, and the same as at start. */
  readonly onLate?: (tx: Tx, late: readonly Broken[], now: UnixSeconds) => void;
}

/**
 * What follows from one look at every invariant. Sums that do not add up stop sales and payments, and a wallet short of
 * what is owed stops sales, both until a look finds them right again. What is late stops nothing: it is told once until
 * all of it has ended, and mended. Each beginning and each end is told.
 */
export function judgeBooks({ alert, onLate }: JudgeOptions, tx: Tx, broken: readonly Broken[], now: UnixSeconds): void {
  const has = (kind: Broken['kind']): boolean => broken.some((one) => one.kind === kind);
  const [wereBroken, wereShort] = [readFact(tx, 'books_broken') !== null, readFact(tx, 'books_short') !== null];
  const isOpened = closeOverBooks(tx, broken, now);
  if (has('books') && !wereBroken)
    alert(
      tx,
      'The books do not add up: sales and payments are stopped. What is wrong, and the way out: timmy ledger explain',
    );
  if (has('short') && !wereShort)
    alert(
      tx,
      'Customers are owed more than the wallet holds by the books: sales are stopped, and refunds go out as far as it covers them. See: timmy ledger explain',
    );
  if (isOpened) {
    const isOver = !has('books') && !has('short');
    alert(
      tx,
      isOver
        ? 'The books add up again, and the wallet covers them. Sales and payments go on.'
        : 'The books are better, not yet well. See: timmy ledger explain',
    );
  }
  const late = broken.filter(({ kind }) => kind === 'late');
  if (late.length === 0) return dropFact(tx, 'late_told');
  onLate?.(tx, late, now);
  if (readFact(tx, 'late_told') !== null) return;
  keepFact(tx, 'late_told', String(now));
  const [first] = late;
  const more = late.length > 1 ? `, and ${late.length - 1} more` : '';
  alert(
    tx,
    `Something is late (${first?.row ?? ''}: ${first?.invariant ?? ''}${more}). No money is stopped by it. See: timmy ledger explain`,
  );
}
