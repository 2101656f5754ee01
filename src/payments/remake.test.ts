import { afterEach, beforeEach, expect, it } from 'vitest';
import { freshDatabase } from '../../test/builders/fresh-database.ts';
import { meet, setPreferences } from '../customers/index.ts';
import { statement, type Database } from '../db/index.ts';
import { OPERATOR, post, WALLET } from '../ledger/index.ts';
import { msats, plusSeconds, sats, unixSeconds } from '../lib/units.ts';
import { claimableDebts, owe } from './debts.ts';
import { keepIssued, lapse, settle } from './invoices.ts';
import { commitPayout, markSent } from './payouts.ts';
import { remakePaymentTasks, remakeRefundTasks } from './remake.ts';
import { fileDecision } from './resolve.ts';
import { wantInvoice } from './want-invoice.ts';

const NOW = unixSeconds(1_800_000_000);
const OWNER = 'ab'.repeat(32);
const ORDER = { kind: 'job', id: 'J-AAAAA' };
const NONE = { 'invoice.create': 0, 'invoice.watch': 0, 'payout.send': 0, 'payout.watch': 0, by_hand: 0 };

let database: Database;
beforeEach(() => void (database = freshDatabase()));
afterEach(() => database.close());

let hashes = 0;
const nextHash = (): string => (++hashes).toString(16).padStart(64, '0');

function invoice(issued: 'wanted' | 'open'): number {
  return database.write((tx) => {
    const wanted = { order: ORDER, owner: OWNER, purpose: 'eval', amountSats: sats(100), description: 'd' };
    const id = wantInvoice(tx, { ...wanted, expirySeconds: 600, mayFail: false, replyTo: null, opens: true }, NOW);
    const given = { bolt11: 'lnbc', paymentHash: nextHash(), expiresAt: plusSeconds(NOW, 600) };
    if (issued === 'open') keepIssued(tx, id, given, NOW);
    return id;
  });
}

/** A debt of 100 sats, owed once its invoice is paid. */
function debt(): void {
  const id = invoice('open');
  database.write((tx) => {
    settle(tx, id, msats(100_000n), NOW);
    const of = { order: ORDER, owner: OWNER, because: 'change', cause: `${ORDER.id}:${id}` };
    owe(tx, { ...of, amountMsats: msats(100_000n) }, NOW);
  });
}

const lost = (): unknown => database.write((tx) => statement(tx, 'DELETE FROM tasks').run());
const kinds = (): unknown[] =>
  database.read.$client.prepare(`SELECT kind, count(*) AS n FROM tasks GROUP BY kind ORDER BY kind`).all();

it('makes again what is missing, for every row of money, and nothing where nothing is', () => {
  invoice('wanted');
  invoice('open');
  const lapsed = invoice('open');
  database.write((tx) => lapse(tx, lapsed, plusSeconds(NOW, 700)));
  debt();
  const [first, second] = [nextHash(), nextHash()];
  database.write((tx) => {
    const cause = { kind: 'found', cause: 'w', at: NOW };
    post(tx, { debit: WALLET, credit: OPERATOR, amountMsats: msats(1_000_000n), ...cause });
    const of = { bolt11: 'lnbc', owner: OWNER, amountMsats: msats(100_000n), destination: null, replyTo: null };
    const invoiceExpiresAt = plusSeconds(NOW, 600);
    commitPayout(tx, { ...of, paymentHash: first, debts: claimableDebts(tx, OWNER), invoiceExpiresAt }, NOW);
  });
  debt();
  database.write((tx) => {
    const of = { bolt11: 'lnbc', owner: OWNER, amountMsats: msats(100_000n), destination: null, replyTo: null };
    const invoiceExpiresAt = plusSeconds(NOW, 600);
    commitPayout(tx, { ...of, paymentHash: second, debts: claimableDebts(tx, OWNER), invoiceExpiresAt }, NOW);
    markSent(tx, second, NOW);
    const how = { paymentHash: second, reason: null, preimage: null, unasked: false };
    fileDecision(tx, { ...how, what: 'recheck' }, NOW);
  });
  expect(database.write((tx) => remakePaymentTasks(tx, NOW))).toEqual(NONE);
  lost();
  expect(database.write((tx) => remakePaymentTasks(tx, NOW))).toEqual({
    'invoice.create': 1,
    'invoice.watch': 2,
    'payout.send': 1,
    'payout.watch': 1,
    by_hand: 1,
  });
  expect(kinds()).toEqual([
    { kind: 'by_hand', n: 1 },
    { kind: 'invoice.create', n: 1 },
    { kind: 'invoice.watch', n: 2 },
    { kind: 'payout.send', n: 1 },
    { kind: 'payout.watch', n: 1 },
  ]);
  expect(database.write((tx) => remakePaymentTasks(tx, NOW))).toEqual(NONE);
});

it('counts a task of money that was set aside as missing: money does not give up', () => {
  invoice('open');
  database.write((tx) => statement(tx, `UPDATE tasks SET state = 'dead', key = NULL`).run());
  expect(database.write((tx) => remakePaymentTasks(tx, NOW))).toEqual({ ...NONE, 'invoice.watch': 1 });
});

it('no longer watches what ended a month ago', () => {
  invoice('open');
  lost();
  const later = plusSeconds(NOW, 40 * 86_400);
  expect(database.write((tx) => remakePaymentTasks(tx, later))).toEqual(NONE);
});

it('tries debts again, once for each customer, where it is worth it and a destination is known', () => {
  database.write((tx) => void meet(tx, OWNER, 'nip17', null, NOW));
  debt();
  debt();
  lost();
  const remade = (min: number): unknown => database.write((tx) => remakeRefundTasks(tx, min, NOW));
  expect(remade(1)).toEqual({ 'refund.auto': 0 });
  database.write((tx) => setPreferences(tx, OWNER, { refundTo: 'me@pay.example' }));
  expect(remade(201)).toEqual({ 'refund.auto': 0 });
  expect(remade(200)).toEqual({ 'refund.auto': 1 });
  expect(remade(200)).toEqual({ 'refund.auto': 0 });
});
