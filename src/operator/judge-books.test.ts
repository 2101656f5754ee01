import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../test/builders/fresh-database.ts';
import type { Database } from '../db/index.ts';
import type { Broken } from '../ledger/index.ts';
import { unixSeconds } from '../lib/units.ts';
import { closures, mayLeave } from '../payments/index.ts';
import { judgeBooks } from './judge-books.ts';
import { verifyEverything } from './verify.ts';

let database: Database;
let alerts: string[];
let mended: number;
beforeEach(() => {
  database = freshDatabase();
  [alerts, mended] = [[], 0];
});
afterEach(() => database.close());

const broken = (kind: Broken['kind']): Broken => ({ kind, invariant: 'something holds', row: 'job J-AAAAA' });

function look(...found: Broken[]): string[] {
  alerts = [];
  database.write((tx) =>
    judgeBooks(
      { alert: (_tx, what) => void alerts.push(what), onLate: () => void (mended += 1) },
      tx,
      found,
      unixSeconds(1_800_000_000),
    ),
  );
  return alerts;
}

describe('what follows from a look at the books', () => {
  it('lateness stops nothing, is told once until it ends, and is mended at each look', () => {
    expect(look(broken('late'))).toEqual([expect.stringContaining('J-AAAAA: something holds')]);
    expect([closures(database.read), mayLeave(database.read)]).toEqual([[], 'all']);
    expect([look(broken('late')), look(), mended]).toEqual([[], [], 2]);
    expect(look(broken('late'))).toHaveLength(1);
  });

  it('sums that do not add up stop everything, and end by themselves when they are right', () => {
    expect(look(broken('books'))).toEqual([expect.stringContaining('stopped')]);
    expect([closures(database.read).map(({ why }) => why), mayLeave(database.read)]).toEqual([['books'], 'nothing']);
    expect(look(broken('books'))).toEqual([]);
    expect(look(broken('late'))).toContainEqual(expect.stringContaining('go on'));
    expect([closures(database.read), mayLeave(database.read)]).toEqual([[], 'all']);
  });

  it('a wallet short of what is owed stops sales, and pays what is covered', () => {
    expect(look(broken('short'))).toHaveLength(1);
    expect([closures(database.read).map(({ stops }) => stops), mayLeave(database.read)]).toEqual([
      ['sales'],
      'covered',
    ]);
    expect(look()).toHaveLength(1);
    expect(mayLeave(database.read)).toBe('all');
  });
});

it('missing tasks, paid work that stands still and news set aside are late, not wrong sums', () => {
  database.read.$client.exec(`
    INSERT INTO invoices (order_kind, order_id, owner, purpose, amount_sats, description, expiry_seconds, state, may_fail, created_at)
      VALUES ('job', 'J-AAAAA', 'aa', 'eval', 10, 'x', 60, 'wanted', 1, 1);
    INSERT INTO payouts (payment_hash, bolt11, owner, amount_msats, state, invoice_expires_at, created_at)
      VALUES ('aa', 'lnbc', 'aa', 1000, 'sent', 1, 1);
    INSERT INTO tasks (kind, lane, payload, state, due_at, attempt, tries, created_at)
      VALUES ('order.event', 'order:job:J-AAAAA', '{"order":{"kind":"job","id":"J-AAAAA"},"event":{"type":"invoice_paid"}}', 'dead', 1, 1, 1, 1)`);
  const late = verifyEverything(database.read).filter(({ kind }) => kind === 'late');
  expect(late.map(({ row }) => row)).toEqual(['payout aa', 'invoice 1', 'job J-AAAAA: invoice_paid']);
});
