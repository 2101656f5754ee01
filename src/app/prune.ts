import { statement, type Database, type Reader, type Tx } from '../db/index.ts';
import { reachingBack } from '../downtime/index.ts';
import { noOrderNames, sqlList, type ProductFace, type PruneRule, type PruneTerm } from '../engine/index.ts';
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
type Terms = Readonly<Record<PruneTerm, UnixSeconds>>;

/** No money was ever booked for this order, of whatever product. */
const noMoney = (order: string): string => `NOT EXISTS (SELECT 1 FROM accounts a WHERE a.object = ${order})`;
const NO_TASK = `NOT EXISTS (SELECT 1 FROM tasks t WHERE t.key IN ('invoice.watch:' || r.id, 'invoice.late:' || r.id))`;

const unpaidInvoices = (faces: readonly ProductFace[], state: string): PruneRule => ({
  table: 'invoices',
  added: { at: 'created_at', term: 'unpaidOrders' },
  among: `state = '${state}'`,
  goes: `coalesce(r.expires_at, r.created_at) < @unpaidOrders AND ${noMoney('r.order_id')} AND ${NO_TASK}
     ${faces
       .map(
         ({ table, states }) =>
           `AND coalesce((SELECT o.state IN ${sqlList(states.unpaidEnds)} FROM ${table} o WHERE o.id = r.order_id), 1)`,
       )
       .join('\n     ')}`,
});

const unpaidOrders = (table: string, state: string): PruneRule => ({
  table,
  added: { at: 'created_at', term: 'unpaidOrders' },
  among: `state = '${state}'`,
  goes: `r.updated_at < @unpaidOrders AND ${noMoney('r.id')}
     AND NOT EXISTS (SELECT 1 FROM invoices i WHERE i.order_id = r.id)`,
});

/**
 * Every table that a stranger can make grow, and what is taken away of it. Books, receipts, debts and payouts stay. What
 * another row still names stays with it.
 */
const rulesOf = (faces: readonly ProductFace[]): readonly PruneRule[] => [
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
  unpaidInvoices(faces, 'lapsed'),
  unpaidInvoices(faces, 'replaced'),
  unpaidInvoices(faces, 'failed'),
  {
    table: 'claims',
    added: null,
    goes: `NOT EXISTS (SELECT 1 FROM invoices i WHERE i.payment_hash = r.payment_hash)`,
  },
  ...faces.flatMap(({ table, states, prunes = [] }) => [
    ...states.unpaidEnds.map((state) => unpaidOrders(table, state)),
    ...prunes,
  ]),
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
       AND ${noOrderNames(faces, 'r.owner', 'r.id', 'needed')}
       AND (r.created_at < @texts OR (r.created_at < @talk
         AND NOT EXISTS (SELECT 1 FROM invoices i WHERE i.owner = r.owner AND i.state IN ('paid', 'kept'))
         AND ${noOrderNames(faces, 'r.owner', 'r.id', 'at all')}
         AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.lane = 'peer:' || r.owner)))`,
  },
  {
    table: 'customers',
    added: { at: 'created_at', term: 'strangers' },
    goes: `r.created_at < @strangers
       AND NOT EXISTS (SELECT 1 FROM inbox m WHERE m.sender = r.pubkey)
       AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.recipient = r.pubkey)
       ${faces.map(({ table }) => `AND NOT EXISTS (SELECT 1 FROM ${table} o WHERE o.owner = r.pubkey)`).join('\n       ')}
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
const NOT_PRUNED: Readonly<Record<string, string>> = {
  accounts: 'books',
  transfers: 'books',
  debts: 'books',
  payouts: 'books',
  payout_debts: 'books',
  receipts: 'books',
  former_receipts: 'books',
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

/** Every table that is pruned, or of which it is said why not. */
export const knownTables = (faces: readonly ProductFace[]): string[] => [
  ...rulesOf(faces).flatMap((rule) => [rule.table, ...(rule.with === undefined ? [] : [rule.with.table])]),
  ...faces.flatMap(({ keeps = {} }) => Object.keys(keeps)),
  ...Object.keys(NOT_PRUNED),
];

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
  readonly faces: readonly ProductFace[];
}

/**
 * Takes away what is past its term, page by page, `rest` in between. What is lost of it by a power cut is done again.
 * @returns false where it ended before all was looked at.
 */
export async function prune(
  { database, clock, retentionDays, faces }: PruneOptions,
  rest: () => Promise<void>,
): Promise<boolean> {
  const terms = termsAt(database.read, retentionDays, clock.now());
  const began = clock.monotonicMs();
  for (const rule of rulesOf(faces)) {
    let after: Row | undefined = { row: 0, at: 0 };
    while (after !== undefined) {
      if (clock.monotonicMs() - began > RUN_MS) return false;
      after = prunePage(database, rule, terms, after);
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
function prunePage(database: Database, rule: PruneRule, terms: Terms, after: Row): Row | undefined {
  const { table, added, byAge, among = '1' } = rule;
  const at = added?.at ?? '0';
  const order = byAge === true ? `(${at}, rowid) > (@at, @row) ORDER BY ${at}, rowid` : 'rowid > @row ORDER BY rowid';
  const page = statement(
    database.read,
    `SELECT rowid AS row, ${at} AS at FROM ${table} WHERE ${among} AND ${order} LIMIT ${PAGE}`,
  ).all(after) as Row[];
  const last = page.at(-1);
  if (last === undefined) return undefined;
  database.writeUnsynced((tx) => takeAway(tx, rule, terms, page));
  if (page.length < PAGE) return undefined;
  const isFresh = added !== null && page.every((row) => row.at >= latestOf(added.term, terms));
  return isFresh ? undefined : last;
}

/** Texts go by two terms: the later one says when the rest is fresh. */
const latestOf = (term: PruneTerm, terms: Terms): number =>
  term === 'talk' ? Math.max(terms.talk, terms.texts) : terms[term];

function takeAway(tx: Tx, { table, goes, with: along }: PruneRule, terms: Terms, page: readonly Row[]): void {
  const values = { ...terms, page: JSON.stringify(page.map(({ row }) => row)) };
  statement(tx, `DELETE FROM ${table} AS r WHERE r.rowid IN (SELECT value FROM json_each(@page)) AND ${goes}`).run(
    values,
  );
  if (along !== undefined) statement(tx, `DELETE FROM ${along.table} WHERE ${along.goes}`).run(values);
}
