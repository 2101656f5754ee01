import { statement, type Reader } from '../db/index.ts';
import type { Broken } from '../ledger/index.ts';

/**
 * What must hold between the books and the rows of this folder (threats.md §2: 3, 5, 6, 7): every sat received,
 * owed or being paid is in both, and in both the same.
 */
export function verifyPayments(reader: Reader): Broken[] {
  const broken: Broken[] = [];
  const check = (invariant: string, sql: string): void => {
    for (const row of statement(reader, sql).all() as { row: string }[]) broken.push({ invariant, row: row.row });
  };
  check(
    'a paid invoice has its receipt in the books, and none other has',
    `SELECT 'invoice ' || i.payment_hash AS row FROM invoices i
       LEFT JOIN transfers t ON t.kind = 'receipt' AND t.cause = 'invoice:' || i.payment_hash
       WHERE (i.state = 'paid') <> (t.seq IS NOT NULL)
     UNION ALL
     SELECT 'transfer ' || t.seq FROM transfers t WHERE t.kind = 'receipt'
       AND NOT EXISTS (SELECT 1 FROM invoices i WHERE 'invoice:' || i.payment_hash = t.cause)`,
  );
  check(
    'a receipt is what was paid, and not more than was asked',
    `SELECT 'invoice ' || i.payment_hash AS row FROM invoices i
       JOIN transfers t ON t.kind = 'receipt' AND t.cause = 'invoice:' || i.payment_hash
       WHERE t.amount_msats <> min(i.paid_msats, i.amount_sats * 1000)`,
  );
  check(
    'owed:<order> is the sum of its open debts',
    `WITH books AS (SELECT substr(id, 6) AS id, credits - debits AS amount FROM accounts WHERE id LIKE 'owed:%'),
          rows AS (SELECT order_id AS id, sum(amount_msats) AS amount FROM debts WHERE state = 'owed' GROUP BY order_id)
     SELECT 'order ' || coalesce(b.id, r.id) AS row FROM books b FULL JOIN rows r ON r.id = b.id
       WHERE coalesce(b.amount, 0) <> coalesce(r.amount, 0)`,
  );
  check(
    'paying:<hash> is on the books exactly while the attempt is open',
    `WITH books AS (SELECT substr(id, 8) AS id, credits - debits AS amount FROM accounts WHERE id LIKE 'paying:%'),
          rows AS (SELECT payment_hash AS id, amount_msats AS amount FROM payouts WHERE state IN ('committed', 'sent'))
     SELECT 'payout ' || coalesce(b.id, r.id) AS row FROM books b FULL JOIN rows r ON r.id = b.id
       WHERE coalesce(b.amount, 0) <> coalesce(r.amount, 0)`,
  );
  check(
    'a debt that is being paid, or was, has one attempt, which pays it',
    `SELECT 'debt ' || d.id AS row FROM debts d LEFT JOIN payouts p ON p.payment_hash = d.payout_hash
       WHERE (d.state = 'paying' AND coalesce(p.state, '') NOT IN ('committed', 'sent'))
          OR (d.state = 'paid' AND coalesce(p.state, '') <> 'paid')`,
  );
  check(
    'an attempt is for exactly the sum of its debts',
    `SELECT 'payout ' || p.payment_hash AS row FROM payouts p
       WHERE p.state <> 'dead' AND p.amount_msats <> (SELECT sum(d.amount_msats) FROM payout_debts pd JOIN debts d ON d.id = pd.debt_id
                                WHERE pd.payment_hash = p.payment_hash)`,
  );
  check(
    'a paid attempt left the wallet once, in full',
    `SELECT 'payout ' || p.payment_hash AS row FROM payouts p
       LEFT JOIN transfers t ON t.kind = 'refund_paid' AND t.cause = p.payment_hash
       WHERE (p.state = 'paid') <> (t.seq IS NOT NULL) OR (t.seq IS NOT NULL AND t.amount_msats <> p.amount_msats)`,
  );
  check(
    'an order was credited exactly what its invoices brought',
    `WITH brought AS (
       SELECT order_id AS id, order_kind || ':' || order_id AS account,
              sum(CASE state WHEN 'paid' THEN min(paid_msats, amount_sats * 1000) WHEN 'kept' THEN amount_sats * 1000 ELSE 0 END) AS amount
       FROM invoices GROUP BY order_kind, order_id)
     SELECT 'order ' || b.id AS row FROM brought b
       WHERE b.amount <> (SELECT coalesce(sum(amount_msats), 0) FROM transfers WHERE credit = b.account AND kind IN ('receipt', 'kept'))`,
  );
  check(
    'every debt was booked, and nothing booked as owed is without its debt',
    `WITH rows AS (SELECT order_id AS id, sum(amount_msats) AS amount FROM debts GROUP BY order_id),
          books AS (SELECT substr(credit, 6) AS id, sum(amount_msats) AS amount FROM transfers WHERE kind LIKE 'owed:%' GROUP BY credit)
     SELECT 'order ' || coalesce(b.id, r.id) AS row FROM books b FULL JOIN rows r ON r.id = b.id
       WHERE coalesce(b.amount, 0) <> coalesce(r.amount, 0)`,
  );
  return broken;
}
