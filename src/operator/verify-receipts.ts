import { statement, type Reader } from '../db/index.ts';
import type { Broken } from '../ledger/index.ts';
import type { Rumor } from '../nostr/event.ts';
import { eventId } from '../nostr/verify.ts';

interface Row {
  readonly id: string;
  readonly owner: string;
  readonly position: number;
  readonly event: string;
}

/**
 * Every customer's receipts are one unbroken chain with true event ids, and every refund that was paid has one
 * (product.md: Promise 6). Signatures are checked where receipts leave us, and by `timmy verify`.
 */
export function verifyReceipts(reader: Reader): Broken[] {
  const broken: Broken[] = [];
  let before: Row | null = null;
  const rows = statement(
    reader,
    'SELECT event_id AS id, owner, position, event FROM receipts ORDER BY owner, position',
  ).iterate() as IterableIterator<Row>;
  for (const row of rows) {
    const last: Row | null = before?.owner === row.owner ? before : null;
    const { isTrue, previous } = read(row);
    if (!isTrue)
      broken.push({ invariant: 'a receipt has the event id that its content gives', row: `receipt ${row.id}` });
    if (row.position !== (last?.position ?? 0) + 1 || previous !== (last?.id ?? null)) {
      broken.push({ invariant: 'each receipt of a customer follows the one before', row: `receipt ${row.id}` });
    }
    before = row;
  }
  return [...broken, ...missing(reader)];
}

function read(row: Row): { isTrue: boolean; previous: unknown } {
  try {
    const event = JSON.parse(row.event) as Rumor;
    const { previous } = JSON.parse(event.content) as { previous?: unknown };
    return { isTrue: eventId(event) === row.id && event.id === row.id, previous };
  } catch {
    return { isTrue: false, previous: undefined };
  }
}

function missing(reader: Reader): Broken[] {
  const rows = statement(
    reader,
    `WITH given AS (SELECT (event ->> 'content') ->> 'payment_hash' AS hash FROM receipts WHERE kind = 'refund')
     SELECT 'payout ' || p.payment_hash AS row FROM payouts p
     WHERE p.state = 'paid' AND (SELECT count(*) FROM given WHERE hash = p.payment_hash) <> 1`,
  ).all() as { row: string }[];
  return rows.map(({ row }) => ({ invariant: 'a refund that was paid has one receipt', row }));
}
