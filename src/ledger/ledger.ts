import { statement, type Reader, type Tx } from '../db/index.ts';
import { sha256Hex } from '../lib/hash.ts';
import type { Msats, UnixSeconds } from '../lib/units.ts';
import { accountKind, type Account } from './accounts.ts';

export interface Posting {
  /** `debit → credit`: what the one account gives, or comes to hold, the other is credited with. */
  readonly debit: Account;
  readonly credit: Account;
  readonly amountMsats: Msats;
  /** What kind of event (`receipt`, `eval_earned`, `change_owed`, …). */
  readonly kind: string;
  /** Which event: with `kind` it is unique for ever. */
  readonly cause: string;
  readonly at: UnixSeconds;
}

/** Hash of the row before the first. */
export const GENESIS = '0'.repeat(64);

/** What a row's hash covers; one line, so that a stranger can recompute the chain. */
export function transferHash(before: string, seq: number, posting: Posting): string {
  const row = [seq, posting.debit, posting.credit, posting.amountMsats, posting.kind, posting.cause, posting.at];
  return sha256Hex(`${before}|${row.join('|')}`);
}

/**
 * Posts one transfer. The same event posted again does nothing; the same event with other figures is a bug.
 * A zero amount posts nothing.
 *
 * @returns whether a row was posted. @throws on an overdraft (the database refuses it) and on a contradiction.
 */
export function post(tx: Tx, posting: Posting): boolean {
  if (posting.amountMsats === 0n) return false;
  const known = statement(tx, 'SELECT debit, credit, amount_msats FROM transfers WHERE kind = ? AND cause = ?').get(
    posting.kind,
    posting.cause,
  ) as { debit: string; credit: string; amount_msats: number } | undefined;
  if (known !== undefined) {
    const same =
      known.debit === posting.debit &&
      known.credit === posting.credit &&
      BigInt(known.amount_msats) === posting.amountMsats;
    if (same) return false;
    throw new Error('ledger.contradiction');
  }
  for (const account of [posting.debit, posting.credit]) {
    statement(tx, 'INSERT INTO accounts (id, kind) VALUES (?, ?) ON CONFLICT DO NOTHING').run(
      account,
      accountKind(account),
    );
  }
  const last = statement(tx, 'SELECT seq, hash FROM transfers ORDER BY seq DESC LIMIT 1').get() as
    { seq: number; hash: string } | undefined;
  const seq = (last?.seq ?? 0) + 1;
  statement(
    tx,
    `INSERT INTO transfers (seq, debit, credit, amount_msats, kind, cause, at, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    seq,
    posting.debit,
    posting.credit,
    posting.amountMsats,
    posting.kind,
    posting.cause,
    posting.at,
    transferHash(last?.hash ?? GENESIS, seq, posting),
  );
  return true;
}

/**
 * What an account stands at, in its own sense: what an asset or expense holds, what a liability owes, what income
 * has earned. Zero for an account that nothing touched yet. Equity may be below zero, hence a plain bigint.
 */
export function balance(reader: Reader, account: Account): bigint {
  const row = statement(reader, 'SELECT kind, debits, credits FROM accounts WHERE id = ?')
    .safeIntegers()
    .get(account) as { kind: string; debits: bigint; credits: bigint } | undefined;
  if (row === undefined) return 0n;
  return row.kind === 'asset' || row.kind === 'expense' ? row.debits - row.credits : row.credits - row.debits;
}

/** Was money ever booked for this order, of whatever product? */
export function hasMoney(reader: Reader, orderId: string): boolean {
  return statement(reader, 'SELECT 1 FROM accounts WHERE object = ? LIMIT 1').get(orderId) !== undefined;
}

export interface AccountBalance {
  readonly account: string;
  readonly kind: string;
  readonly balanceMsats: bigint;
}

/** Every account with something on it, by name. */
export function balances(reader: Reader): AccountBalance[] {
  const rows = statement(reader, 'SELECT id, kind, debits, credits FROM accounts ORDER BY id').safeIntegers().all() as {
    id: string;
    kind: string;
    debits: bigint;
    credits: bigint;
  }[];
  return rows
    .map((row) => ({
      account: row.id,
      kind: row.kind,
      balanceMsats:
        row.kind === 'asset' || row.kind === 'expense' ? row.debits - row.credits : row.credits - row.debits,
    }))
    .filter((row) => row.balanceMsats !== 0n);
}

export interface TransferRow {
  readonly seq: number;
  readonly debit: string;
  readonly credit: string;
  readonly amountMsats: bigint;
  readonly kind: string;
  readonly cause: string;
  readonly at: number;
}

/** The story of one object: every transfer that touched an account whose name ends with `:<id>`. */
export function transfersOf(reader: Reader, objectId: string): TransferRow[] {
  const rows = statement(
    reader,
    `SELECT seq, debit, credit, amount_msats AS amountMsats, kind, cause, at FROM transfers
     WHERE debit LIKE '%:' || @id OR credit LIKE '%:' || @id ORDER BY seq`,
  ).all({ id: objectId }) as (Omit<TransferRow, 'amountMsats'> & { amountMsats: number })[];
  return rows.map((row) => ({ ...row, amountMsats: BigInt(row.amountMsats) }));
}
