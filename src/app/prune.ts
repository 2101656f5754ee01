import { eraseTextsBefore } from '../customers/index.ts';
import { statement, type Tx } from '../db/index.ts';
import { reachingBack } from '../downtime/index.ts';
import { plusSeconds, type UnixSeconds } from '../lib/units.ts';

const DAY = 86_400;
/** Rows of one table that one hour takes away: what a flood left goes within days, and nobody waits for it. */
const AT_ONCE = 2_000;

/** How long each thing is kept, in days (docs/operating.md: What is kept). */
export const TERMS = {
  /** Longer than any relay's look-back and the age at which messages still run. */
  wraps: 14,
  inbox: 30,
  answered: 7,
  undeliverable: 90,
  unpaidOrders: 45,
  strangers: 60,
  told: 60,
} as const;

/**
 * Every table that a stranger can make grow, and what is taken away of it. Books, receipts, debts and payouts stay. What
 * another row still names stays with it.
 */
const PRUNED: readonly (readonly [table: string, sql: string])[] = [
  [
    'outbox',
    `DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE (state = 'delivered' AND event IS NULL AND created_at < @answered)
       OR (state <> 'delivered' AND NOT paid AND created_at < @answered) OR created_at < @undeliverable LIMIT @atOnce)`,
  ],
  [
    'outbox_relays',
    `DELETE FROM outbox_relays WHERE rowid IN (SELECT r.rowid FROM outbox_relays r
       WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.id = r.outbox_id) LIMIT @atOnce)`,
  ],
  [
    'invoices',
    `DELETE FROM invoices WHERE id IN (SELECT i.id FROM invoices i LEFT JOIN jobs j ON j.id = i.order_id
       WHERE i.state IN ('lapsed', 'replaced', 'failed') AND coalesce(i.expires_at, i.created_at) < @unpaidOrders
         AND (j.id IS NULL OR j.state IN ('expired', 'cancelled'))
         AND NOT EXISTS (SELECT 1 FROM accounts WHERE id IN ('job:' || i.order_id, 'owed:' || i.order_id))
         AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.key IN ('invoice.watch:' || i.id, 'invoice.late:' || i.id))
       LIMIT @atOnce)`,
  ],
  [
    'claims',
    `DELETE FROM claims WHERE payment_hash NOT IN (SELECT payment_hash FROM invoices WHERE payment_hash IS NOT NULL)`,
  ],
  [
    'jobs',
    `DELETE FROM jobs WHERE id IN (SELECT j.id FROM jobs j WHERE j.state IN ('expired', 'cancelled') AND j.updated_at < @unpaidOrders
       AND NOT EXISTS (SELECT 1 FROM accounts WHERE id IN ('job:' || j.id, 'owed:' || j.id))
       AND NOT EXISTS (SELECT 1 FROM invoices i WHERE i.order_id = j.id) LIMIT @atOnce)`,
  ],
  [
    'inbox',
    `DELETE FROM inbox WHERE id IN (SELECT m.id FROM inbox m WHERE m.received_at < @inbox
       AND NOT EXISTS (SELECT 1 FROM invoices i WHERE i.reply_to = m.id)
       AND NOT EXISTS (SELECT 1 FROM payouts p WHERE p.reply_to = m.id)
       AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.kind = 'dm.handle' AND t.payload ->> 'inboxId' = m.id) LIMIT @atOnce)`,
  ],
  [
    'customers',
    `DELETE FROM customers WHERE pubkey IN (SELECT c.pubkey FROM customers c WHERE c.created_at < @strangers
       AND NOT EXISTS (SELECT 1 FROM inbox m WHERE m.sender = c.pubkey)
       AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.recipient = c.pubkey)
       AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.owner = c.pubkey)
       AND NOT EXISTS (SELECT 1 FROM debts d WHERE d.owner = c.pubkey) LIMIT @atOnce)`,
  ],
  ['relay_lists', `DELETE FROM relay_lists WHERE pubkey NOT IN (SELECT pubkey FROM customers)`],
  ['failing_addresses', `DELETE FROM failing_addresses WHERE owner NOT IN (SELECT pubkey FROM customers)`],
  ['seen_wraps', 'DELETE FROM seen_wraps WHERE at < @wraps'],
  ['rpc_answers', 'DELETE FROM rpc_answers WHERE at < @day'],
  ['order_keys', 'DELETE FROM order_keys WHERE at < @day'],
  ['told', 'DELETE FROM told WHERE at < @told'],
];

/** Tables that are books, that a stranger cannot make grow, or that bound themselves; each with the reason. */
export const NOT_PRUNED: Readonly<Record<string, string>> = {
  accounts: 'books',
  transfers: 'books',
  debts: 'books',
  payouts: 'books',
  payout_debts: 'books',
  receipts: 'books',
  hand_decisions: 'books: the operator’s',
  wallet_rows: 'books: rows of the wallet that are not ours',
  reconciliation: 'one row',
  btc_price: 'one row',
  facts: 'as many as there are names',
  texts: 'with what they belong to, else after TIMMY_RETENTION_DAYS; LIMIT_STORE_MB_PER_HOUR',
  tasks: 'end with their work; one for each row above',
  dropped_wraps: 'the newest 100,000',
  high_waters: 'one for each relay that was ever configured',
  relay_states: 'one for each relay that is configured',
  outages: 'the 500 longest of 400 days',
  model_spend: 'one a day',
  schema_migrations: 'one for each version',
  stub_wallet: 'the stub’s',
  stub_invoices: 'the stub’s',
  stub_payments: 'the stub’s',
  sqlite_sequence: 'SQLite’s',
};

export const prunedTables = (): string[] => PRUNED.map(([table]) => table);

/** Takes away what is past its term. What we were away for counts for no term that a customer relies on. */
export function prune(tx: Tx, retentionDays: number, now: UnixSeconds): void {
  const before = (days: number): number => now - days * DAY;
  const terms = {
    answered: reachingBack(tx, now, TERMS.answered * DAY),
    undeliverable: reachingBack(tx, now, TERMS.undeliverable * DAY),
    unpaidOrders: reachingBack(tx, now, TERMS.unpaidOrders * DAY),
    inbox: reachingBack(tx, now, TERMS.inbox * DAY),
    strangers: before(TERMS.strangers),
    wraps: reachingBack(tx, now, TERMS.wraps * DAY),
    day: reachingBack(tx, now, DAY),
    told: before(TERMS.told),
    atOnce: AT_ONCE,
  };
  for (const [, sql] of PRUNED) {
    const named = Object.fromEntries(Object.entries(terms).filter(([name]) => sql.includes(`@${name}`)));
    if (Object.keys(named).length === 0) statement(tx, sql).run();
    else statement(tx, sql).run(named);
  }
  const needed = statement(
    tx,
    `SELECT request_id AS id FROM jobs WHERE request_id IS NOT NULL
       AND state IN ('awaiting_eval_payment', 'evaluating', 'awaiting_work_payment', 'executing')
     UNION SELECT text_id FROM outbox WHERE text_id IS NOT NULL AND state IN ('waiting', 'sealed', 'undeliverable')`,
  ).all() as { id: number }[];
  eraseTextsBefore(
    tx,
    plusSeconds(now, -retentionDays * DAY),
    needed.map((row) => row.id),
  );
}
