import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FACES } from '../products/catalogue.ts';
import { CUSTOMER, EVAL, hash, TARIFF, WORK } from '../../test/builders/charges.ts';
import { freshDatabase } from '../../test/builders/fresh-database.ts';
import { knownMigrations, migrate, openDatabase, type Database } from '../db/index.ts';
import { atOnce, heldFor, OPERATOR, post, revenue, WALLET } from '../ledger/index.ts';
import { sats, toMsats, unixSeconds, type Sats } from '../lib/units.ts';
import { checkReceipts } from '../operator/verify-receipts.ts';
import { createHistory, readContent, type OrderAccount } from '../receipts/index.ts';
import { debtsOf, oweUnclaimed, owe } from './debts.ts';
import { paymentInReceipt, sessionSoFar } from './receipt-money.ts';
import { createReceiptBook, receiptChain } from './receipts.ts';
import type { PayoutRow } from './payouts.ts';

const NOW = unixSeconds(1_800_000_000);
const OWNER = CUSTOMER;
const HOLDER = 'e'.repeat(64);
const SESSION = { kind: 'session', id: 'S-AAAAA' };
const JOB = { kind: 'job', id: 'J-AAAAA' };
const book = createReceiptBook('d'.repeat(64));

let database: Database;
beforeEach(() => (database = freshDatabase()));
afterEach(() => database.close());

/** Money comes for an order, by an invoice or out of debts. @returns its row. */
function pays(order: typeof SESSION, amount: number, debts: readonly number[] = []): number {
  return database.write((tx) => {
    const { lastInsertRowid } = tx.$client
      .prepare(
        `INSERT INTO invoices (order_kind, order_id, owner, purpose, amount_sats, description, expiry_seconds, state, bolt11, payment_hash, expires_at, paid_at, may_fail, created_at)
         VALUES (?, ?, ?, ?, ?, '', 60, ?, 'lnbc', ?, 1, ?, 0, 1)`,
      )
      .run(
        order.kind,
        order.id,
        OWNER,
        order === SESSION ? 'deposit' : 'order',
        amount,
        debts.length > 0 ? 'kept' : 'paid',
        debts.length > 0 ? null : hash(tx.$client.prepare('SELECT count(*) FROM invoices').pluck().get() as number),
        debts.length > 0 ? null : 1,
      );
    const id = Number(lastInsertRowid);
    const credit = heldFor(order.kind, order.id);
    if (debts.length === 0)
      post(tx, {
        debit: WALLET,
        credit,
        amountMsats: toMsats(sats(amount)),
        kind: 'receipt',
        cause: `invoice:${id}`,
        at: NOW,
      });
    for (const debt of debts) {
      const row = tx.$client.prepare(`UPDATE debts SET state = 'kept' WHERE id = ? RETURNING *`).get(debt) as {
        order_id: string;
        amount_msats: number;
      };
      const debit = `owed:${row.order_id}` as typeof credit;
      const amountMsats = toMsats(sats(row.amount_msats / 1000));
      post(tx, { debit, credit, amountMsats, kind: 'kept', cause: `${id}:${debt}`, at: NOW });
    }
    return id;
  });
}

function owes(order: typeof SESSION, amount: number, because: string, invoiceId?: number): number[] {
  return database.write((tx) => {
    const before = debtsOf(tx, order.id).length;
    owe(
      tx,
      { order, owner: OWNER, amountMsats: toMsats(sats(amount)), because, cause: `${order.id}:${before}`, invoiceId },
      NOW,
    );
    return debtsOf(tx, order.id)
      .slice(before)
      .map(({ id }) => id);
  });
}

/** Everything of an order is paid out. */
function refunds(orderId: string, n: number): void {
  database.write((tx) => {
    const debts = debtsOf(tx, orderId).filter(({ state }) => state === 'owed');
    const amountMsats = debts.reduce((sum, debt) => sum + debt.amountMsats, 0);
    tx.$client
      .prepare(`UPDATE debts SET state = 'paying', payout_hash = ? WHERE order_id = ? AND state = 'owed'`)
      .run(hash(n), orderId);
    const payout = { owner: OWNER, amountMsats, paymentHash: hash(n), preimage: null } as PayoutRow;
    book.fileRefund(tx, payout, debts, NOW);
  });
}

function asks(id: string, owner: string, taken: readonly number[], limit: Sats): void {
  database.write((tx) => {
    const charge = { product: 'session', id, session: SESSION.id, outcome: 'complete', tariff: TARIFF } as const;
    const rest = { items: [EVAL, WORK], cut: false, limitSats: limit } as const;
    const own = owner === OWNER ? sessionSoFar(tx, { session: SESSION.id, owner, taken }) : null;
    const place = own ?? { payments: [], balanceBeforeSats: null };
    book.fileCharge(tx, owner, { ...charge, ...rest, ...place }, NOW);
  });
}

function ends(taken: readonly number[]): void {
  database.write((tx) => {
    const soFar = sessionSoFar(tx, { session: SESSION.id, owner: OWNER, taken });
    book.fileCharge(tx, OWNER, { product: 'session', session: SESSION.id, outcome: 'ended', ...soFar }, NOW);
  });
}

/** What the chain says of each order, and that it holds. */
function accounts(owner = OWNER): readonly Partial<OrderAccount>[] {
  const history = createHistory();
  for (const { event } of receiptChain(database.read, owner)) {
    const content = readContent(event.content);
    expect(content).not.toBeNull();
    if (content !== null) expect(history.add(content)).toEqual([]);
  }
  return history.accounts();
}

describe('a session', () => {
  it('tells each payment once, and what its token spent: the chain of its owner has no gap', () => {
    const taken = [pays(SESSION, 500)];
    asks('R-00001', OWNER, taken, sats(500));
    asks('R-00002', HOLDER, taken, sats(372));
    taken.push(pays(SESSION, 200));
    asks('R-00003', HOLDER, taken, sats(444));
    asks('R-00004', OWNER, taken, sats(300));
    asks('R-00005', OWNER, taken, sats(100));
    expect(accounts()).toMatchObject([{ id: 'S-AAAAA', paid: 700, charged: 612, held: 88 }]);
    expect(accounts(HOLDER)).toEqual([]);
    owes(SESSION, 88, 'closed');
    ends(taken);
    refunds('S-AAAAA', 99);
    expect(accounts()).toMatchObject([{ paid: 700, charged: 612, held: 0, owed: 0, refunded: 88 }]);
  });

  it('that ends while a request runs gives back the rest in two', () => {
    const taken = [pays(SESSION, 500)];
    owes(SESSION, 350, 'closed');
    ends(taken);
    expect(accounts()).toMatchObject([{ paid: 500, owed: 350, held: 150 }]);
    asks('R-00001', OWNER, taken, sats(150));
    owes(SESSION, 22, 'rest');
    ends(taken);
    expect(accounts()).toMatchObject([{ charged: 128, owed: 372, held: 0 }]);
  });

  it('opened out of what was owed names the debts', () => {
    const first = [pays(SESSION, 500)];
    asks('R-00001', OWNER, first, sats(500));
    const debts = owes(SESSION, 372, 'closed');
    ends(first);
    const other = { kind: 'session', id: 'S-BBBBB' };
    const kept = pays(other, 372, debts);
    database.write((tx) => {
      const soFar = sessionSoFar(tx, { session: other.id, owner: OWNER, taken: [kept] });
      const end = { ...soFar, payments: soFar.payments.map((one) => ({ ...one, purpose: 'deposit' as const })) };
      book.fileCharge(tx, OWNER, { product: 'session', session: other.id, outcome: 'ended', ...end }, NOW);
    });
    expect(accounts()).toMatchObject([
      { id: 'S-AAAAA', used: 372, owed: 0 },
      { id: 'S-BBBBB', fromOwed: 372, held: 372 },
    ]);
  });
});

describe('money that no charge took', () => {
  it('is refunded with the payment that it came with', () => {
    const late = pays(JOB, 10);
    owes(JOB, 10, 'late_payment', late);
    database.write((tx) =>
      oweUnclaimed(
        tx,
        {
          order: JOB,
          owner: OWNER,
          amountMsats: toMsats(sats(5)),
          because: 'overpaid',
          cause: 'x',
          paymentHash: hash(70),
        },
        NOW,
      ),
    );
    refunds('J-AAAAA', 99);
    expect(accounts()).toMatchObject([{ id: 'J-AAAAA', paid: 15, refunded: 15, owed: 0 }]);
  });

  it('kept from another order is owed by that one still', () => {
    const first = [pays(SESSION, 500)];
    const debts = owes(SESSION, 500, 'closed');
    ends(first);
    const late = pays(JOB, 500, debts);
    expect(paymentInReceipt(database.read, late)?.debts).toEqual([
      { id: 'S-AAAAA', amountSats: 500, paymentHash: null },
    ]);
    owes(JOB, 500, 'late_payment', late);
    refunds('J-AAAAA', 99);
    expect(accounts()).toMatchObject([{ id: 'S-AAAAA', paid: 500, refunded: 500, owed: 0 }]);
  });
});

describe('a database whose receipts have a former form', () => {
  it('keeps them for its books, and begins its chains anew', () => {
    const known = knownMigrations();
    const before = known.findIndex((one) => one.tag.endsWith('_receipt_chains'));
    const old = openDatabase(':memory:');
    migrate(old, NOW, () => {}, known.slice(0, before));
    const charge = JSON.stringify({ content: JSON.stringify({ v: 1, type: 'charge', bill: { charged_sats: 138 } }) });
    const refund = JSON.stringify({ content: JSON.stringify({ payment_hash: 'aa' }) });
    old.read.$client.exec(
      `INSERT INTO receipts (event_id, owner, position, order_ids, kind, event, created_at) VALUES
         ('1', '${OWNER}', 1, '["J-AAAAA"]', 'charge', '${charge.replace('138', '10')}', 1),
         ('2', '${OWNER}', 2, '["J-AAAAA"]', 'charge', '${charge}', 2), ('3', '${OWNER}', 3, '["J-AAAAA"]', 'refund', '${refund}', 3);
       INSERT INTO invoices (order_kind, order_id, owner, purpose, amount_sats, description, expiry_seconds, state, bolt11, payment_hash, expires_at, paid_at, may_fail, created_at)
         VALUES ('job', 'J-AAAAA', '${OWNER}', 'work', 129, '', 60, 'paid', 'lnbc', '${hash(1)}', 1, 1, 0, 1);
       INSERT INTO debts (order_kind, order_id, owner, amount_msats, because, state, created_at)
         VALUES ('job', 'J-AAAAA', '${OWNER}', 1000, 'change', 'owed', 1);
       INSERT INTO payouts (payment_hash, bolt11, owner, amount_msats, state, invoice_expires_at, created_at)
         VALUES ('aa', 'lnbc', '${OWNER}', 1000, 'paid', 1, 1);`,
    );
    migrate(old, NOW, () => {}, known);
    database.close();
    database = old;
    database.write((tx) => {
      post(tx, {
        debit: WALLET,
        credit: OPERATOR,
        amountMsats: toMsats(sats(138)),
        kind: 'found',
        cause: 'x',
        at: NOW,
      });
      for (const [as, amount] of [
        ['eval', 10],
        ['work', 128],
      ] as const)
        post(tx, {
          debit: OPERATOR,
          credit: revenue(as),
          amountMsats: toMsats(sats(amount)),
          kind: `earned:${as}`,
          cause: 'J-AAAAA',
          at: NOW,
        });
    });
    expect(receiptChain(database.read, OWNER)).toEqual([]);
    refunds('J-AAAAA', 99);
    expect(accounts()).toMatchObject([{ id: 'J-AAAAA', paid: 1, refunded: 1, owed: 0 }]);
    expect(atOnce(checkReceipts(database.read, FACES))).toEqual([]);
    database.read.$client.exec(`DELETE FROM former_receipts WHERE event_id = '2'`);
    expect(atOnce(checkReceipts(database.read, FACES))).toMatchObject([{ row: 'order J-AAAAA' }]);
  });
});
