import { statement, type Database, type Reader, type Tx } from '../db/index.ts';
import { reachingBack } from '../downtime/index.ts';
import type { Clock } from '../lib/clock.ts';
import type { UnixSeconds } from '../lib/units.ts';

const DAY = 86_400;
/** Rows that are looked at in one transaction: who writes to us meanwhile does not notice. */
const PAGE = 200;
/** So long one run prunes; what a flood left beyond it is taken by the next. */
const RUN_MS = 60_000;

/** How long each thing is kept, in days (docs/operating.md: What is kept). */
export const TERMS = {
  /** Longer than any relay's look-back and the age at which messages still run. */
  wraps: 14,
  inbox: 30,
  /** Texts of keys that never paid, where no order and no answer on its way needs them. */
  talk: 2,
  /** Long after the last try: none is under way then. */
  answered: 7,
  undeliverable: 90,
  unpaidOrders: 45,
  strangers: 60,
  told: 60,
  /** Replays of JSON-RPC. */
  replays: 1,
} as const;

/** Until when what is older goes. `texts`: `TIMMY_RETENTION_DAYS`. */
type Terms = Readonly<Record<keyof typeof TERMS | 'texts', UnixSeconds>>;

interface Pruned {
  readonly table: string;
  /**
   * Column by which rows were added, one after the other: the first page of rows within this term is the last that is
   * looked at. Null: rows are touched again and again, all are looked at.
   */
  readonly added: { readonly at: string; readonly term: keyof Terms } | null;
  /** Rows are read by this index on `added.at` where they are large; else as they lie. */
  readonly byAge?: true;
  /** What narrows them by an index. */
  readonly among?: string;
  /** Does a row `r` go? By indexes alone, and of what is given in `Terms`. */
  readonly goes: string;
  /** What goes with the rows whose keys are in `@page`. */
  readonly with?: { readonly table: string; readonly goes: string };
}

const NO_MONEY = (order: string): string =>
  `NOT EXISTS (SELECT 1 FROM accounts WHERE id IN ('job:' || ${order}, 'owed:' || ${order}))`;
const NO_TASK = `NOT EXISTS (SELECT 1 FROM tasks t WHERE t.key IN ('invoice.watch:' || r.id, 'invoice.late:' || r.id))`;

const DEMO_ENDED = `r.state NOT IN ('looking', 'answering')`;

const unpaidInvoices = (state: string): Pruned => ({
  table: 'invoices',
  added: { at: 'created_at', term: 'unpaidOrders' },
  among: `state = '${state}'`,
  goes: `coalesce(r.expires_at, r.created_at) < @unpaidOrders AND ${NO_MONEY('r.order_id')} AND ${NO_TASK}
     AND coalesce((SELECT j.state IN ('expired', 'cancelled') FROM jobs j WHERE j.id = r.order_id), 1)`,
});

const unpaidJobs = (state: string): Pruned => ({
  table: 'jobs',
  added: { at: 'created_at', term: 'unpaidOrders' },
  among: `state = '${state}'`,
  goes: `r.updated_at < @unpaidOrders AND ${NO_MONEY('r.id')}
     AND NOT EXISTS (SELECT 1 FROM invoices i WHERE i.order_id = r.id)`,
});

/**
 * Every table that a stranger can make grow, and what is taken away of it. Books, receipts, debts and payouts stay. What
 * another row still names stays with it.
 */
const PRUNED: readonly Pruned[] = [
  {
    table: 'outbox',
    added: { at: 'created_at', term: 'answered' },
    goes: `((r.state = 'delivered' AND r.event IS NULL AND r.created_at < @answered)
       OR (r.state <> 'delivered' AND NOT r.paid AND r.created_at < @answered) OR r.created_at < @undeliverable)`,
    with: {
      table: 'outbox_relays',
      goes: `outbox_id IN (SELECT value FROM json_each(@page)) AND outbox_id NOT IN (SELECT id FROM outbox WHERE id IN (SELECT value FROM json_each(@page)))`,
    },
  },
  unpaidInvoices('lapsed'),
  unpaidInvoices('replaced'),
  unpaidInvoices('failed'),
  {
    table: 'claims',
    added: null,
    goes: `NOT EXISTS (SELECT 1 FROM invoices i WHERE i.payment_hash = r.payment_hash)`,
  },
  unpaidJobs('expired'),
  unpaidJobs('cancelled'),
  { table: 'demos', added: { at: 'created_at', term: 'talk' }, goes: `r.created_at < @talk AND ${DEMO_ENDED}` },
  {
    table: 'inbox',
    added: { at: 'received_at', term: 'inbox' },
    goes: `r.received_at < @inbox
       AND NOT EXISTS (SELECT 1 FROM invoices i WHERE i.reply_to = r.id)
       AND NOT EXISTS (SELECT 1 FROM payouts p WHERE p.reply_to = r.id)
       AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.lane = 'peer:' || r.sender AND t.payload ->> 'inboxId' = r.id)`,
  },
  {
    table: 'texts',
    added: { at: 'created_at', term: 'talk' },
    byAge: true,
    goes: `NOT EXISTS (SELECT 1 FROM outbox o WHERE o.recipient = r.owner AND o.text_id = r.id AND o.state <> 'delivered')
       AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.owner = r.owner AND j.request_id = r.id
         AND j.state IN ('awaiting_eval_payment', 'evaluating', 'awaiting_work_payment', 'executing'))
       AND NOT EXISTS (SELECT 1 FROM demos d WHERE d.owner = r.owner AND d.request_id = r.id
         AND d.state IN ('looking', 'answering'))
       AND (r.created_at < @texts OR (r.created_at < @talk
         AND NOT EXISTS (SELECT 1 FROM invoices i WHERE i.owner = r.owner AND i.state IN ('paid', 'kept'))
         AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.owner = r.owner AND j.request_id = r.id)
         AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.lane = 'peer:' || r.owner)))`,
  },
  {
    table: 'customers',
    added: { at: 'created_at', term: 'strangers' },
    goes: `r.created_at < @strangers
       AND NOT EXISTS (SELECT 1 FROM inbox m WHERE m.sender = r.pubkey)
       AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.recipient = r.pubkey)
       AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.owner = r.pubkey)
       AND NOT EXISTS (SELECT 1 FROM debts d WHERE d.owner = r.pubkey)`,
  },
  {
    table: 'relay_lists',
    added: null,
    goes: 'NOT EXISTS (SELECT 1 FROM customers c WHERE c.pubkey = r.pubkey)',
  },
  {
    table: 'failing_addresses',
    added: null,
    goes: 'NOT EXISTS (SELECT 1 FROM customers c WHERE c.pubkey = r.owner)',
  },
  { table: 'seen_wraps', added: { at: 'at', term: 'wraps' }, byAge: true, goes: 'r.at < @wraps' },
  { table: 'rpc_answers', added: { at: 'at', term: 'replays' }, byAge: true, goes: 'r.at < @replays' },
  { table: 'order_keys', added: null, goes: 'r.at < @replays' },
  { table: 'told', added: null, goes: 'r.at < @told' },
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
  tasks: 'end with their work; one for each row above',
  dropped_wraps: 'the newest 100,000',
  high_waters: 'one for each relay that was ever configured',
  relay_states: 'one for each relay that is configured',
  outages: 'the 500 longest of 400 days',
  model_spend: 'one a day',
  model_purses: 'one a day',
  schema_migrations: 'one for each version',
  stub_wallet: 'the stub’s',
  stub_invoices: 'the stub’s',
  stub_payments: 'the stub’s',
  sqlite_sequence: 'SQLite’s',
};

export const prunedTables = (): string[] =>
  PRUNED.flatMap((pruned) => [pruned.table, ...(pruned.with === undefined ? [] : [pruned.with.table])]);

/** What we were away for counts for no term. */
function termsAt(reader: Reader, retentionDays: number, now: UnixSeconds): Terms {
  const back = (days: number): UnixSeconds => reachingBack(reader, now, days * DAY);
  const { wraps, inbox, talk, answered, undeliverable, unpaidOrders, strangers, told, replays } = TERMS;
  return {
    wraps: back(wraps),
    inbox: back(inbox),
    talk: back(Math.min(talk, retentionDays)),
    answered: back(answered),
    undeliverable: back(undeliverable),
    unpaidOrders: back(unpaidOrders),
    strangers: back(strangers),
    told: back(told),
    replays: back(replays),
    // A promise about privacy: our absence does not lengthen it.
    texts: (now - retentionDays * DAY) as UnixSeconds,
  };
}

export interface PruneOptions {
  readonly database: Database;
  readonly clock: Pick<Clock, 'now' | 'monotonicMs'>;
  /** `TIMMY_RETENTION_DAYS`. */
  readonly retentionDays: number;
}

/**
 * Takes away what is past its term, page by page, `rest` in between. What is lost of it by a power cut is done again.
 * @returns false where it ended before all was looked at.
 */
export async function prune(
  { database, clock, retentionDays }: PruneOptions,
  rest: () => Promise<void>,
): Promise<boolean> {
  const terms = termsAt(database.read, retentionDays, clock.now());
  const began = clock.monotonicMs();
  for (const pruned of PRUNED) {
    let after: Row | undefined = { row: 0, at: 0 };
    while (after !== undefined) {
      if (clock.monotonicMs() - began > RUN_MS) return false;
      after = prunePage(database, pruned, terms, after);
      await rest();
    }
  }
  return true;
}

interface Row {
  readonly row: number;
  readonly at: number;
}

/** @returns where the next page begins, undefined where there is none. */
function prunePage(database: Database, pruned: Pruned, terms: Terms, after: Row): Row | undefined {
  const { table, added, byAge, among = '1' } = pruned;
  const at = added?.at ?? '0';
  const order = byAge === true ? `(${at}, rowid) > (@at, @row) ORDER BY ${at}, rowid` : 'rowid > @row ORDER BY rowid';
  const page = statement(
    database.read,
    `SELECT rowid AS row, ${at} AS at FROM ${table} WHERE ${among} AND ${order} LIMIT ${PAGE}`,
  ).all(after) as Row[];
  const last = page.at(-1);
  if (last === undefined) return undefined;
  database.writeUnsynced((tx) => takeAway(tx, pruned, terms, page));
  if (page.length < PAGE) return undefined;
  const isFresh = added !== null && page.every((row) => row.at >= latestOf(added.term, terms));
  return isFresh ? undefined : last;
}

/** Texts go by two terms: the later one says when the rest is fresh. */
const latestOf = (term: keyof Terms, terms: Terms): number =>
  term === 'talk' ? Math.max(terms.talk, terms.texts) : terms[term];

function takeAway(tx: Tx, { table, goes, with: along }: Pruned, terms: Terms, page: readonly Row[]): void {
  const values = { ...terms, page: JSON.stringify(page.map(({ row }) => row)) };
  statement(tx, `DELETE FROM ${table} AS r WHERE r.rowid IN (SELECT value FROM json_each(@page)) AND ${goes}`).run(
    values,
  );
  if (along !== undefined) statement(tx, `DELETE FROM ${along.table} WHERE ${along.goes}`).run(values);
}
