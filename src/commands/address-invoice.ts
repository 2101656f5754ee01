import { checkPayable } from '../bolt11/index.ts';
import type { Database, Reader } from '../db/index.ts';
import { withTimeout, type Clock } from '../lib/clock.ts';
import { OutsideError } from '../lib/errors.ts';
import { msats, type Msats, type UnixSeconds } from '../lib/units.ts';
import { claimableDebts, findInvoiceByHash, findPayout, type DebtRow } from '../payments/index.ts';
import type { LnurlPay } from '../ports/lnurl.ts';
import type { Wallet } from '../ports/wallet.ts';

export interface AskingOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly wallet: Wallet;
  readonly lnurl: LnurlPay;
  /** Our node's key, where known. */
  readonly payee: () => string | null;
}

/** What an address gave for these debts: all that a payout needs but who asked for it. */
export interface AddressInvoice {
  readonly bolt11: string;
  readonly paymentHash: string;
  readonly amountMsats: Msats;
  readonly debts: readonly DebtRow[];
  readonly destination: string;
  readonly invoiceExpiresAt: UnixSeconds;
}

/**
 * Asks a Lightning address or LNURL for an invoice of exactly the sum of these debts, for `timeoutMs` at most. Nothing
 * may have changed when it is committed (`sameDebts`): meanwhile the customer may have had another word.
 *
 * @returns why not: `rejected` when this destination cannot take this sum, `unavailable` when it did not answer.
 */
export async function askAddress(
  { database, clock, wallet, lnurl, payee }: AskingOptions,
  debts: readonly DebtRow[],
  destination: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<AddressInvoice | OutsideError> {
  const amountMsats = sumOf(debts);
  const limited = withTimeout(clock, timeoutMs, signal);
  try {
    const bolt11 = await lnurl.invoice(destination, amountMsats, limited.signal);
    const checked = checkPayable(bolt11, {
      expectedMsats: [amountMsats],
      network: wallet.network,
      now: clock.now(),
      isOurHash: (hash) =>
        findInvoiceByHash(database.read, hash) !== undefined || findPayout(database.read, hash) !== undefined,
      ourPayee: payee(),
    });
    if ('refused' in checked) return new OutsideError('rejected', `invoice.${checked.refused}`);
    const { text, paymentHash, expiresAt } = checked.invoice;
    return { bolt11: text, paymentHash, amountMsats, debts, destination, invoiceExpiresAt: expiresAt };
  } catch (error) {
    // Broken off by our own stop it says nothing about the address.
    if (error instanceof OutsideError && !signal.aborted) return error;
    throw error;
  } finally {
    limited.done();
  }
}

/** What can be claimed now, of one order or (null) of all. */
export function owedNow(reader: Reader, owner: string, orderId: string | null): DebtRow[] {
  return claimableDebts(reader, owner).filter((debt) => orderId === null || debt.orderId === orderId);
}

/** Nothing was paid, kept or owed anew. */
export function sameDebts(one: readonly DebtRow[], other: readonly DebtRow[]): boolean {
  return one.length === other.length && one.every((debt, index) => debt.id === other[index]?.id);
}

export function sumOf(debts: readonly DebtRow[]): Msats {
  return msats(debts.reduce((sum, debt) => sum + BigInt(debt.amountMsats), 0n));
}
