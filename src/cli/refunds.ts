import type { Command } from 'commander';
import type { Reader } from '../db/index.ts';
import { encodeNpub } from '../nostr/keys.ts';
import {
  bookedByHand,
  debtsOfPayout,
  decisionsAbout,
  describeWait,
  findPayout,
  isUnsent,
  recentDebts,
  retryPayout,
  waitingPayouts,
  waitOf,
  type NewDecision,
  type PayoutRow,
  type PayoutWait,
} from '../payments/index.ts';
import { decide } from './decide.ts';
import { decisionJson, describeDecision, reasonOf } from './invoices.ts';
import { print } from './output.ts';
import { findHash, limitOf, showMsats, table, when, withDatabase } from './reading.ts';
import { Failure, UsageError, type Cli } from './run.ts';

interface ResolveOptions {
  readonly reason: string;
  readonly preimage?: string;
  readonly unasked?: true;
  readonly json?: true;
}

/** `timmy refunds`: what is or was owed to customers, how each payment of it stands, and what a person can do. */
export function registerRefunds(program: Command, cli: Cli): void {
  const refunds = program.command('refunds').description('what is owed to customers, and how it is being paid');
  refunds
    .command('list', { isDefault: true })
    .description('the newest debts and the payments for them')
    .option('--limit <n>', 'how many', '100')
    .option('--json', 'one JSON object')
    .action((options: { limit: string; json?: true }) => {
      const limit = limitOf(options.limit);
      return withDatabase(cli, ({ read }) => list(cli, read, limit, options.json === true));
    });
  refunds
    .command('show')
    .argument('<hash>', 'payment hash, or its first six characters or more')
    .description('one payment, and what was decided about it by hand')
    .option('--json', 'one JSON object')
    .action((hash: string, options: { json?: true }) =>
      withDatabase(cli, ({ read }) => show(cli, read, findHash(read, 'payouts', hash), options.json === true)),
    );
  refunds
    .command('retry')
    .argument('<hash>', 'payment hash, or its first six characters or more')
    .description('look at it now; never sends anything twice')
    .option('--json', 'one JSON object')
    .action((hash: string, options: { json?: true }) =>
      withDatabase(cli, (database) => {
        const paymentHash = findHash(database.read, 'payouts', hash);
        const words = database.write((tx) => retryPayout(tx, paymentHash, cli.clock.now()));
        if (words === null) throw new Failure('There is no such payout of ours.');
        print(cli, options.json === true, { payment_hash: paymentHash, words }, words);
      }),
    );
  refunds
    .command('resolve')
    .argument('<hash>', 'payment hash, or its first six characters or more')
    .argument('<outcome>', 'paid or dead')
    .description(
      'decide by hand that a payment is "paid" or "dead": one that was sent only after looking at the node itself',
    )
    .requiredOption('--reason <text>', 'how you know, for the books')
    .option('--preimage <hex>', 'the proof of payment, where the node shows it')
    .option('--unasked', 'the wallet is gone for good: decide without asking it')
    .option('--json', 'one JSON object')
    .action((hash: string, outcome: string, options: ResolveOptions) => {
      const decision = decisionOf(outcome, options);
      return withDatabase(cli, (database) => {
        const paymentHash = findHash(database.read, 'payouts', hash);
        return decide(cli, database, { ...decision, paymentHash }, options.json === true);
      });
    });
}

function decisionOf(outcome: string, options: ResolveOptions): Omit<NewDecision, 'paymentHash'> {
  if (outcome !== 'paid' && outcome !== 'dead') throw new UsageError('The outcome is "paid" or "dead"');
  const preimage = options.preimage?.trim().toLowerCase() ?? null;
  if (preimage !== null && (outcome === 'dead' || !/^[0-9a-f]{64}$/.test(preimage)))
    throw new UsageError('--preimage takes 64 hex characters, and proves "paid" only');
  return { what: outcome, reason: reasonOf(options.reason), preimage, unasked: options.unasked === true };
}

function list(cli: Cli, read: Reader, limit: number, json: boolean): void {
  const debts = recentDebts(read, limit).map((debt) => {
    const payout = debt.payoutHash === null ? undefined : findPayout(read, debt.payoutHash);
    const byHand = payout !== undefined && bookedByHand(read, payout.paymentHash) !== undefined;
    return { debt, payout, byHand };
  });
  const rows = debts.map(({ debt, payout, byHand }) => [
    debt.orderId,
    debt.state,
    `${showMsats(BigInt(debt.amountMsats))} sats`,
    debt.because.replaceAll('_', ' '),
    when(debt.createdAt),
    payout === undefined ? '-' : `${payout.paymentHash.slice(0, 16)} ${payout.state}${byHand ? ' (by hand)' : ''}`,
    encodeNpub(debt.owner),
  ]);
  const head = ['order', 'refund', 'amount', 'for', 'owed since (UTC)', 'payment', 'customer'];
  const waiting = waitingPayouts(read).flatMap(({ wait, count }) =>
    wait === null ? [] : [`${count} not sent yet: ${describeWait(wait)}`],
  );
  const value = debts.map(({ debt, payout, byHand }) => ({
    order: debt.orderId,
    npub: encodeNpub(debt.owner),
    amount_msats: debt.amountMsats,
    because: debt.because,
    state: debt.state,
    created_at: debt.createdAt,
    paid_at: debt.paidAt,
    payment_hash: payout?.paymentHash ?? null,
    payout_state: payout?.state ?? null,
    waits_for: payout === undefined ? null : waitFor(read, payout),
    by_hand: byHand,
  }));
  print(
    cli,
    json,
    { refunds: value },
    rows.length === 0 ? 'Nothing was ever owed.' : [table([head, ...rows]), ...waiting].join('\n'),
  );
}

/** Of a payout that was never sent. */
function waitFor(read: Reader, payout: PayoutRow): PayoutWait | null {
  return isUnsent(payout) ? waitOf(read, payout.paymentHash) : null;
}

function show(cli: Cli, read: Reader, paymentHash: string, json: boolean): void {
  const payout = findPayout(read, paymentHash);
  if (payout === undefined) throw new UsageError('There is no such payout of ours.');
  const decisions = decisionsAbout(read, paymentHash);
  const wait = waitFor(read, payout);
  const byHand = bookedByHand(read, paymentHash) !== undefined;
  const orders = debtsOfPayout(read, paymentHash).map((order) => order.id);
  const value = {
    payment_hash: paymentHash,
    npub: encodeNpub(payout.owner),
    orders,
    amount_msats: payout.amountMsats,
    fee_msats: payout.feeMsats,
    state: payout.state,
    waits_for: wait,
    by_hand: byHand,
    destination: payout.destination,
    preimage: payout.preimage,
    error: payout.error,
    created_at: payout.createdAt,
    sent_at: payout.sentAt,
    ended_at: payout.endedAt,
    invoice_expires_at: payout.invoiceExpiresAt,
    decisions: decisions.map(decisionJson),
  };
  const lines = [
    ['customer', encodeNpub(payout.owner)],
    ['for', orders.join(', ')],
    ['amount', `${showMsats(BigInt(payout.amountMsats))} sats`],
    ['to', payout.destination ?? 'an invoice of theirs'],
    ['state', `${payout.state}${byHand ? ' (by hand)' : ''}${payout.error === null ? '' : ` (${payout.error})`}`],
    ...(wait === null ? [] : [['waits', describeWait(wait)]]),
    ['committed', when(payout.createdAt)],
    ['sent', when(payout.sentAt)],
    ['ended', when(payout.endedAt)],
    ['fee', payout.feeMsats === null ? '-' : `${showMsats(BigInt(payout.feeMsats))} sats`],
    ['payment hash', paymentHash],
    ['preimage', payout.preimage ?? '-'],
    ...decisions.map((decision) => ['by hand', describeDecision(decision)]),
  ];
  print(cli, json, value, table(lines));
}
