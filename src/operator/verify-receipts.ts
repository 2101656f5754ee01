import { statement, type Reader } from '../db/index.ts';
import { faceOf, type ProductFace } from '../engine/index.ts';
import type { Broken, Slices } from '../ledger/index.ts';
import type { Rumor } from '../nostr/event.ts';
import { eventId } from '../nostr/verify.ts';
import { createHistory, readContent, sumProblems, type History, type ReceiptContent } from '../receipts/index.ts';

interface Row {
  readonly id: string;
  readonly owner: string;
  readonly position: number;
  readonly event: string;
}

const ROWS_IN_A_SLICE = 40;
const TRANSFERS_IN_A_SLICE = 4000;
/** What an order earns more than once has the order's id and a number as its cause ("B-4KQ7M:2"). */
const ORDER_OF_CAUSE = `substr(cause, 1, instr(cause || ':', ':') - 1)`;
const EARNED = `CASE WHEN kind GLOB 'earned:*' THEN amount_msats ELSE -amount_msats END`;

/**
 * Every customer's receipts are one unbroken chain that holds as `timmy verify --chain` checks it, every charge has
 * one, for exactly what was earned, and every refund that was paid has one. Signatures are checked where receipts
 * leave us, and by `timmy verify`. Former receipts count for what they were given for, and are not read otherwise.
 */
export function* checkReceipts(reader: Reader, faces: readonly ProductFace[]): Slices {
  const broken: Broken[] = [];
  const charged = new Map<string, number>();
  const page = statement(
    reader,
    `SELECT event_id AS id, owner, position, event FROM receipts WHERE (owner, position) > (?, ?)
     ORDER BY owner, position LIMIT ${ROWS_IN_A_SLICE}`,
  );
  let before: (Row & { readonly at: number }) | null = null;
  let history = createHistory();
  for (;;) {
    const rows = page.all(before?.owner ?? '', before?.position ?? 0) as Row[];
    if (rows.length === 0) break;
    for (const row of rows) {
      const last: (Row & { readonly at: number }) | null = before?.owner === row.owner ? before : null;
      if (last === null) history = createHistory();
      const { isTrue, at, content } = read(row);
      const blame = (invariant: string, why = ''): void =>
        void broken.push({ kind: 'books', invariant, row: `receipt ${row.id}${why}` });
      if (!isTrue) blame('a receipt has the event id that its content gives');
      if (row.position !== (last?.position ?? 0) + 1 || content?.previous !== (last?.id ?? null))
        blame('each receipt of a customer follows the one before');
      if (at < (last?.at ?? 0)) blame('receipts of a customer are dated in their order');
      for (const problem of problemsOf(content, history)) blame('a receipt holds as anybody checks it', `: ${problem}`);
      if (content?.type === 'charge')
        charged.set(content.id, (charged.get(content.id) ?? 0) + content.bill.charged_sats);
      before = { ...row, at };
    }
    yield;
  }
  broken.push(...refundsWithout(reader));
  yield;
  return [...broken, ...(yield* chargesWithout(reader, faces, charged))];
}

function read(row: Row): { isTrue: boolean; at: number; content: ReceiptContent | null } {
  try {
    const event = JSON.parse(row.event) as Rumor;
    const isTrue = eventId(event) === row.id && event.id === row.id;
    return { isTrue, at: event.created_at, content: readContent(event.content) };
  } catch {
    return { isTrue: false, at: 0, content: null };
  }
}

function problemsOf(content: ReceiptContent | null, history: History): readonly string[] {
  if (content === null) return ['it cannot be read.'];
  return [...sumProblems(content), ...history.add(content)];
}

function refundsWithout(reader: Reader): Broken[] {
  const rows = statement(
    reader,
    `WITH given AS (
       SELECT (event ->> 'content') ->> 'payment_hash' AS hash FROM receipts WHERE kind = 'refund'
       UNION ALL SELECT (event ->> 'content') ->> 'payment_hash' FROM former_receipts WHERE kind = 'refund')
     SELECT 'payout ' || p.payment_hash AS row FROM payouts p
     WHERE p.state = 'paid' AND (SELECT count(*) FROM given WHERE hash = p.payment_hash) <> 1`,
  ).all() as { row: string }[];
  return rows.map(({ row }) => ({ kind: 'books', invariant: 'a refund that was paid has one receipt', row }));
}

/** @param charged what the receipts of each order say together; what others charged meanwhile is looked up again. */
function* chargesWithout(reader: Reader, faces: readonly ProductFace[], charged: ReadonlyMap<string, number>): Slices {
  const earned = new Map<string, number>();
  const page = statement(
    reader,
    `SELECT ${ORDER_OF_CAUSE} AS id, ${EARNED} AS amount FROM transfers
     WHERE seq BETWEEN ? AND ? AND (+kind GLOB 'earned:*' OR +kind GLOB 'returned:*')`,
  );
  const last = statement(reader, 'SELECT coalesce(max(seq), 0) FROM transfers').pluck().get() as number;
  for (let from = 0; from <= last; from += TRANSFERS_IN_A_SLICE) {
    for (const { id, amount } of page.all(from, from + TRANSFERS_IN_A_SLICE - 1) as { id: string; amount: number }[])
      earned.set(id, (earned.get(id) ?? 0) + amount);
    yield;
  }
  const suspects = [...new Set([...earned.keys(), ...charged.keys()])].filter(
    (id) => (earned.get(id) ?? 0) !== (charged.get(id) ?? 0) * 1000,
  );
  const broken: Broken[] = [];
  for (const id of suspects) {
    if (!isChargeReceipted(reader, faces, id))
      broken.push({
        kind: 'books',
        invariant: 'every charge has a receipt, for exactly what was earned',
        row: `order ${id}`,
      });
    yield;
  }
  return broken;
}

/** Of some orders the receipt of what was charged is still to come: their product knows. */
function isChargeReceipted(reader: Reader, faces: readonly ProductFace[], id: string): boolean {
  const earned = statement(
    reader,
    `SELECT coalesce(sum(${EARNED}), 0) FROM transfers WHERE (cause = @id OR cause GLOB @id || ':*')
       AND (kind GLOB 'earned:*' OR kind GLOB 'returned:*')`,
  )
    .pluck()
    .get({ id }) as number;
  const events = (from: string): string[] =>
    statement(reader, `SELECT event FROM ${from} WHERE kind = 'charge' AND order_ids = json_array(?) ORDER BY rowid`)
      .pluck()
      .all(id) as string[];
  const charges = events('receipts');
  if (charges.length > 0) return charges.reduce((sum, event) => sum + chargedIn(event), 0) * 1000 === earned;
  // The last of the former ones repeated what those before it said.
  const former = events('former_receipts').at(-1);
  if (former !== undefined) return formerlyCharged(former) * 1000 === earned;
  return earned === 0 || isReceiptLater(reader, faces, id);
}

function chargedIn(event: string): number {
  const { content } = read({ id: '', owner: '', position: 0, event });
  return content?.type === 'charge' ? content.bill.charged_sats : NaN;
}

function formerlyCharged(event: string): number {
  const { content } = JSON.parse(event) as { content: string };
  return (JSON.parse(content) as { bill: { charged_sats: number } }).bill.charged_sats;
}

function isReceiptLater(reader: Reader, faces: readonly ProductFace[], id: string): boolean {
  const face = faceOf(faces, id);
  const later = face?.receipts?.later;
  if (face === undefined || later == null) return false;
  return statement(reader, `SELECT 1 FROM ${face.table} o WHERE o.id = ? AND (${later})`).get(id) !== undefined;
}
