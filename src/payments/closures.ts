import { decodeInvoice, type IssuedMismatch } from '../bolt11/index.ts';
import { dropFact, keepFact, readFact, statement, type Reader, type Tx } from '../db/index.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { atTime } from './at-time.ts';
import { lastReconciliation, reconcileSoon } from './reconcile-verdict.ts';

/**
 * Why nothing is sold and nothing paid out; what was paid for is still delivered. `books`: an invariant is broken.
 * `drift`: wallet and books disagree. Both end by themselves. `wrong_invoice`: the wallet issued what was not asked;
 * only the operator ends that.
 */
export interface Closure {
  readonly why: 'books' | 'drift' | 'wrong_invoice';
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
  if (broken !== null) found.push({ why: 'books', words: 'An invariant of the books is broken: timmy ledger verify' });
  const drift = lastReconciliation(reader)?.drift ?? null;
  if (drift !== null) found.push({ why: 'drift', words: drift });
  const wrong = wrongInvoice(reader);
  if (wrong !== null) found.push({ why: 'wrong_invoice', words: describeWrongInvoice(wrong) });
  return found;
}

/** What the last look at every invariant came to. */
export function closeOverBooks(tx: Tx, isBroken: boolean, now: UnixSeconds): void {
  if (!isBroken) return dropFact(tx, 'books_broken');
  if (readFact(tx, 'books_broken') === null) keepFact(tx, 'books_broken', String(now));
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
