import { statement, type Database, type Reader, type Tx } from '../db/index.ts';
import { sats, unixSeconds, type Sats, type UnixSeconds } from '../lib/units.ts';
import type { EventTemplate, NostrEvent } from '../nostr/event.ts';
import type { Signer } from '../nostr/signer.ts';
import { eventId } from '../nostr/verify.ts';
import {
  buildChargeReceipt,
  buildRefundReceipt,
  idOfCharge,
  partsOf,
  type Charge,
  type ReceiptPlace,
} from '../receipts/index.ts';
import { schedule, type TaskKind } from '../tasks/index.ts';
import type { DebtRow } from './debts.ts';
import type { PayoutRow } from './payouts.ts';
import { satsOf, settledDebt } from './receipt-money.ts';

/**
 * Every charge and every refund paid is the next link of its customer's chain of receipts. The event, and with it its
 * id, is fixed in the commit that made the charge; the signature follows.
 */
export interface ReceiptBook {
  fileCharge(tx: Tx, owner: string, charge: Charge, now: UnixSeconds): void;
  fileRefund(tx: Tx, payout: PayoutRow, debts: readonly DebtRow[], now: UnixSeconds): void;
}

interface ReceiptRow {
  readonly event_id: string;
  readonly event: string;
  readonly sig: string | null;
}

/** What a receipt is filed under. */
interface Filed {
  readonly kind: 'charge' | 'refund';
  readonly orderIds: readonly string[];
  readonly session: string | null;
  readonly invoiceIds: readonly number[];
}

/** `author`: our public key, hex. */
export function createReceiptBook(author: string): ReceiptBook {
  function file(
    tx: Tx,
    owner: string,
    under: Filed,
    build: (place: ReceiptPlace) => EventTemplate,
    now: UnixSeconds,
  ): void {
    const last = statement(
      tx,
      'SELECT event_id AS id, position, created_at AS at FROM receipts WHERE owner = ? ORDER BY position DESC LIMIT 1',
    ).get(owner) as { id: string; position: number; at: number } | undefined;
    // A clock that was set back must not make an honest chain look rewritten.
    const at = unixSeconds(Math.max(now, last?.at ?? 0));
    const { kind: eventKind, created_at, tags, content } = build({ customer: owner, previous: last?.id ?? null, at });
    const unsigned = { pubkey: author, created_at, kind: eventKind, tags, content };
    const id = eventId(unsigned);
    statement(
      tx,
      `INSERT INTO receipts (event_id, owner, position, order_ids, session, invoice_ids, kind, event, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      id,
      owner,
      (last?.position ?? 0) + 1,
      JSON.stringify(under.orderIds),
      under.session,
      JSON.stringify(under.invoiceIds),
      under.kind,
      JSON.stringify({ id, ...unsigned }),
      at,
    );
    schedule(tx, { kind: 'receipt.sign', payload: { eventId: id }, dueAt: now, now });
  }

  return {
    fileCharge: (tx, owner, charge, now) => {
      for (const part of partsOf(charge)) {
        const session = part.product === 'session' ? part.session : null;
        const invoiceIds = part.payments.flatMap(({ invoiceId }) => invoiceId ?? []);
        const under = { kind: 'charge', orderIds: [idOfCharge(part)], session, invoiceIds } as const;
        file(tx, owner, under, (place) => buildChargeReceipt(part, place), now);
      }
    },
    fileRefund: (tx, payout, debts, now) => {
      const refund = {
        amountSats: satsOf(payout.amountMsats),
        debts: debts.map((debt) => settledDebt(debt, debt.amountMsats)),
        paymentHash: payout.paymentHash,
        preimage: payout.preimage,
      };
      const orderIds = [...new Set(debts.flatMap(({ orderId, receiptId }) => [orderId, receiptId ?? orderId]))];
      const under = { kind: 'refund', orderIds, session: null, invoiceIds: [] } as const;
      file(tx, payout.owner, under, (place) => buildRefundReceipt(refund, place), now);
    },
  };
}

/**
 * Signs one receipt.
 *
 * Killed midway: nothing happened; signing the same event again is as good.
 */
export function signReceiptTask(options: { database: Database; signer: Signer }): TaskKind<{ eventId: string }> {
  return {
    kind: 'receipt.sign',
    pool: 'receipts',
    leaseSeconds: 30,
    maxAttempts: 20,
    run: async (task) => {
      const row = statement(options.database.read, 'SELECT event_id, event, sig FROM receipts WHERE event_id = ?').get(
        task.payload.eventId,
      ) as ReceiptRow | undefined;
      if (row?.sig !== null) return () => {};
      const signed = await sign(options.signer, row);
      return (tx) => keepSignature(tx, signed);
    },
  };
}

/** Signs those of these receipts that are not signed yet. */
export async function completeReceipts(signer: Signer, receipts: readonly Receipt[]): Promise<NostrEvent[]> {
  return Promise.all(
    receipts.map(({ event, sig }) => (sig === null ? signer.sign(event) : Promise.resolve({ ...event, sig }))),
  );
}

export function keepSignature(tx: Tx, event: NostrEvent): void {
  statement(tx, 'UPDATE receipts SET sig = ? WHERE event_id = ? AND sig IS NULL').run(event.sig, event.id);
}

async function sign(signer: Signer, row: ReceiptRow): Promise<NostrEvent> {
  const event = JSON.parse(row.event) as NostrEvent;
  const signed = await signer.sign(event);
  // A signer that gives the event another id (its date, its tags) would break the chain.
  if (signed.id !== row.event_id) throw new Error('receipt.signed_another');
  return signed;
}

/** A receipt as filed: complete once it is signed. */
export interface Receipt {
  readonly event: Omit<NostrEvent, 'sig'>;
  readonly sig: string | null;
}

/** The receipts of what an order was charged, oldest first. */
export function chargeReceipts(reader: Reader, orderId: string): Receipt[] {
  const rows = statement(
    reader,
    `SELECT event_id, event, sig FROM receipts WHERE order_ids = json_array(?) AND kind = 'charge' ORDER BY position`,
  ).all(orderId) as ReceiptRow[];
  return rows.map(filed);
}

/** The newest charge receipt of an order, the earlier ones, and the receipts of every refund that paid a debt of it. */
export function receiptsOf(
  reader: Reader,
  orderId: string,
): { charge: Receipt | null; earlier: Receipt[]; refunds: Receipt[] } {
  const rows = statement(
    reader,
    `SELECT event_id, event, sig, kind FROM receipts
     WHERE EXISTS (SELECT 1 FROM json_each(order_ids) WHERE value = ?) ORDER BY position`,
  ).all(orderId) as (ReceiptRow & { kind: string })[];
  const charges = rows.filter((row) => row.kind === 'charge').map(filed);
  return {
    charge: charges.at(-1) ?? null,
    earlier: charges.slice(0, -1),
    refunds: rows.filter((row) => row.kind === 'refund').map(filed),
  };
}

/**
 * What an order was charged before receipts took their present form; null: nothing. Its receipt of that is not given
 * out (`former_receipts`); the last one repeats what those before it said.
 */
export function chargedFormerly(reader: Reader, orderId: string): Sats | null {
  const charged = statement(
    reader,
    `SELECT (event ->> 'content') ->> '$.bill.charged_sats' FROM former_receipts
     WHERE kind = 'charge' AND order_ids = json_array(?) ORDER BY rowid DESC LIMIT 1`,
  )
    .pluck()
    .get(orderId) as number | undefined;
  return charged === undefined ? null : sats(charged);
}

/** A customer's chain, oldest first: all of it, or at most `limit` from the `from`-th on. */
export function receiptChain(reader: Reader, owner: string, from = 1, limit = -1): Receipt[] {
  const rows = statement(
    reader,
    'SELECT event_id, event, sig FROM receipts WHERE owner = ? AND position >= ? ORDER BY position LIMIT ?',
  ).all(owner, from, limit) as ReceiptRow[];
  return rows.map(filed);
}

function filed(row: ReceiptRow): Receipt {
  return { event: JSON.parse(row.event) as Receipt['event'], sig: row.sig };
}

/** How many receipts this customer has. */
export function countReceipts(reader: Reader, owner: string): number {
  const row = statement(reader, 'SELECT coalesce(max(position), 0) AS n FROM receipts WHERE owner = ?').get(owner);
  return (row as { n: number }).n;
}

/** The place of a receipt in this customer's chain, from 1; undefined where it is none of theirs. */
export function placeOfReceipt(reader: Reader, owner: string, eventId: string): number | undefined {
  const row = statement(reader, 'SELECT position FROM receipts WHERE event_id = ? AND owner = ?').get(eventId, owner);
  return (row as { position: number } | undefined)?.position;
}
