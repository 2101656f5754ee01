import { statement, type Reader } from '../db/index.ts';
import { GENESIS, transferHash } from './ledger.ts';
import { accountKind, type Account } from './accounts.ts';
import { MAX_MSATS, type Msats, type UnixSeconds } from '../lib/units.ts';

/**
 * What a broken invariant means. `books`: sums that do not add up; nothing is sold or paid until they do. `short`: the
 * books agree, and customers are owed more than the wallet holds; nothing is sold, and paid out is what is covered.
 * `late`: work that waits, or that nothing moves; the operator hears of it once, and no money stops for it.
 */
export type BrokenKind = 'books' | 'short' | 'late';

/** One broken invariant: which, and the row that breaks it. */
export interface Broken {
  readonly kind: BrokenKind;
  readonly invariant: string;
  readonly row: string;
}

/**
 * A check in slices: between two of them others may write. Whatever a check compares with each other it reads in one
 * slice, or in an order that later writes cannot falsify.
 */
export type Slices = Generator<undefined, Broken[]>;

/** The whole check, at one go. */
export function atOnce(slices: Slices): Broken[] {
  for (;;) {
    const { done, value } = slices.next();
    if (done === true) return value;
  }
}

const ROWS_IN_A_RANGE = 4000;
const ORDERS_IN_A_RANGE = 1000;

/**
 * An invariant in SQL: the rows that break it (column `row`). With `over` it is asked in ranges: of transfers (`seq`)
 * or invoices (`id`) BETWEEN @from AND @to, or of the ids of orders, > @from AND <= @to, where every text has its range.
 */
export type SqlInvariant = readonly [invariant: string, sql: string, over?: 'transfers' | 'invoices' | 'orders'];

/** Each invariant a slice, or as many as it has ranges. */
export function* brokenRows(reader: Reader, invariants: readonly SqlInvariant[], kind: BrokenKind = 'books'): Slices {
  const broken: Broken[] = [];
  for (const [invariant, sql, over] of invariants) {
    for (const range of rangesOf(reader, over)) {
      for (const { row } of statement(reader, sql).all(range) as { row: string }[])
        broken.push({ kind, invariant, row });
      yield;
    }
  }
  return broken;
}

function* rangesOf(reader: Reader, over: SqlInvariant[2]): Iterable<object> {
  if (over === undefined) {
    yield {};
    return;
  }
  if (over === 'orders') {
    const next = statement(
      reader,
      `SELECT order_id FROM invoices WHERE order_id > ? ORDER BY order_id LIMIT 1 OFFSET ${ORDERS_IN_A_RANGE}`,
    ).pluck();
    for (let from: string | undefined = ''; from !== undefined;) {
      const to = next.get(from) as string | undefined;
      yield { from, to: to ?? '\u{10ffff}' };
      from = to;
    }
    return;
  }
  const key = over === 'transfers' ? 'seq' : 'id';
  const last = statement(reader, `SELECT coalesce(max(${key}), 0) FROM ${over}`).pluck().get() as number;
  for (let from = 0; from <= last; from += ROWS_IN_A_RANGE) yield { from, to: from + ROWS_IN_A_RANGE - 1 };
}

/** `checkBooks` at one go. */
export function verifyBooks(reader: Reader): Broken[] {
  return atOnce(checkBooks(reader));
}

const ROWS_IN_A_SLICE = 500;

interface TransferRow {
  readonly seq: bigint;
  readonly debit: string;
  readonly credit: string;
  readonly amount_msats: bigint;
  readonly kind: string;
  readonly cause: string;
  readonly at: bigint;
  readonly hash: string;
}

interface AccountRow {
  readonly id: string;
  readonly kind: string;
  readonly debits: bigint;
  readonly credits: bigint;
}

/**
 * What must hold of the books by themselves: rows in order and chained, amounts positive, account kinds as named,
 * cached totals equal to the rows, debits equal to credits, nothing overdrawn, the guards of the database in place.
 */
export function* checkBooks(reader: Reader): Slices {
  const broken: Broken[] = [];
  const totals = new Map<string, { debits: bigint; credits: bigint }>();
  const of = (account: string): { debits: bigint; credits: bigint } => {
    let total = totals.get(account);
    if (total === undefined) totals.set(account, (total = { debits: 0n, credits: 0n }));
    return total;
  };
  let before = GENESIS;
  let last = 0n;
  const page = statement(
    reader,
    `SELECT seq, debit, credit, amount_msats, kind, cause, at, hash FROM transfers WHERE seq > ? ORDER BY seq
     LIMIT ${ROWS_IN_A_SLICE}`,
  ).safeIntegers();
  const takeTransfers = (): boolean => {
    const rows = page.all(last) as TransferRow[];
    for (const row of rows) {
      if (row.seq !== last + 1n)
        broken.push({ kind: 'books', invariant: 'transfers are numbered without a gap', row: `transfer ${row.seq}` });
      last = row.seq;
      const hash = transferHash(before, Number(row.seq), {
        debit: row.debit as Account,
        credit: row.credit as Account,
        amountMsats: row.amount_msats as Msats,
        kind: row.kind,
        cause: row.cause,
        at: Number(row.at) as UnixSeconds,
      });
      if (hash !== row.hash)
        broken.push({ kind: 'books', invariant: 'transfers are chained by their hashes', row: `transfer ${row.seq}` });
      before = row.hash;
      if (row.amount_msats < 1n || row.amount_msats > MAX_MSATS)
        broken.push({ kind: 'books', invariant: 'amounts are positive and within reason', row: `transfer ${row.seq}` });
      of(row.debit).debits += row.amount_msats;
      of(row.credit).credits += row.amount_msats;
    }
    return rows.length > 0;
  };
  while (takeTransfers()) yield;
  // What others book meanwhile is read before each page of accounts, which then belong to exactly these rows.
  const accounts = statement(
    reader,
    `SELECT id, kind, debits, credits FROM accounts WHERE id > ? ORDER BY id LIMIT ${ROWS_IN_A_SLICE}`,
  ).safeIntegers();
  let id = '';
  for (;;) {
    while (takeTransfers());
    const rows = accounts.all(id) as AccountRow[];
    if (rows.length === 0) break;
    for (const account of rows) {
      id = account.id;
      const total = of(account.id);
      if (total.debits !== account.debits || total.credits !== account.credits) {
        broken.push({
          kind: 'books',
          invariant: 'cached totals equal the sum of the rows',
          row: `account ${account.id}`,
        });
      }
      if (account.kind !== accountKind(account.id as Account)) {
        broken.push({
          kind: 'books',
          invariant: 'an account is of the kind its name says',
          row: `account ${account.id}`,
        });
      }
      const mustNotBeNegative =
        account.kind === 'asset' ? account.debits - account.credits : account.credits - account.debits;
      if (['asset', 'liability', 'income'].includes(account.kind) && mustNotBeNegative < 0n) {
        broken.push({ kind: 'books', invariant: 'nothing is overdrawn', row: `account ${account.id}` });
      }
    }
    yield;
  }
  const unknown = statement(
    reader,
    `SELECT value AS id FROM json_each(?) WHERE value NOT IN (SELECT id FROM accounts)`,
  ).all(JSON.stringify([...totals.keys()])) as { id: string }[];
  for (const account of unknown)
    broken.push({ kind: 'books', invariant: 'every transfer names known accounts', row: `account ${account.id}` });
  const { sum } = statement(reader, 'SELECT coalesce(sum(debits), 0) - coalesce(sum(credits), 0) AS sum FROM accounts')
    .safeIntegers()
    .get() as { sum: bigint };
  for (const guard of GUARDS) {
    if (statement(reader, `SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = ?`).get(guard) === undefined)
      broken.push({ kind: 'books', invariant: 'the database guards its books', row: `trigger ${guard}` });
  }
  if (sum !== 0n) broken.push({ kind: 'books', invariant: 'debits equal credits', row: `difference ${sum} msats` });
  return broken;
}

/** The triggers by which the database itself refuses to forget or to change (migration 0001). */
const GUARDS = [
  'transfers_move_totals',
  'transfers_are_never_updated',
  'transfers_are_never_deleted',
  'accounts_are_never_deleted',
  'accounts_keep_their_kind',
  'invoices_stay_paid',
  'payouts_end_once',
];
