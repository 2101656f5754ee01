import { readFact, statement, type Database, type Reader } from '../db/index.ts';
import type { Clock } from '../lib/clock.ts';
import { adoptSurplus, adoptWallet, readWallet, reconcileSoon } from '../payments/index.ts';
import type { Wallet } from '../ports/wallet.ts';

export type Adoption =
  | {
      readonly result: 'adopted';
      readonly identity: string;
      /** Null: the database knew none. */
      readonly before: string | null;
      readonly balanceMsats: bigint;
      /** > 0: put in by the operator; < 0: taken out. */
      readonly bookedMsats: bigint;
      /** Unpaid invoices that only the wallet before can be paid through. */
      readonly orphaned: number;
    }
  | { readonly result: 'refused'; readonly why: string };

/**
 * Makes the configured wallet the one that the books are about, and books the difference against the operator: after
 * a change of wallet, or when the operator moved sats without Timmy. Refused while a payout is under way, for nobody
 * could say later where its money went; one that was never sent goes out of the wallet that is then there.
 *
 * @param alone called when it is another wallet than before; must make sure that no daemon runs on the database, and
 * throw if one does.
 * @param surplus money that came unasked and belongs to no customer is the operator's too. @throws OutsideError when the wallet cannot be asked.
 */
export async function adoptConfiguredWallet(
  options: {
    readonly database: Database;
    readonly wallet: Wallet;
    readonly clock: Clock;
    readonly alone: () => void;
    readonly surplus: boolean;
  },
  signal: AbortSignal,
): Promise<Adoption> {
  const { database, wallet, clock } = options;
  const reading = await readWallet(wallet, database.read, signal);
  const before = readFact(database.read, 'wallet');
  const isAnother = before !== null && before !== reading.identity;
  if (isAnother) options.alone();
  return database.write((tx) => {
    const under = underWay(tx);
    if (under > 0) {
      const why = `${under} payments to customers are under way. Wait for them, or decide them first: timmy refunds list`;
      return { result: 'refused', why };
    }
    const orphaned = isAnother ? unpaidInvoices(tx) : 0;
    const difference = adoptWallet(tx, reading, clock.now());
    const bookedMsats = difference + (options.surplus ? adoptSurplus(tx, clock.now()) : 0n);
    reconcileSoon(tx, clock.now());
    const { identity, balanceMsats } = reading;
    return { result: 'adopted', identity, before, balanceMsats, bookedMsats, orphaned };
  });
}

function underWay(reader: Reader): number {
  const sql = `SELECT count(*) AS n FROM payouts WHERE state = 'sent' OR (state = 'committed' AND sent_at IS NOT NULL)`;
  return (statement(reader, sql).get() as { n: number }).n;
}

function unpaidInvoices(reader: Reader): number {
  const sql = `SELECT count(*) AS n FROM invoices WHERE state IN ('open', 'replaced')`;
  return (statement(reader, sql).get() as { n: number }).n;
}
