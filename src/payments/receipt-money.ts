import { statement, type Reader } from '../db/index.ts';
import { sats, type Sats } from '../lib/units.ts';
import type { ReceiptPayment, SettledDebt } from '../receipts/index.ts';
import { keptFor, type DebtRow } from './debts.ts';
import { findInvoice } from './invoices.ts';

/** A debt as receipts name it. */
export function settledDebt(debt: DebtRow, amountMsats: bigint | number): SettledDebt {
  return { id: debt.receiptId ?? debt.orderId, amountSats: satsOf(amountMsats), paymentHash: debt.paymentHash };
}

export function satsOf(amountMsats: bigint | number): Sats {
  return sats(Math.floor(Number(amountMsats) / 1000));
}

/** A payment as the receipt of what it paid for states it: its invoice, or the debts that it came out of. */
export function paymentInReceipt(reader: Reader, invoiceId: number): ReceiptPayment | null {
  const row = findInvoice(reader, invoiceId);
  if (row === undefined) return null;
  return {
    invoiceId,
    purpose: row.purpose as ReceiptPayment['purpose'],
    amountSats: sats(row.amountSats),
    paymentHash: row.paymentHash,
    debts:
      row.paymentHash === null
        ? keptFor(reader, invoiceId).map(({ debt, amountMsats }) => settledDebt(debt, amountMsats))
        : [],
  };
}

/** A session as the receipts of its owner leave it: what the next one has to tell. */
export interface SessionSoFar {
  /** Payments that no receipt has told of. */
  readonly payments: readonly ReceiptPayment[];
  /** What holders of its token were charged, and no receipt of the owner's has told. */
  readonly spentByTokenSats: Sats;
  /** What of its balance is owed back, and no receipt has told. */
  readonly returnedSats: Sats;
  /** All that came in less all that left it by receipts: what the next receipt says that it held. */
  readonly balanceBeforeSats: Sats;
}

/**
 * What the owner's next receipt of a session follows from, by the receipts filed so far: so that their chain never
 * has a gap, whichever of the session's requests ends first.
 *
 * @param taken the payments that the session took (rows of `invoices`), oldest first.
 */
export function sessionSoFar(
  reader: Reader,
  of: { readonly session: string; readonly owner: string; readonly taken: readonly number[] },
): SessionSoFar {
  const told = statement(
    reader,
    `SELECT value FROM receipts, json_each(receipts.invoice_ids) WHERE session = ? AND owner = ?`,
  )
    .pluck()
    .all(of.session, of.owner) as number[];
  const payments = of.taken.filter((id) => !told.includes(id)).flatMap((id) => paymentInReceipt(reader, id) ?? []);
  const sums = statement(
    reader,
    `WITH said AS (SELECT owner = @owner AS own, (event ->> 'content') AS content FROM receipts WHERE session = @session)
     SELECT coalesce(sum(CASE WHEN own THEN 0 ELSE content ->> '$.bill.charged_sats' END), 0) AS spent,
       coalesce(sum(CASE WHEN own THEN content ->> '$.spent_by_token_sats' ELSE 0 END), 0) AS spentTold,
       coalesce(sum(CASE WHEN own THEN content ->> '$.returned_sats' ELSE 0 END), 0) AS returnedTold,
       (SELECT coalesce(sum(amount_msats), 0) / 1000 FROM debts
        WHERE order_id = @session AND payment_hash IS NULL AND receipt_id IS NULL) AS returned FROM said`,
  ).get({ session: of.session, owner: of.owner }) as Record<
    'spent' | 'spentTold' | 'returned' | 'returnedTold',
    number
  >;
  const left = statement(
    reader,
    `SELECT (event ->> 'content') ->> '$.bill.balance_after_sats' FROM receipts WHERE session = ? AND owner = ?
     ORDER BY position DESC LIMIT 1`,
  )
    .pluck()
    .get(of.session, of.owner) as number | undefined;
  const spentByTokenSats = sats(sums.spent - sums.spentTold);
  const came = payments.reduce((total, { amountSats }) => total + amountSats, 0);
  return {
    payments,
    spentByTokenSats,
    returnedSats: sats(sums.returned - sums.returnedTold),
    balanceBeforeSats: sats((left ?? 0) + came - spentByTokenSats),
  };
}
