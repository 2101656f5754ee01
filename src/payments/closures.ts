import { decodeInvoice, type IssuedMismatch } from '../bolt11/index.ts';
import { dropFact, keepFact, readFact, statement, type Reader, type Tx } from '../db/index.ts';
import type { Broken } from '../ledger/index.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { atTime } from './at-time.ts';
import { lastReconciliation, reconcileSoon } from './reconcile-verdict.ts';

/**
 * Why nothing is sold; what was paid for is still delivered. `books`: sums that do not add up. `drift`: wallet and
 * books disagree. `short`: customers are owed more than the wallet holds by the books. They end by themselves.
 * `wrong_invoice`: the wallet issued what was not asked; only the operator ends that. `disk`: it is nearly full.
 */
export interface Closure {
  readonly why: 'books' | 'drift' | 'short' | 'wrong_invoice' | 'disk';
  /** `sales`: refunds go on, the oldest first, as far as the wallet covers them. `all`: nothing is paid out either. */
  readonly stops: 'all' | 'sales';
  /** For the operator: what is wrong, and what to do. */
  readonly words: string;
}

/** An invoice of our own wallet that was not what was asked for. */
export interface WrongInvoice {
  readonly mismatch: IssuedMismatch;
  readonly at: number;
  /** The node that it pays, where it can be read, and the one we knew. */
  readonly node: string | null;
  readonly knownNode: string | null;
}

/** Everything that keeps us closed now, read from the database: a restart opens nothing. Empty: open. */
export function closures(reader: Reader): Closure[] {
  const found: Closure[] = [];
  const broken = readFact(reader, 'books_broken');
  if (broken !== null)
    found.push({ why: 'books', stops: 'all', words: `${BOOKS} since ${atTime(Number(broken))}${BOOKS_MEND}` });
  const drift = lastReconciliation(reader)?.drift ?? null;
  if (drift !== null)
    found.push({ why: 'drift', stops: readFact(reader, 'wallet_short') === null ? 'all' : 'sales', words: drift });
  if (readFact(reader, 'books_short') !== null) found.push({ why: 'short', stops: 'sales', words: SHORT });
  const disk = readFact(reader, 'disk_low');
  if (disk !== null)
    found.push({ why: 'disk', stops: 'sales', words: `${DISK} since ${atTime(Number(disk))}${DISK_MEND}` });
  const wrong = wrongInvoice(reader);
  if (wrong !== null) found.push({ why: 'wrong_invoice', stops: 'all', words: describeWrongInvoice(wrong) });
  return found;
}

const DISK = 'The disk is nearly full (DISK_FLOOR_MB)';
const DISK_MEND = '. Free some space: it opens by itself';
const BOOKS = 'The books do not add up';
const BOOKS_MEND = '. See: timmy ledger explain';
const SHORT =
  'Customers are owed more than the wallet holds by the books. Put the difference into it, then: timmy ledger adopt-wallet --surplus';

/** What may leave the wallet now: anything, what is covered (the oldest first), or nothing. */
export function mayLeave(reader: Reader): 'all' | 'covered' | 'nothing' {
  const closed = closures(reader);
  if (closed.some(({ stops }) => stops === 'all')) return 'nothing';
  // A full disk says nothing of the money.
  return closed.every(({ why }) => why === 'disk') ? 'all' : 'covered';
}

/**
 * What the last look at every invariant came to: closes over sums that do not add up, and opens again once they do.
 * What is only late closes nothing. @returns true where this opened what was closed.
 */
export function closeOverBooks(tx: Tx, broken: readonly Broken[], now: UnixSeconds): boolean {
  const noted = (fact: 'books_broken' | 'books_short', isSo: boolean): boolean => {
    const was = readFact(tx, fact) !== null;
    if (isSo && !was) keepFact(tx, fact, String(now));
    if (!isSo && was) dropFact(tx, fact);
    return was && !isSo;
  };
  const isMended = noted(
    'books_broken',
    broken.some(({ kind }) => kind === 'books'),
  );
  const isCovered = noted(
    'books_short',
    broken.some(({ kind }) => kind === 'short'),
  );
  if (!isMended && !isCovered) return false;
  statement(tx, `UPDATE tasks SET due_at = ? WHERE kind = 'payout.send' AND state = 'waiting'`).run(now);
  return true;
}

export function wrongInvoice(reader: Reader): WrongInvoice | null {
  const kept = readFact(reader, 'wrong_invoice');
  // Written by `closeOverWrongInvoice` alone.
  return kept === null ? null : (JSON.parse(kept) as WrongInvoice);
}

export function aboutWrongInvoice(
  mismatch: IssuedMismatch,
  bolt11: string,
  knownNode: string | null,
  now: UnixSeconds,
): WrongInvoice {
  const invoice = decodeInvoice(bolt11);
  return { mismatch, at: now, node: 'invalid' in invoice ? null : invoice.payee, knownNode };
}

/** Until `reopenAfterWrongInvoice`. The first one stands: it is what the operator was told of. */
export function closeOverWrongInvoice(tx: Tx, wrong: WrongInvoice): void {
  if (wrongInvoice(tx) === null) keepFact(tx, 'wrong_invoice', JSON.stringify(wrong));
}

/** The operator has looked, and the wallet was tried: what waited for it goes on. `node`: the one it has now, null: as before. */
export function reopenAfterWrongInvoice(tx: Tx, node: string | null, now: UnixSeconds): void {
  dropFact(tx, 'wrong_invoice');
  if (node !== null) keepFact(tx, 'payee', node);
  const waiting = `UPDATE tasks SET due_at = ? WHERE kind IN ('invoice.create', 'payout.send') AND state = 'waiting'`;
  statement(tx, waiting).run(now);
  reconcileSoon(tx, now);
}

/** What was wrong with it, and the way out, for the operator. */
export function describeWrongInvoice({ mismatch, at, node, knownNode }: WrongInvoice): string {
  const issued = `At ${atTime(at)} the wallet issued an invoice that is not what was asked`;
  if (mismatch === 'payee')
    return `${issued}: it pays the node ${node ?? '?'}, and ours was ${knownNode ?? '?'}. If LNbits has a new node: timmy ledger reopen --new-node. If not, somebody may sit between us and LNbits.`;
  return `${issued} (${MISMATCHES[mismatch]}). Look at LNbits and at what lies between; when it is mended: timmy ledger reopen.`;
}

const MISMATCHES: Readonly<Record<Exclude<IssuedMismatch, 'payee'>, string>> = {
  malformed: 'it cannot be read',
  network: 'another network: see LIGHTNING_NETWORK',
  amount: 'another amount',
  payment_hash: 'another payment hash than LNbits says',
  expiry: 'it ends too soon',
  expired: 'its date is not now: compare the clocks',
};
