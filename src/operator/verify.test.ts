import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../test/builders/fresh-database.ts';
import type { Database } from '../db/index.ts';
import { atOnce, heldFor, OPERATOR, owedFor, post, revenue, SUSPENSE, WALLET, type Account } from '../ledger/index.ts';
import { sha256Hex } from '../lib/hash.ts';
import { msats, sats, unixSeconds } from '../lib/units.ts';
import { createReceiptBook } from '../payments/index.ts';
import { FACES } from '../products/catalogue.ts';
import type { Charge } from '../receipts/index.ts';
import { verifyEverything } from './verify.ts';
import { checkReceipts } from './verify-receipts.ts';

const NOW = unixSeconds(1_800_000_000);
const JOB = heldFor('job', 'J-AAAAA');
const OWNER = 'c'.repeat(64);

let database: Database;
beforeEach(() => (database = freshDatabase()));
afterEach(() => database.close());

function move(debit: Account, credit: Account, amount: bigint, kind: string, cause = kind): void {
  database.write((tx) => post(tx, { debit, credit, amountMsats: msats(amount), kind, cause, at: NOW }));
}
const run = (sql: string): void => void database.read.$client.exec(sql);
const broken = (): string[] => verifyEverything(database.read).map(({ invariant }) => invariant);

const JOBS = `INSERT INTO jobs (id, seq, state, owner, dialect, created_at, updated_at, details)
  VALUES ('J-AAAAA', 1, 'expired', '${OWNER}', 'words', 1, 1, '{}')`;
const payout = (hash: string, state: string): string =>
  `INSERT INTO payouts (payment_hash, bolt11, owner, amount_msats, state, invoice_expires_at, created_at)
   VALUES ('${hash}', 'lnbc', '${OWNER}', 1000, '${state}', 1, 1);
   INSERT INTO payout_debts VALUES ('${hash}', 1)`;

const node = (id: string): Charge => ({
  product: 'bootstrap',
  id,
  outcome: 'complete',
  feeSats: sats(10),
  payments: [{ purpose: 'bootstrap', amountSats: sats(10), paymentHash: sha256Hex(id) }],
  term: { from: NOW, until: unixSeconds(NOW + 86_400), endedAt: null },
});

describe('the invariants', () => {
  it('hold in a business that has done nothing, and in one that has earned', () => {
    expect(broken()).toEqual([]);
    move(WALLET, OPERATOR, 5000n, 'found');
    move(WALLET, SUSPENSE, 700n, 'surplus:unexpected');
    expect(broken()).toEqual([]);
  });

  it('hold where money moved on from one order to another', () => {
    run(`INSERT INTO invoices (order_kind, order_id, owner, purpose, amount_sats, description, expiry_seconds, state, may_fail,
      bolt11, payment_hash, created_at, expires_at, paid_at, paid_msats) VALUES ('job', 'J-AAAAA', '${OWNER}', 'work', 5, '', 60, 'paid', 1, 'lnbc', 'aa', 1, 61, 1, 5000)`);
    move(WALLET, JOB, 5000n, 'receipt', 'invoice:aa');
    move(JOB, heldFor('job', 'J-BBBBB'), 3000n, 'moved:reserve', 'J-BBBBB');
    const ways = 'every transfer goes a way that its kind may go';
    const sums = 'what came for an order was earned, moved on, is or was owed back, or is still held';
    expect(broken().filter((invariant) => invariant === ways || invariant === sums)).toEqual([]);
    move(heldFor('job', 'J-BBBBB'), JOB, 1000n, 'gift');
    expect(broken()).toEqual(expect.arrayContaining([ways, sums]));
  });

  it.each<[string, () => void]>([
    [
      'the wallet covers everything that belongs to customers',
      () => {
        move(WALLET, SUSPENSE, 5000n, 'surplus:unexpected');
        move(OPERATOR, WALLET, 1000n, 'adopted');
      },
    ],
    [
      'everything that came into the wallet or left it has a cause we know',
      () => move(WALLET, revenue('gifts'), 1000n, 'gift'),
    ],
    [
      'a job that waits for a payment or lapsed holds no money, unless news of it is on its way',
      () => {
        run(JOBS);
        move(OPERATOR, JOB, 1000n, 'lent');
        move(WALLET, OPERATOR, 1000n, 'found');
      },
    ],
    [
      'what was credited out of the operator’s pocket was decided by a person, with a reason',
      () => {
        move(OPERATOR, JOB, 1000n, 'receipt', 'invoice:aa');
      },
    ],
    [
      'money that nobody was asked for stands in the books once',
      () => run(`INSERT INTO wallet_rows VALUES ('aa', 'in', 'surplus', 1000, 1)`),
    ],
    ['one debt has one live attempt', () => run(`${payout('aa', 'sent')}; ${payout('bb', 'committed')}`)],
    ['one debt is paid by one attempt', () => run(`${payout('aa', 'paid')}; ${payout('bb', 'paid')}`)],
    ['a payout under way has a task that looks after it', () => run(payout('aa', 'sent'))],
    ['a refund that was paid has one receipt', () => run(payout('aa', 'paid'))],
    ['owed:<order> is the sum of its open debts', () => move(OPERATOR, owedFor('J-AAAAA'), 1000n, 'owed:x')],
  ])('%s: seen when it is broken', (invariant, breakIt) => {
    breakIt();
    expect(broken()).toContain(invariant);
  });
});

describe('receipts', () => {
  beforeEach(() => {
    const book = createReceiptBook('d'.repeat(64));
    database.write((tx) => {
      const ids = ['B-AAAAA', 'B-BBBBB', 'B-CCCCC'];
      for (const [n, id] of ids.entries()) book.fileCharge(tx, OWNER, node(id), unixSeconds(NOW + n));
      book.fileCharge(tx, 'e'.repeat(64), node('B-DDDDD'), NOW);
    });
    for (const id of ['B-AAAAA', 'B-BBBBB', 'B-CCCCC', 'B-DDDDD']) {
      move(WALLET, OPERATOR, 10_000n, 'found', id);
      move(OPERATOR, revenue('bootstrap'), 10_000n, 'earned:bootstrap', id);
    }
  });

  it('are one chain for each customer', () => expect(atOnce(checkReceipts(database.read, FACES))).toEqual([]));

  it.each<[string, string]>([
    ['one is gone', `DELETE FROM receipts WHERE position = 2`],
    ['the first is gone', `DELETE FROM receipts WHERE position = 1 AND owner = '${OWNER}'`],
    ['one was moved to another', `UPDATE receipts SET owner = '${'e'.repeat(64)}' WHERE position = 3`],
  ])('%s: seen', (_, sql) => {
    run(sql);
    expect(broken()).toContain('each receipt of a customer follows the one before');
  });

  it.each<[string, string]>([
    ['content', `UPDATE receipts SET event = replace(event, 'complete', 'expanded') WHERE position = 2`],
    ['date', `UPDATE receipts SET event = json_set(event, '$.created_at', 1) WHERE position = 2`],
    ['nonsense', `UPDATE receipts SET event = '' WHERE position = 3`],
  ])('changed in its %s: seen', (_, sql) => {
    run(sql);
    expect(broken()).toContain('a receipt has the event id that its content gives');
  });
});
