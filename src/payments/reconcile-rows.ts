import { statement, type Reader, type Tx } from '../db/index.ts';
import { balance, OPERATOR, post, ROUTING_FEES, SUSPENSE, WALLET } from '../ledger/index.ts';
import { msats, sats, toMsats, wholeSats, type Msats, type Sats, type UnixSeconds } from '../lib/units.ts';
import type { WalletRow } from '../ports/wallet.ts';
import { debtsOf, oweUnclaimed } from './debts.ts';
import { findInvoice, findInvoiceByHash, settle, tellSurplus, type InvoiceRow } from './invoices.ts';
import { tellOrder } from './order-events.ts';
import { findPayout } from './payouts.ts';

/** Money of a known customer that came without being asked for: a second payment of one invoice. */
interface Surplus {
  readonly orderId: string;
  readonly amountSats: Sats;
}

/** What a reading of the wallet's rows came to, for people and for the log. */
export interface RowNews {
  /** Invoices that were paid unseen, now booked (payment hashes). */
  readonly seenLate: readonly string[];
  readonly surpluses: readonly Surplus[];
  /** What a person must look at: said once. */
  readonly alerts: readonly string[];
}

/**
 * Takes note of everything the wallet's own rows say that the books did not expect, each thing once. `first`: the
 * wallet is new to this database; what it holds of strangers' making is the operator's and is only remembered.
 */
export function takeRows(tx: Tx, rows: readonly WalletRow[], first: boolean, now: UnixSeconds): RowNews {
  const seenLate: string[] = [];
  const surpluses: Surplus[] = [];
  const alerts: string[] = [];
  for (const came of incomingByHash(rows)) {
    const invoice = findInvoiceByHash(tx, came.paymentHash);
    if (invoice === undefined && first) {
      remember(tx, came.paymentHash, 'in', 'found', came.totalMsats, now);
      continue;
    }
    if (invoice !== undefined && invoice.state !== 'paid') {
      settle(tx, invoice.id, came.totalMsats, now);
      seenLate.push(came.paymentHash);
    }
    const excess = invoice === undefined ? notYetBooked(tx, came) : beyondInvoice(tx, invoice.id, came, now);
    if (excess > 0n) {
      const of = invoice ?? invoiceOfLabel(tx, came.label);
      const surplus = bookSurplus(tx, came, msats(excess), of, now);
      if (surplus !== null) surpluses.push(surplus);
      else alerts.push(strayMoney(came.paymentHash, excess));
    }
    bookIncomingFee(tx, came, now);
  }
  for (const row of rows) {
    if (row.direction !== 'out' || row.state === 'failed') continue;
    const payout = findPayout(tx, row.paymentHash);
    const isOurs = payout !== undefined && (payout.state !== 'dead' || row.state === 'open');
    if (isOurs) {
      bookFeeOfHandPaid(tx, row, now);
    } else if (remember(tx, row.paymentHash, 'out', first ? 'found' : 'foreign', row.amountMsats, now) && !first) {
      alerts.push(payout === undefined ? moneyLeft(row) : paidAfterDeath(row));
    }
  }
  return { seenLate, surpluses, alerts };
}

interface Came {
  readonly paymentHash: string;
  readonly totalMsats: Msats;
  readonly feeMsats: bigint;
  readonly label: string | null;
}

function incomingByHash(rows: readonly WalletRow[]): Came[] {
  const byHash = new Map<string, Came>();
  for (const row of rows) {
    if (row.direction !== 'in' || row.state !== 'paid') continue;
    const before = byHash.get(row.paymentHash);
    byHash.set(row.paymentHash, {
      paymentHash: row.paymentHash,
      totalMsats: msats((before?.totalMsats ?? 0n) + row.amountMsats),
      feeMsats: (before?.feeMsats ?? 0n) + row.feeMsats,
      label: before?.label ?? row.label,
    });
  }
  return [...byHash.values()];
}

/** What of a stranger's payment is not in the books yet. */
function notYetBooked(tx: Tx, came: Came): bigint {
  const row = statement(
    tx,
    `SELECT amount_msats AS amount FROM wallet_rows WHERE payment_hash = ? AND direction = 'in' AND why = 'found'`,
  ).get(came.paymentHash) as { amount: number } | undefined;
  return came.totalMsats - BigInt(row?.amount ?? 0) - surplusOf(tx, came.paymentHash);
}

/**
 * What came for a paid invoice beyond what was booked for it. Money that a person had vouched for and that has now
 * arrived goes back into the pocket it was lent from.
 */
function beyondInvoice(tx: Tx, invoiceId: number, came: Came, now: UnixSeconds): bigint {
  const paid = BigInt(findInvoice(tx, invoiceId)?.paidMsats ?? 0);
  if (isVouched(tx, came.paymentHash)) {
    post(tx, {
      debit: WALLET,
      credit: OPERATOR,
      amountMsats: msats(came.totalMsats < paid ? came.totalMsats : paid),
      kind: 'vouched_arrived',
      cause: came.paymentHash,
      at: now,
    });
  }
  return came.totalMsats - paid - surplusOf(tx, came.paymentHash);
}

/** Was this invoice credited by hand, out of the operator's pocket? */
export function isVouched(reader: Reader, paymentHash: string): boolean {
  const sql = `SELECT 1 FROM transfers WHERE kind = 'receipt' AND cause = ? AND debit = 'operator'`;
  return statement(reader, sql).get(`invoice:${paymentHash}`) !== undefined;
}

function surplusOf(reader: Reader, paymentHash: string): bigint {
  const row = statement(
    reader,
    `SELECT coalesce(sum(amount_msats), 0) AS n FROM transfers
     WHERE kind = 'surplus:unexpected' AND (cause = @hash OR cause LIKE @hash || ':%')`,
  ).get({ hash: paymentHash }) as { n: number };
  return BigInt(row.n);
}

/** An invoice of ours that was never shown to anybody carries our label in the wallet: `J-4KQ7M.12`. */
function invoiceOfLabel(reader: Reader, label: string | null): InvoiceRow | undefined {
  const [, orderId, id] = /^(.+)\.(\d{1,15})$/.exec(label ?? '') ?? [];
  const row = id === undefined ? undefined : findInvoice(reader, Number(id));
  return row?.orderId === orderId ? row : undefined;
}

/** @returns what a customer is now owed, or null where it waits in `suspense` for a person. */
function bookSurplus(
  tx: Tx,
  came: Came,
  amountMsats: Msats,
  of: InvoiceRow | undefined,
  now: UnixSeconds,
): Surplus | null {
  const { paymentHash } = came;
  // A third payment of one hash is another cause than the second.
  const cause = surplusOf(tx, paymentHash) === 0n ? paymentHash : `${paymentHash}:${came.totalMsats}`;
  remember(tx, paymentHash, 'in', 'surplus', amountMsats, now);
  const amountSats = wholeSats(amountMsats);
  if (of === undefined || amountSats === 0) {
    post(tx, { debit: WALLET, credit: SUSPENSE, amountMsats, kind: 'surplus:unexpected', cause, at: now });
    return null;
  }
  const order = { kind: of.orderKind, id: of.orderId };
  oweUnclaimed(tx, { order, owner: of.owner, amountMsats, because: 'unexpected', cause, paymentHash }, now);
  const newest = debtsOf(tx, of.orderId).at(-1);
  if (newest !== undefined) tellOrder(tx, order, { type: 'refund_changed', debtIds: [newest.id] }, now);
  tellSurplus(tx, order, amountMsats, now);
  return { orderId: of.orderId, amountSats };
}

/** Some nodes charge for receiving; the customer paid in full all the same. */
function bookIncomingFee(tx: Tx, came: Came, now: UnixSeconds): void {
  if (came.feeMsats === 0n) return;
  bookFee(tx, 'incoming_fee', came.paymentHash, came.feeMsats, now);
}

/** Booked as paid by hand, when nobody knew the fee; the wallet has found out since. */
function bookFeeOfHandPaid(tx: Tx, row: WalletRow, now: UnixSeconds): void {
  if (row.state !== 'paid' || row.feeMsats === 0n) return;
  if (decidedByHand(tx, row.paymentHash) === 'paid') bookFee(tx, 'routing_fee', row.paymentHash, row.feeMsats, now);
}

/** Once; never more than the books' wallet holds (then the balance shows it, and a person looks). */
function bookFee(tx: Tx, kind: string, cause: string, amount: bigint, now: UnixSeconds): void {
  const known = statement(tx, 'SELECT 1 FROM transfers WHERE kind = ? AND cause = ?').get(kind, cause);
  if (known !== undefined || balance(tx, WALLET) < amount) return;
  post(tx, { debit: ROUTING_FEES, credit: WALLET, amountMsats: msats(amount), kind, cause, at: now });
}

/** How a payout was decided by hand, if it was. */
export function decidedByHand(reader: Reader, paymentHash: string): 'paid' | 'dead' | null {
  const row = statement(
    reader,
    `SELECT what FROM hand_decisions WHERE payment_hash = ? AND what IN ('paid', 'dead') AND result = 'done'`,
  ).get(paymentHash) as { what: 'paid' | 'dead' } | undefined;
  return row?.what ?? null;
}

/** @returns whether it is news. */
function remember(
  tx: Tx,
  paymentHash: string,
  direction: 'in' | 'out',
  why: 'found' | 'surplus' | 'foreign',
  amountMsats: bigint,
  now: UnixSeconds,
): boolean {
  const sql = `INSERT INTO wallet_rows (payment_hash, direction, why, amount_msats, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;
  return statement(tx, sql).run(paymentHash, direction, why, Number(amountMsats), now).changes === 1;
}

const inSats = (amount: bigint): string => `${toSatsText(amount)} sats`;

function toSatsText(amount: bigint): string {
  const whole = wholeSats(msats(amount));
  const rest = amount - toMsats(sats(whole));
  return rest === 0n ? String(whole) : `${whole}.${String(rest).padStart(3, '0')}`;
}

function strayMoney(paymentHash: string, amount: bigint): string {
  return `${inSats(amount)} came into the wallet that nobody was asked for (payment hash ${paymentHash}). They wait in the account "suspense". If you put them in: timmy ledger adopt-wallet --surplus.`;
}

function moneyLeft(row: WalletRow): string {
  return `${inSats(row.amountMsats)} ${row.state === 'paid' ? 'left' : 'are leaving'} the wallet and Timmy did not send them (payment hash ${row.paymentHash}). If that was you, book it: timmy ledger adopt-wallet. If not, your wallet's key is in other hands: change it now.`;
}

function paidAfterDeath(row: WalletRow): string {
  return `The wallet now says that a refund was paid which was held for dead: ${inSats(row.amountMsats)}, payment hash ${row.paymentHash}. It may have been paid twice. See: timmy refunds show ${row.paymentHash}`;
}
