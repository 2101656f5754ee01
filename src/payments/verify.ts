import type { Reader } from '../db/index.ts';
import { atOnce, brokenRows, type Broken, type Slices, type SqlInvariant } from '../ledger/index.ts';

/** `checkPayments` at one go. */
export function verifyPayments(reader: Reader): Broken[] {
  return atOnce(checkPayments(reader));
}

/**
 * What must hold between the books and the rows of this folder: every sat received,
 * owed or being paid is in both, and in both the same.
 */
export function checkPayments(reader: Reader): Slices {
  return brokenRows(reader, CHECKS);
}

const CHECKS: readonly SqlInvariant[] = [
  [
    'a paid invoice has its receipt in the books, and none other has',
    `SELECT 'invoice ' || i.payment_hash AS row FROM invoices i
       LEFT JOIN transfers t ON t.kind = 'receipt' AND t.cause = 'invoice:' || i.payment_hash
       WHERE i.id BETWEEN @from AND @to AND (i.state = 'paid') <> (t.seq IS NOT NULL)`,
    'invoices',
  ],
  [
    'a receipt in the books belongs to an invoice',
    `SELECT 'transfer ' || t.seq AS row FROM transfers t WHERE t.seq BETWEEN @from AND @to AND +t.kind = 'receipt'
       AND NOT EXISTS (SELECT 1 FROM invoices i WHERE i.payment_hash = substr(t.cause, 9) AND t.cause LIKE 'invoice:%')`,
    'transfers',
  ],
  [
    'a receipt is what was paid, and not more than was asked',
    `SELECT 'invoice ' || i.payment_hash AS row FROM invoices i
       JOIN transfers t ON t.kind = 'receipt' AND t.cause = 'invoice:' || i.payment_hash
       WHERE i.id BETWEEN @from AND @to AND t.amount_msats <> min(i.paid_msats, i.amount_sats * 1000)`,
    'invoices',
  ],
  [
    'owed:<order> is the sum of its open debts',
    `SELECT 'order ' || id AS row FROM (
       SELECT substr(id, 6) AS id, credits - debits AS amount FROM accounts WHERE id >= 'owed:' AND id < 'owed;'
       UNION ALL SELECT order_id, -amount_msats FROM debts WHERE state = 'owed')
     GROUP BY id HAVING sum(amount) <> 0`,
  ],
  [
    'paying:<hash> is on the books exactly while the attempt is open',
    `SELECT 'payout ' || id AS row FROM (
       SELECT substr(id, 8) AS id, credits - debits AS amount FROM accounts WHERE id >= 'paying:' AND id < 'paying;'
       UNION ALL SELECT payment_hash, -amount_msats FROM payouts WHERE state IN ('committed', 'sent'))
     GROUP BY id HAVING sum(amount) <> 0`,
  ],
  [
    'a debt that is being paid, or was, has one attempt, which pays it',
    `SELECT 'debt ' || d.id AS row FROM debts d LEFT JOIN payouts p ON p.payment_hash = d.payout_hash
       WHERE (d.state = 'paying' AND coalesce(p.state, '') NOT IN ('committed', 'sent'))
          OR (d.state = 'paid' AND coalesce(p.state, '') <> 'paid')`,
  ],
  [
    'an attempt is for exactly the sum of its debts',
    `SELECT 'payout ' || p.payment_hash AS row FROM payouts p
       WHERE p.state <> 'dead' AND p.amount_msats <> (SELECT sum(d.amount_msats) FROM payout_debts pd JOIN debts d ON d.id = pd.debt_id
                                WHERE pd.payment_hash = p.payment_hash)`,
  ],
  [
    'a paid attempt left the wallet once, in full',
    `SELECT 'payout ' || p.payment_hash AS row FROM payouts p
       LEFT JOIN transfers t ON t.kind = 'refund_paid' AND t.cause = p.payment_hash
       WHERE (p.state = 'paid') <> (t.seq IS NOT NULL) OR (t.seq IS NOT NULL AND t.amount_msats <> p.amount_msats)`,
  ],
  [
    'an order was credited exactly what its invoices brought',
    `WITH brought AS (
       SELECT order_id AS id, order_kind || ':' || order_id AS account,
              sum(CASE state WHEN 'paid' THEN min(paid_msats, amount_sats * 1000) WHEN 'kept' THEN amount_sats * 1000 ELSE 0 END) AS amount
       FROM invoices WHERE order_id > @from AND order_id <= @to GROUP BY order_kind, order_id)
     SELECT 'order ' || b.id AS row FROM brought b
       WHERE b.amount <> (SELECT coalesce(sum(amount_msats), 0) FROM transfers WHERE credit = b.account AND kind IN ('receipt', 'kept'))`,
    'orders',
  ],
  [
    'every debt was booked, and nothing booked as owed is without its debt',
    `SELECT 'order ' || id AS row FROM (
       SELECT order_id AS id, amount_msats AS amount FROM debts
       UNION ALL SELECT substr(credit, 6), -amount_msats FROM transfers WHERE kind >= 'owed:' AND kind < 'owed;')
     GROUP BY id HAVING sum(amount) <> 0`,
  ],
];
