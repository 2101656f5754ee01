import type { Reader } from '../db/index.ts';
import type { ProductFace } from '../engine/index.ts';
import { brokenRows, type Slices, type SqlInvariant } from '../ledger/index.ts';

/**
 * What must hold across the whole business: the wallet covers what customers are owed,
 * everything that touched it has a cause we know, orders hold money only while they work for it, and nothing was
 * decided by hand without a reason.
 */
export function* checkMoney(reader: Reader, faces: readonly ProductFace[]): Slices {
  const holders = faces.map(({ kind }) => kind);
  return [
    ...(yield* brokenRows(reader, checks(holders))),
    ...(yield* brokenRows(reader, SOLVENCY, 'short')),
    ...(yield* brokenRows(reader, LATE, 'late')),
  ];
}

/**
 * The ways of the books: which kind of transfer goes from which account to which. `ORDER`: any account that holds money
 * for an order.
 */
const WAYS: readonly (readonly [kind: string, debit: string, credit: string])[] = [
  ['receipt', 'wallet', 'ORDER'],
  ['receipt', 'operator', 'ORDER'],
  ['kept', 'owed:*', 'ORDER'],
  ['moved:*', 'ORDER', 'ORDER'],
  ['earned:*', 'ORDER', 'rev:*'],
  ['returned:*', 'rev:*', 'ORDER'],
  ['owed:*', 'ORDER', 'owed:*'],
  ['surplus:*', 'wallet', 'suspense'],
  ['owed:*', 'suspense', 'owed:*'],
  ['surplus_adopted', 'suspense', 'operator'],
  ['paying', 'owed:*', 'paying:*'],
  ['refund_paid', 'paying:*', 'wallet'],
  ['refund_dead', 'paying:*', 'owed:*'],
  ['routing_fee', 'exp:fees', 'wallet'],
  ['incoming_fee', 'exp:fees', 'wallet'],
  ['found', 'wallet', 'operator'],
  ['found', 'operator', 'wallet'],
  ['adopted', 'wallet', 'operator'],
  ['adopted', 'operator', 'wallet'],
  ['vouched_arrived', 'wallet', 'operator'],
];

/** As rows of SQL, a way for each holder, or for each two. */
const wayRows = (holders: readonly string[]): string => {
  const accounts = (name: string): readonly string[] =>
    name === 'ORDER' ? holders.map((holder) => `${holder}:*`) : [name];
  const rows = WAYS.flatMap(([kind, debit, credit]) =>
    accounts(debit).flatMap((from) => accounts(credit).map((to) => `('${kind}', '${from}', '${to}')`)),
  );
  return rows.join(', ');
};

/** @param holders the kinds of order, which are the kinds of account that hold money for one. */
const checks = (holders: readonly string[]): readonly SqlInvariant[] => [
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
    'what was credited out of the operator’s pocket was decided by a person, with a reason',
    `SELECT 'transfer ' || t.seq AS row FROM transfers t WHERE t.kind = 'receipt' AND t.debit = 'operator' AND NOT EXISTS
       (SELECT 1 FROM hand_decisions h WHERE h.what = 'credit' AND h.result = 'done' AND 'invoice:' || h.payment_hash = t.cause)`,
  ],
  [
    'money that nobody was asked for stands in the books once',
    `SELECT 'wallet row ' || w.payment_hash AS row FROM wallet_rows w WHERE w.why = 'surplus' AND NOT EXISTS
       (SELECT 1 FROM transfers t WHERE t.kind = 'surplus:unexpected' AND t.cause = w.payment_hash)`,
  ],
  [
    'every transfer goes a way that its kind may go',
    `WITH ways (kind, debit, credit) AS (VALUES ${wayRows(holders)})
     SELECT 'transfer ' || t.seq AS row FROM transfers t WHERE t.seq BETWEEN @from AND @to AND NOT EXISTS
       (SELECT 1 FROM ways w WHERE t.kind GLOB w.kind AND t.debit GLOB w.debit AND t.credit GLOB w.credit)`,
    'transfers',
  ],
  [
    'money that was owed back stays with its order',
    `SELECT 'transfer ' || seq AS row FROM transfers
     WHERE kind GLOB 'owed:*' AND debit <> 'suspense' AND substr(debit, instr(debit, ':') + 1) <> substr(credit, instr(credit, ':') + 1)`,
  ],
  [
    'what came for an order was earned, moved on, is or was owed back, or is still held',
    `SELECT 'order ' || id AS row FROM (
       SELECT order_id AS id, CASE state WHEN 'paid' THEN min(paid_msats, amount_sats * 1000) ELSE amount_sats * 1000 END AS amount
         FROM invoices WHERE order_id > @from AND order_id <= @to AND +state IN ('paid', 'kept')
       UNION ALL SELECT substr(credit, 6), amount_msats FROM transfers
         WHERE credit > 'owed:' || @from AND credit <= 'owed:' || @to AND +debit = 'suspense'
       UNION ALL SELECT order_id, -amount_msats FROM debts WHERE order_id > @from AND order_id <= @to
       ${holders
         .map(
           (holder) => `UNION ALL SELECT substr(debit, ${holder.length + 2}), -amount_msats FROM transfers
         WHERE debit > '${holder}:' || @from AND debit <= '${holder}:' || @to AND +kind GLOB 'earned:*'
       UNION ALL SELECT substr(credit, ${holder.length + 2}), amount_msats FROM transfers
         WHERE credit > '${holder}:' || @from AND credit <= '${holder}:' || @to AND +kind GLOB 'returned:*'
       UNION ALL SELECT substr(debit, ${holder.length + 2}), -amount_msats FROM transfers
         WHERE debit > '${holder}:' || @from AND debit <= '${holder}:' || @to AND +kind GLOB 'moved:*'
       UNION ALL SELECT substr(credit, ${holder.length + 2}), amount_msats FROM transfers
         WHERE credit > '${holder}:' || @from AND credit <= '${holder}:' || @to AND +kind GLOB 'moved:*'
       UNION ALL SELECT substr(id, ${holder.length + 2}), debits - credits FROM accounts
         WHERE id > '${holder}:' || @from AND id <= '${holder}:' || @to`,
         )
         .join(' ')})
     GROUP BY id HAVING sum(amount) <> 0`,
    'orders',
  ],
  [
    'a routing fee is what its payment cost',
    `SELECT 'payout ' || p.payment_hash AS row FROM payouts p LEFT JOIN transfers t ON t.kind = 'routing_fee' AND t.cause = p.payment_hash
       WHERE p.state = 'paid' AND coalesce(t.amount_msats, 0) <> coalesce(p.fee_msats, 0)
         AND NOT EXISTS (SELECT 1 FROM hand_decisions h WHERE h.what = 'paid' AND h.result = 'done' AND h.payment_hash = p.payment_hash)
     UNION ALL
     SELECT 'transfer ' || t.seq FROM transfers t WHERE t.kind = 'routing_fee'
       AND NOT EXISTS (SELECT 1 FROM payouts p WHERE p.payment_hash = t.cause AND p.state = 'paid')`,
  ],
  [
    'what came beyond the amount asked stands in the books',
    `SELECT 'invoice ' || i.payment_hash AS row FROM invoices i
       LEFT JOIN transfers t ON t.kind = 'surplus:overpaid' AND t.cause = 'invoice:' || i.payment_hash
     WHERE i.id BETWEEN @from AND @to AND i.state = 'paid'
       AND coalesce(t.amount_msats, 0) <> i.paid_msats - i.amount_sats * 1000`,
    'invoices',
  ],
];

/** Not a matter of sums: the books agree, and the wallet does not hold enough. */
const SOLVENCY: readonly SqlInvariant[] = [
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
];

/** What only waits. The first two are made good when Timmy starts, the third by a person: `timmy ledger mend`. */
const LATE: readonly SqlInvariant[] = [
  [
    'a payout under way has a task that looks after it',
    `SELECT 'payout ' || p.payment_hash AS row FROM payouts p WHERE p.state IN ('committed', 'sent') AND NOT EXISTS
       (SELECT 1 FROM tasks t WHERE t.state <> 'dead' AND t.kind IN ('payout.send', 'payout.watch')
          AND t.payload ->> 'paymentHash' = p.payment_hash)`,
  ],
  [
    'an invoice that can be paid has a task that looks after it',
    `SELECT 'invoice ' || i.id AS row FROM invoices i WHERE i.state IN ('wanted', 'open') AND NOT EXISTS
       (SELECT 1 FROM tasks t WHERE t.state <> 'dead' AND t.payload ->> 'invoiceId' = i.id
          AND t.kind = CASE i.state WHEN 'wanted' THEN 'invoice.create' ELSE 'invoice.watch' END)`,
  ],
  [
    'news of an order reaches it',
    `SELECT coalesce(t.payload ->> '$.order.kind', 'order') || ' ' || coalesce(t.payload ->> '$.order.id', t.id) || ': '
       || coalesce(t.payload ->> '$.event.type', 'news') AS row FROM tasks t WHERE t.kind = 'order.event' AND t.state = 'dead'`,
  ],
];
