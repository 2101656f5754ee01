import { statement, type Reader } from '../db/index.ts';
import { GENESIS, transferHash } from './ledger.ts';
import { accountKind, type Account } from './accounts.ts';
import type { Msats, UnixSeconds } from '../lib/units.ts';

/** One broken invariant: which, and the row that breaks it. */
export interface Broken {
  readonly invariant: string;
  readonly row: string;
}

/**
 * What must hold of the books by themselves (threats.md §2: 1, 2, 4, 10): rows in order and chained, amounts
 * positive, account kinds as named, cached totals equal to the rows, debits equal to credits, nothing overdrawn.
 */
export function verifyBooks(reader: Reader): Broken[] {
  const broken: Broken[] = [];
  const totals = new Map<string, { debits: bigint; credits: bigint }>();
  const of = (account: string): { debits: bigint; credits: bigint } => {
    let total = totals.get(account);
    if (total === undefined) totals.set(account, (total = { debits: 0n, credits: 0n }));
    return total;
  };
  let before = GENESIS;
  let expected = 1n;
  const rows = statement(
    reader,
    'SELECT seq, debit, credit, amount_msats, kind, cause, at, hash FROM transfers ORDER BY seq',
  )
    .safeIntegers()
    .iterate() as IterableIterator<{
    seq: bigint;
    debit: string;
    credit: string;
    amount_msats: bigint;
    kind: string;
    cause: string;
    at: bigint;
    hash: string;
  }>;
  for (const row of rows) {
    if (row.seq !== expected)
      broken.push({ invariant: 'transfers are numbered without a gap', row: `transfer ${row.seq}` });
    expected = row.seq + 1n;
    const hash = transferHash(before, Number(row.seq), {
      debit: row.debit as Account,
      credit: row.credit as Account,
      amountMsats: row.amount_msats as Msats,
      kind: row.kind,
      cause: row.cause,
      at: Number(row.at) as UnixSeconds,
    });
    if (hash !== row.hash)
      broken.push({ invariant: 'transfers are chained by their hashes', row: `transfer ${row.seq}` });
    before = row.hash;
    if (row.amount_msats < 1n) broken.push({ invariant: 'amounts are positive', row: `transfer ${row.seq}` });
    of(row.debit).debits += row.amount_msats;
    of(row.credit).credits += row.amount_msats;
  }
  let sum = 0n;
  const accounts = statement(reader, 'SELECT id, kind, debits, credits FROM accounts').safeIntegers().all() as {
    id: string;
    kind: string;
    debits: bigint;
    credits: bigint;
  }[];
  for (const account of accounts) {
    const total = of(account.id);
    totals.delete(account.id);
    sum += account.debits - account.credits;
    if (total.debits !== account.debits || total.credits !== account.credits) {
      broken.push({ invariant: 'cached totals equal the sum of the rows', row: `account ${account.id}` });
    }
    if (account.kind !== accountKind(account.id as Account)) {
      broken.push({ invariant: 'an account is of the kind its name says', row: `account ${account.id}` });
    }
    const mustNotBeNegative =
      account.kind === 'asset' ? account.debits - account.credits : account.credits - account.debits;
    if (['asset', 'liability', 'income'].includes(account.kind) && mustNotBeNegative < 0n) {
      broken.push({ invariant: 'nothing is overdrawn', row: `account ${account.id}` });
    }
  }
  for (const account of totals.keys())
    broken.push({ invariant: 'every transfer names known accounts', row: `account ${account}` });
  if (sum !== 0n) broken.push({ invariant: 'debits equal credits', row: `difference ${sum} msats` });
  return broken;
}
