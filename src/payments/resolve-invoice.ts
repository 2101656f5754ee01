import { statement, type Tx } from '../db/index.ts';
import { OPERATOR } from '../ledger/index.ts';
import { sats, toMsats, type UnixSeconds } from '../lib/units.ts';
import type { IncomingStatus, Recheck } from '../ports/wallet.ts';
import type { WalletTaskOptions } from './invoice-tasks.ts';
import { findInvoiceByHash, settle, type InvoiceRow } from './invoices.ts';
import { done, refused, type Book, type DecisionOutcome } from './resolve-outcome.ts';

/**
 * Has the wallet, and where it allows that its node, asked once more whether this invoice was paid. Books it only if
 * they say so.
 */
export async function recheck(options: WalletTaskOptions, paymentHash: string, signal: AbortSignal): Promise<Book> {
  const row = findInvoiceByHash(options.database.read, paymentHash);
  if (row === undefined) return () => refused('There is no such invoice of ours.');
  if (row.state === 'paid') return () => done(`${row.orderId}: it was booked as paid already.`);
  const answer = await askAgain(options, row, signal);
  return (tx) => {
    if (answer.status.state === 'paid') return bookProven(tx, paymentHash, answer.status, options.clock.now());
    return refused(`${row.orderId}, ${row.amountSats} sats: ${explain(options, row, answer)}`);
  };
}

async function askAgain({ wallet }: WalletTaskOptions, row: InvoiceRow, signal: AbortSignal): Promise<Recheck> {
  const paymentHash = row.paymentHash ?? '';
  if (wallet.recheckInvoice === undefined || row.bolt11 === null)
    return { status: await wallet.lookupInvoice(paymentHash, signal), node: 'not_asked' };
  return wallet.recheckInvoice(row.bolt11, paymentHash, signal);
}

function explain({ wallet }: WalletTaskOptions, row: InvoiceRow, { status, node }: Recheck): string {
  const atNode = `Look the payment hash up at your node. If it has the money: timmy invoices credit ${row.paymentHash ?? ''} --reason TEXT.`;
  if (status.state === 'open')
    return 'the wallet still waits for it. It is watched; there is nothing to do before it lapses.';
  if (status.state === 'absent')
    return `the wallet does not know it (another wallet, or its books were lost). ${atNode}`;
  switch (node) {
    case 'unpaid':
      return 'the node itself says that nobody paid it. The customer can be told so.';
    case 'insufficient':
      return `the wallet calls it lapsed, and asks its node only while it holds the amount and its reserve (nothing is sent). Put ${row.amountSats} sats and 1 % into it and try again, or look yourself. ${atNode}`;
    case 'not_asked':
      return wallet.kind === 'lnbits' && !wallet.canPay
        ? `the wallet calls it lapsed, and its node is asked with an admin key only: set LNBITS_ADMIN_KEY, or look yourself. ${atNode}`
        : `the wallet knows of no payment. ${atNode}`;
    case 'silent':
    case 'paid':
      return `the wallet calls it lapsed and its node did not say. ${atNode}`;
  }
}

/**
 * Books a payment that a person vouches for, out of the operator's pocket: the money is at the node, or wherever, but
 * not in the wallet's books. Refused while the wallet may still see it come by itself.
 */
export async function credit(options: WalletTaskOptions, paymentHash: string, signal: AbortSignal): Promise<Book> {
  const { database, wallet, clock } = options;
  const row = findInvoiceByHash(database.read, paymentHash);
  if (row === undefined) return () => refused('There is no such invoice of ours.');
  if (row.state === 'paid') return () => refused(`${row.orderId}: it is booked as paid already.`);
  const status = await wallet.lookupInvoice(paymentHash, signal);
  if (status.state === 'paid') return (tx) => bookProven(tx, paymentHash, status, clock.now());
  if (status.state === 'open')
    return () =>
      refused(
        `${row.orderId}: the wallet still waits for it and may see it come by itself. Try again when it has lapsed.`,
      );
  return (tx) => {
    if (findInvoiceByHash(tx, paymentHash)?.state === 'paid')
      return refused(`${row.orderId}: it has just been booked as paid.`);
    const now = clock.now();
    settle(tx, row.id, toMsats(sats(row.amountSats)), now, OPERATOR);
    answerClaim(tx, paymentHash, now);
    return done(`${row.orderId}: ${row.amountSats} sats credited by hand, out of the operator's account.`);
  };
}

function bookProven(
  tx: Tx,
  paymentHash: string,
  status: Extract<IncomingStatus, { state: 'paid' }>,
  now: UnixSeconds,
): DecisionOutcome {
  const row = findInvoiceByHash(tx, paymentHash);
  if (row === undefined) return refused('There is no such invoice of ours.');
  settle(tx, row.id, status.amountMsats, now);
  answerClaim(tx, paymentHash, now);
  return done(`${row.orderId}: the wallet says it is paid. ${row.amountSats} sats are booked.`);
}

function answerClaim(tx: Tx, paymentHash: string, now: UnixSeconds): void {
  const sql = 'UPDATE claims SET resolved_at = ? WHERE payment_hash = ? AND resolved_at IS NULL';
  statement(tx, sql).run(now, paymentHash);
}
