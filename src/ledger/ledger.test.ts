import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../test/builders/fresh-database.ts';
import type { Database } from '../db/index.ts';
import { MAX_MSATS, msats, unixSeconds, type Msats } from '../lib/units.ts';
import {
  accountKind,
  heldFor,
  OPERATOR,
  owedFor,
  payingWith,
  revenue,
  ROUTING_FEES,
  SUSPENSE,
  WALLET,
} from './index.ts';
import { balance, balances, hasMoney, post, transfersOf, verifyBooks, type Account, type Posting } from './index.ts';

let database: Database;
beforeEach(() => (database = freshDatabase()));
afterEach(() => database.close());

const AT = unixSeconds(1_800_000_000);
const JOB = heldFor('job', 'J-4KQ7M');

function posting(debit: Account, credit: Account, amount: number | bigint, cause: string, kind = 'test'): Posting {
  return { debit, credit, amountMsats: BigInt(amount) as Msats, kind, cause, at: AT };
}
const book = (...postings: Posting[]): void => database.write((tx) => postings.forEach((one) => post(tx, one)));
const broken = (): string[] => verifyBooks(database.read).map((one) => one.invariant);
const sql = (text: string): void => void database.read.$client.exec(text);

describe('post', () => {
  it('moves an amount from one account to the other, in the sense of each', () => {
    book(posting(WALLET, JOB, 129_000, 'in'), posting(JOB, revenue('work'), 127_000, 'earned'));
    book(posting(JOB, owedFor('J-4KQ7M'), 2000, 'change'), posting(ROUTING_FEES, WALLET, 11, 'fee'));
    expect(balances(database.read)).toEqual([
      { account: 'exp:fees', kind: 'expense', balanceMsats: 11n },
      { account: 'owed:J-4KQ7M', kind: 'liability', balanceMsats: 2000n },
      { account: 'rev:work', kind: 'income', balanceMsats: 127_000n },
      { account: 'wallet', kind: 'asset', balanceMsats: 128_989n },
    ]);
    expect(transfersOf(database.read, 'J-4KQ7M').map((row) => row.cause)).toEqual(['in', 'earned', 'change']);
    expect(broken()).toEqual([]);
  });

  it('posts the same event once, and says so', () => {
    const one = posting(WALLET, JOB, 5, 'x');
    expect(database.write((tx) => [post(tx, one), post(tx, one)])).toEqual([true, false]);
    expect(balance(database.read, WALLET)).toBe(5n);
  });

  it.each([
    ['amount', posting(WALLET, JOB, 6, 'x')],
    ['debit', posting(OPERATOR, JOB, 5, 'x')],
    ['credit', posting(WALLET, SUSPENSE, 5, 'x')],
  ])('throws when the same event comes with another %s', (_what, contradiction) => {
    book(posting(WALLET, JOB, 5, 'x'));
    expect(() => book(contradiction)).toThrow('ledger.contradiction');
    expect(balance(database.read, JOB)).toBe(5n);
  });

  it('posts nothing for nothing, and nothing beyond reason', () => {
    book(posting(WALLET, JOB, 0, 'zero'));
    expect(balances(database.read)).toEqual([]);
    expect(() => book(posting(WALLET, JOB, MAX_MSATS + 1n, 'huge'))).toThrow(/transfers_amount/);
    expect(() => book(posting(WALLET, JOB, -1, 'negative'))).toThrow(/transfers_amount/);
    expect(() => book(posting(WALLET, WALLET, 1, 'itself'))).toThrow(/transfers_two_accounts/);
    expect(() => book(posting('elsewhere:x' as Account, WALLET, 1, 'where'))).toThrow('no such account');
  });

  it('an overdraft is refused by the database, with all of its transaction', () => {
    book(posting(WALLET, JOB, 10, 'in'));
    expect(() => book(posting(JOB, revenue('eval'), 4, 'a'), posting(JOB, revenue('work'), 7, 'b'))).toThrow(
      /accounts_no_overdraft/,
    );
    expect(balance(database.read, JOB)).toBe(10n);
    expect(balance(database.read, revenue('eval'))).toBe(0n);
    expect(broken()).toEqual([]);
  });
});

describe('the database guards its books', () => {
  beforeEach(() => book(posting(WALLET, JOB, 10, 'in')));

  it.each([
    ['UPDATE transfers SET amount_msats = 9', 'never updated'],
    ['DELETE FROM transfers', 'never deleted'],
    ['DELETE FROM accounts', 'never deleted'],
    [`UPDATE accounts SET kind = 'equity' WHERE id = 'wallet'`, 'keeps its name and kind'],
    [`UPDATE accounts SET id = 'other' WHERE id = 'wallet'`, 'keeps its name and kind'],
    [`UPDATE accounts SET credits = 11 WHERE id = 'wallet'`, 'no_overdraft'],
    [`INSERT INTO transfers VALUES (9, 'wallet', 'job:J-4KQ7M', 1.5, 'k', 'c', 1, 'h')`, 'transfers_amount|REAL'],
    [`INSERT INTO transfers VALUES (9, 'wallet', 'job:J-4KQ7M', 1, 'test', 'in', 1, 'h')`, 'UNIQUE'],
    [`INSERT INTO transfers VALUES (9, 'wallet', 'nobody', 1, 'k', 'c', 1, 'h')`, 'FOREIGN KEY'],
  ])('%s', (statement, refusal) => expect(() => sql(statement)).toThrow(new RegExp(refusal)));
});

/** Postings as they happen, and some that must be refused. */
const account = fc.constantFrom<Account>(
  WALLET,
  OPERATOR,
  SUSPENSE,
  ROUTING_FEES,
  revenue('eval'),
  revenue('work'),
  JOB,
  heldFor('job', 'J-00000'),
  owedFor('J-4KQ7M'),
  payingWith('ab'.repeat(32)),
);
const anyPosting = fc.record({
  debit: account,
  credit: account,
  amountMsats: fc
    .oneof(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 0, max: 10 ** 15 }))
    .map((n) => msats(BigInt(n))),
  kind: fc.constantFrom('a', 'b'),
  cause: fc.integer({ min: 0, max: 30 }).map(String),
  at: fc.integer({ min: 0, max: 2 ** 32 }).map(unixSeconds),
});

describe('any sequence of postings', () => {
  it('keeps every invariant, and the totals of a plain model', () => {
    fc.assert(
      fc.property(fc.array(anyPosting, { maxLength: 60 }), (postings) => {
        const books = freshDatabase();
        const model = new Map<string, bigint>();
        const known = new Set<string>();
        for (const one of postings) {
          const sign = (name: Account): bigint => (['asset', 'expense'].includes(accountKind(name)) ? 1n : -1n);
          const at = (name: Account): bigint => model.get(name) ?? 0n;
          const after = {
            debit: at(one.debit) + sign(one.debit) * one.amountMsats,
            credit: at(one.credit) - sign(one.credit) * one.amountMsats,
          };
          const mayFall = (name: Account): boolean => ['equity', 'expense'].includes(accountKind(name));
          const allowed =
            one.debit !== one.credit &&
            (after.debit >= 0n || mayFall(one.debit)) &&
            (after.credit >= 0n || mayFall(one.credit));
          let posted: boolean;
          try {
            posted = books.write((tx) => post(tx, one));
          } catch {
            expect(allowed && !known.has(one.kind + one.cause)).toBe(false);
            continue;
          }
          if (!posted) continue;
          expect(allowed).toBe(true);
          known.add(one.kind + one.cause);
          model.set(one.debit, after.debit);
          model.set(one.credit, after.credit);
        }
        expect(verifyBooks(books.read)).toEqual([]);
        for (const [name, amount] of model) expect(balance(books.read, name as Account)).toBe(amount);
        books.close();
      }),
      { numRuns: 60 },
    );
  });
});

describe('verifyBooks finds', () => {
  /** What an intruder with the file could do: the triggers and checks are gone. */
  function openGuards(): void {
    sql('PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON');
    for (const name of [
      'transfers_move_totals',
      'transfers_are_never_updated',
      'transfers_are_never_deleted',
      'accounts_are_never_deleted',
      'accounts_keep_their_kind',
    ]) {
      sql(`DROP TRIGGER ${name}`);
    }
  }
  const CHAIN = 'transfers are chained by their hashes';

  const GUARDS = 'the database guards its books';
  const broken = (): string[] =>
    verifyBooks(database.read).flatMap(({ invariant }) => (invariant === GUARDS ? [] : [invariant]));

  beforeEach(() => {
    for (let n = 1; n <= 5; n++) book(posting(WALLET, JOB, n * 100, `in ${n}`));
    expect(verifyBooks(database.read)).toEqual([]);
    openGuards();
    expect(broken()).toEqual([]);
  });

  it('guards that are gone', () => {
    const guard = (name: string) => ({ kind: 'books', invariant: GUARDS, row: `trigger ${name}` });
    expect(verifyBooks(database.read)).toEqual(expect.arrayContaining([guard('transfers_are_never_deleted')]));
    sql('DROP TRIGGER invoices_stay_paid');
    expect(verifyBooks(database.read)).toContainEqual(guard('invoices_stay_paid'));
  });

  it.each(['0', '-5', '1000000000000001'])('an amount of %s msats', (amount) => {
    sql(`UPDATE transfers SET amount_msats = ${amount} WHERE seq = 3`);
    expect(broken()).toContain('amounts are positive and within reason');
  });

  it.each([
    ['seq', 'seq = 99'],
    ['debit', `debit = 'exp:loss'`],
    ['credit', `credit = 'suspense'`],
    ['amount', 'amount_msats = amount_msats + 1'],
    ['kind', `kind = 'other'`],
    ['cause', `cause = 'other'`],
    ['date', 'at = at - 1'],
    ['hash', `hash = '${'0'.repeat(64)}'`],
  ])('an edited %s', (_what, change) => {
    sql(`UPDATE transfers SET ${change} WHERE seq = 3`);
    expect(broken()).toContain(CHAIN);
  });

  it('a row taken out of the middle, and one swapped with another', () => {
    sql('DELETE FROM transfers WHERE seq = 2');
    expect(broken()).toEqual(expect.arrayContaining([CHAIN, 'transfers are numbered without a gap']));
  });

  it('a lost tail, by the totals', () => {
    sql('DELETE FROM transfers WHERE seq = 5');
    expect(broken()).toEqual(['cached totals equal the sum of the rows', 'cached totals equal the sum of the rows']);
  });

  it('edited totals', () => {
    sql(`UPDATE accounts SET credits = credits + 5 WHERE id = 'job:J-4KQ7M'`);
    expect(broken()).toEqual(['cached totals equal the sum of the rows', 'debits equal credits']);
  });

  it('an overdraft that slipped in', () => {
    sql(`UPDATE accounts SET debits = 0, credits = 1 WHERE id = 'wallet'`);
    expect(broken()).toContain('nothing is overdrawn');
  });

  it('an account of the wrong kind, and one that is gone', () => {
    sql(`UPDATE accounts SET kind = 'income' WHERE id = 'job:J-4KQ7M'`);
    expect(broken()).toContain('an account is of the kind its name says');
    sql(`DELETE FROM accounts WHERE id = 'job:J-4KQ7M'`);
    expect(broken()).toContain('every transfer names known accounts');
  });
});

describe('hasMoney', () => {
  it('is asked of every kind of account, and of no other order', () => {
    expect(hasMoney(database.read, 'J-4KQ7M')).toBe(false);
    const held = [JOB, heldFor('session', 'S-4KQ7M'), heldFor('echo', 'E-00001'), owedFor('J-00000')];
    book(...held.map((account) => posting(OPERATOR, account, 1, account)));
    for (const account of held) expect(hasMoney(database.read, account.split(':')[1] ?? '')).toBe(true);
    for (const id of ['J-00001', 'S-00001', '4KQ7M', '']) expect(hasMoney(database.read, id), id).toBe(false);
  });
});
