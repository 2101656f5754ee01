import { statement, type Reader } from '../db/index.ts';
import { orderRow, type ProductFace } from '../engine/index.ts';
import { balance, heldFor, owedFor, transfersOf, type TransferRow } from '../ledger/index.ts';
import { debtsOf, decisionsAbout, invoicesOf, payoutsOf, receiptsOf } from '../payments/index.ts';
import { FACES } from '../products/catalogue.ts';

/** One thing that happened. */
export interface Chapter {
  readonly at: number;
  readonly what: string;
}

/** Everything about one order's money, from the first invoice to the change. */
export interface Story {
  readonly id: string;
  readonly owner: string | null;
  readonly state: string | null;
  readonly chapters: readonly Chapter[];
  readonly transfers: readonly TransferRow[];
  /** What is left now, msats. */
  readonly heldMsats: bigint;
  readonly owedMsats: bigint;
  /** What is still going to happen, or was set aside. */
  readonly tasks: readonly string[];
}

/** The story of an order, or null when nothing about it is known. */
export function storyOf(reader: Reader, id: string, faces: readonly ProductFace[] = FACES): Story | null {
  const order = orderRow(reader, faces, id);
  const invoices = invoicesOf(reader, id);
  const transfers = transfersOf(reader, id);
  const [first] = invoices;
  if (order === undefined && first === undefined && transfers.length === 0) return null;
  const kind = order?.kind ?? first?.orderKind;
  const chapters = [
    ...invoiceChapters(reader, id),
    ...debtChapters(reader, id),
    ...payoutChapters(reader, id),
    ...receiptChapters(reader, id),
  ].sort((a, b) => a.at - b.at);
  return {
    id,
    owner: order?.owner ?? first?.owner ?? null,
    state: order?.state ?? null,
    chapters,
    transfers,
    heldMsats: kind === undefined ? 0n : balance(reader, heldFor(kind, id)),
    owedMsats: balance(reader, owedFor(id)),
    tasks: tasksOf(reader, id),
  };
}

function invoiceChapters(reader: Reader, id: string): Chapter[] {
  return invoicesOf(reader, id).flatMap((row) => {
    const hash = row.paymentHash ?? '-';
    const made = { at: row.createdAt, what: `asked for ${row.amountSats} sats (${row.purpose}), payment hash ${hash}` };
    if (row.paidAt === null) return [{ ...made, what: `${made.what}: ${row.state}, not paid` }];
    const paid = { at: row.paidAt, what: `${inSats(row.paidMsats ?? 0)} came for it (${row.purpose}), ${short(hash)}` };
    return [made, paid, ...decided(reader, hash)];
  });
}

function debtChapters(reader: Reader, id: string): Chapter[] {
  return debtsOf(reader, id).flatMap((debt) => {
    const owed = { at: debt.createdAt, what: `${inSats(debt.amountMsats)} became the customer's (${debt.because})` };
    if (debt.paidAt === null) return [{ ...owed, what: `${owed.what}: ${debt.state}` }];
    const how = debt.state === 'kept' ? 'they paid a next step' : 'they were paid out';
    return [owed, { at: debt.paidAt, what: `${inSats(debt.amountMsats)} (${debt.because}): ${how}` }];
  });
}

function payoutChapters(reader: Reader, id: string): Chapter[] {
  return payoutsOf(reader, id).flatMap((row) => {
    const to = row.destination ?? 'an invoice of theirs';
    const chapters = [
      {
        at: row.createdAt,
        what: `a payment of ${inSats(row.amountMsats)} to ${to} was committed, payment hash ${row.paymentHash}`,
      },
    ];
    if (row.sentAt !== null)
      chapters.push({ at: row.sentAt, what: `it was handed to the wallet, ${short(row.paymentHash)}` });
    if (row.endedAt !== null) {
      const fee = row.feeMsats === null ? '' : `, routing fee ${inSats(row.feeMsats)}`;
      const why = row.error === null ? '' : ` (${row.error})`;
      chapters.push({ at: row.endedAt, what: `it is ${row.state}${why}${fee}, ${short(row.paymentHash)}` });
    }
    return [...chapters, ...decided(reader, row.paymentHash)];
  });
}

function receiptChapters(reader: Reader, id: string): Chapter[] {
  const { charge, refunds } = receiptsOf(reader, id);
  return [
    ...(charge === null
      ? []
      : [{ at: charge.event.created_at, what: `receipt of the charge, event ${charge.event.id}` }]),
    ...refunds.map(({ event }) => ({ at: event.created_at, what: `receipt of a payment to them, event ${event.id}` })),
  ];
}

function decided(reader: Reader, paymentHash: string): Chapter[] {
  return decisionsAbout(reader, paymentHash).map((row) => ({
    at: row.endedAt ?? row.at,
    what: `by hand: ${row.what}, ${row.result ?? 'not carried out yet'}${row.reason === null ? '' : `. Reason: ${row.reason}`}`,
  }));
}

function tasksOf(reader: Reader, id: string): string[] {
  const rows = statement(
    reader,
    `SELECT kind, state, due_at AS dueAt FROM tasks WHERE lane LIKE 'order:%:' || @id OR payload ->> '$.order.id' = @id
       OR (kind IN ('invoice.create', 'invoice.watch', 'invoice.late') AND payload ->> 'invoiceId' IN (SELECT id FROM invoices WHERE order_id = @id))
       OR (kind IN ('payout.send', 'payout.watch') AND payload ->> 'paymentHash' IN
            (SELECT p.payment_hash FROM payout_debts p JOIN debts d ON d.id = p.debt_id WHERE d.order_id = @id))
     ORDER BY due_at`,
  ).all({ id }) as { kind: string; state: string; dueAt: number }[];
  return rows.map((row) =>
    row.state === 'dead' ? `${row.kind} was set aside after failing too often` : `${row.kind} is ${row.state}`,
  );
}

function inSats(amountMsats: number): string {
  const rest = amountMsats % 1000;
  return `${Math.floor(amountMsats / 1000)}${rest === 0 ? '' : `.${String(rest).padStart(3, '0')}`} sats`;
}

const short = (hash: string): string => `${hash.slice(0, 8)}…`;
