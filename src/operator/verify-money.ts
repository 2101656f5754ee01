import { statement, type Reader } from '../db/index.ts';
import type { Broken } from '../ledger/index.ts';

/**
 * What must hold across the whole business (threats.md §2: 3, 5, 7, 9): the wallet covers what customers are owed,
 * everything that touched it has a cause we know, orders hold money only while they work for it, and nothing was
 * decided by hand without a reason.
 */
export function verifyMoney(reader: Reader): Broken[] {
  return CHECKS.flatMap(([invariant, sql]) =>
    (statement(reader, sql).all() as { row: string }[]).map(({ row }) => ({ invariant, row })),
  );
}

const CHECKS: readonly (readonly [invariant: string, sql: string])[] = [
  [
    // What a person vouched for is at the node and not in the wallet: the operator owes it there.
    'the wallet covers everything that belongs to customers',
    `WITH sums AS (SELECT
       (SELECT coalesce(sum(debits - credits), 0) FROM accounts WHERE id = 'wallet') AS held,
       (SELECT coalesce(sum(credits - debits), 0) FROM accounts WHERE kind = 'liability') AS due,
       (SELECT coalesce(sum(CASE kind WHEN 'receipt' THEN amount_msats ELSE -amount_msats END), 0) FROM transfers
        WHERE (kind = 'receipt' AND debit = 'operator') OR kind = 'vouched_arrived') AS vouched)
     SELECT 'wallet ' || held || ' msats, customers ' || due || ' msats' AS row FROM sums WHERE held + vouched < due`,
  ],
  [
    'everything that came into the wallet or left it has a cause we know',
    `SELECT 'transfer ' || seq AS row FROM transfers
     WHERE (debit = 'wallet' AND kind NOT IN ('receipt', 'found', 'adopted', 'vouched_arrived') AND kind NOT LIKE 'surplus:%')
        OR (credit = 'wallet' AND kind NOT IN ('refund_paid', 'routing_fee', 'incoming_fee', 'adopted'))`,
  ],
  [
    'one debt has one live attempt',
    `SELECT 'debt ' || pd.debt_id AS row FROM payout_debts pd JOIN payouts p ON p.payment_hash = pd.payment_hash
     WHERE p.state IN ('committed', 'sent') GROUP BY pd.debt_id HAVING count(*) > 1`,
  ],
  [
    'one debt is paid by one attempt',
    `SELECT 'debt ' || pd.debt_id AS row FROM payout_debts pd JOIN payouts p ON p.payment_hash = pd.payment_hash
     WHERE p.state = 'paid' GROUP BY pd.debt_id HAVING count(*) > 1`,
  ],
  [
    'a payout under way has a task that looks after it',
    `SELECT 'payout ' || p.payment_hash AS row FROM payouts p WHERE p.state IN ('committed', 'sent') AND NOT EXISTS
       (SELECT 1 FROM tasks t WHERE t.state <> 'dead' AND t.kind IN ('payout.send', 'payout.watch')
          AND t.payload ->> 'paymentHash' = p.payment_hash)`,
  ],
  [
    'a job that waits for a payment or lapsed holds no money, unless news of it is on its way',
    `SELECT 'job ' || j.id AS row FROM jobs j JOIN accounts a ON a.id = 'job:' || j.id
     WHERE j.state IN ('awaiting_eval_payment', 'awaiting_work_payment', 'expired') AND a.credits <> a.debits
       AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.kind = 'order.event' AND t.state <> 'dead' AND t.lane = 'order:job:' || j.id)`,
  ],
  [
    'what was credited out of the operator’s pocket was decided by a person, with a reason',
    `SELECT 'transfer ' || t.seq AS row FROM transfers t WHERE t.kind = 'receipt' AND t.debit = 'operator' AND NOT EXISTS
       (SELECT 1 FROM hand_decisions h WHERE h.what = 'credit' AND h.result = 'done' AND 'invoice:' || h.payment_hash = t.cause)`,
  ],
  [
    'money that nobody was asked for stands in the books once',
    `SELECT 'wallet row ' || w.payment_hash AS row FROM wallet_rows w WHERE w.why = 'surplus' AND NOT EXISTS
       (SELECT 1 FROM transfers t WHERE t.kind = 'surplus:unexpected' AND t.cause = w.payment_hash)`,
  ],
];
