import { checkIssued } from '../bolt11/index.ts';
import { readFact, type Database } from '../db/index.ts';
import type { Clock } from '../lib/clock.ts';
import { sats, toMsats } from '../lib/units.ts';
import {
  aboutWrongInvoice,
  closures,
  describeWrongInvoice,
  reopenAfterWrongInvoice,
  wrongInvoice,
} from '../payments/index.ts';
import type { Wallet } from '../ports/wallet.ts';

export type Reopening =
  | {
      readonly result: 'open';
      /** The node whose invoices are expected from here on, and the one before; the same, where it did not change. */
      readonly node: string;
      readonly nodeBefore: string | null;
      /** What else keeps sales and payments stopped, in words. */
      readonly stillClosed: readonly string[];
    }
  | { readonly result: 'refused'; readonly why: string };

const TRY_SECONDS = 600;

/**
 * Ends what an invoice that was not what we asked for began. The wallet is tried first, with an invoice for one sat
 * that nobody is shown: it must be right in everything, and of the node we know unless `newNode` says that there is
 * another one now. Needs no stop of the daemon, and no payout needs to end for it.
 *
 * @throws OutsideError when the wallet cannot be asked.
 */
export async function reopen(
  options: {
    readonly database: Database;
    readonly wallet: Wallet;
    readonly clock: Clock;
    readonly newNode: boolean;
  },
  signal: AbortSignal,
): Promise<Reopening> {
  const { database, wallet, clock, newNode } = options;
  const nodeBefore = readFact(database.read, 'payee');
  if (wrongInvoice(database.read) === null && !newNode)
    return { result: 'refused', why: 'No wrong invoice has stopped anything. See: timmy status' };
  const asked = { amountSats: sats(1), description: 'Timmy: is it right now?', expirySeconds: TRY_SECONDS };
  const issued = await wallet.createInvoice({ ...asked, intentId: 'reopen' }, signal);
  const checked = checkIssued(issued.bolt11, {
    amountMsats: toMsats(asked.amountSats),
    network: wallet.network,
    paymentHash: issued.paymentHash,
    expirySeconds: TRY_SECONDS,
    now: clock.now(),
    payee: newNode ? null : nodeBefore,
  });
  if ('mismatch' in checked) {
    const wrong = aboutWrongInvoice(checked.mismatch, issued.bolt11, nodeBefore, clock.now());
    return { result: 'refused', why: `Asked again just now. ${describeWrongInvoice(wrong)}` };
  }
  const { payee } = checked.invoice;
  return database.write((tx) => {
    reopenAfterWrongInvoice(tx, payee, clock.now());
    return { result: 'open', node: payee, nodeBefore, stillClosed: closures(tx).map(({ words }) => words) };
  });
}
