import type { Command } from 'commander';
import type { Reader } from '../db/index.ts';
import { encodeNpub } from '../nostr/keys.ts';
import {
  decisionsAbout,
  findInvoiceByHash,
  openClaims,
  recentInvoices,
  type DecisionRow,
  type InvoiceRow,
} from '../payments/index.ts';
import { decide } from './decide.ts';
import { print } from './output.ts';
import { findHash, limitOf, showMsats, table, when, withDatabase } from './reading.ts';
import { UsageError, type Cli } from './run.ts';

/** `timmy invoices`: which were asked for and paid, which customers say they paid, and what a person can do about it. */
export function registerInvoices(program: Command, cli: Cli): void {
  const invoices = program.command('invoices').description('invoices, and what customers say of them');
  invoices
    .command('list', { isDefault: true })
    .description('the newest invoices, and claims that they were paid')
    .option('--limit <n>', 'how many', '50')
    .option('--json', 'one JSON object')
    .action((options: { limit: string; json?: true }) => {
      const limit = limitOf(options.limit);
      return withDatabase(cli, ({ read }) => list(cli, read, limit, options.json === true));
    });
  invoices
    .command('show')
    .argument('<hash>', 'payment hash, or its first six characters or more')
    .description('one invoice, and what was decided about it by hand')
    .option('--json', 'one JSON object')
    .action((hash: string, options: { json?: true }) =>
      withDatabase(cli, ({ read }) => show(cli, read, findHash(read, 'invoices', hash), options.json === true)),
    );
  invoices
    .command('recheck')
    .argument('<hash>', 'payment hash, or its first six characters or more')
    .description('ask the wallet, and where it allows that its node, whether it was paid after all')
    .option('--json', 'one JSON object')
    .action((hash: string, options: { json?: true }) =>
      withDatabase(cli, (database) => {
        const paymentHash = findHash(database.read, 'invoices', hash);
        const decision = { what: 'recheck', paymentHash, reason: null, preimage: null, unasked: false } as const;
        return decide(cli, database, decision, options.json === true);
      }),
    );
  invoices
    .command('credit')
    .argument('<hash>', 'payment hash, or its first six characters or more')
    .description('book it as paid on your own word; the wallet must have stopped waiting for it')
    .requiredOption('--reason <text>', 'why, for the books')
    .option('--json', 'one JSON object')
    .action((hash: string, options: { reason: string; json?: true }) => {
      const reason = reasonOf(options.reason);
      return withDatabase(cli, (database) => {
        const paymentHash = findHash(database.read, 'invoices', hash);
        const decision = { what: 'credit', paymentHash, reason, preimage: null, unasked: false } as const;
        return decide(cli, database, decision, options.json === true);
      });
    });
}

/** Said on paper, so that whoever reads the books later knows. */
export function reasonOf(written: string): string {
  const reason = written.trim();
  if (reason === '' || reason.length > 500) throw new UsageError('--reason takes a few words (at most 500 characters)');
  return reason;
}

function list(cli: Cli, read: Reader, limit: number, json: boolean): void {
  const rows = recentInvoices(read, limit);
  const claims = openClaims(read);
  const value = {
    invoices: rows.map(invoiceJson),
    claims: claims.map((claim) => ({
      payment_hash: claim.paymentHash,
      order: claim.orderId,
      npub: encodeNpub(claim.owner),
      at: claim.at,
      preimage: claim.preimage,
    })),
  };
  const lines = rows.map((row) => [
    row.orderId,
    row.purpose,
    row.state,
    `${row.amountSats} sats`,
    when(row.createdAt),
    row.paymentHash ?? '-',
  ]);
  const claimed = claims.map((claim) => [
    claim.orderId,
    when(claim.at),
    claim.paymentHash,
    claim.preimage === null ? '' : 'with a preimage that fits',
  ]);
  const words = [rows.length === 0 ? 'No invoices yet.' : table(lines)];
  if (claims.length > 0) {
    words.push('', 'Customers say that these were paid, and the wallet does not:', table(claimed));
    words.push('Look at your node, then: timmy invoices recheck HASH, or timmy invoices credit HASH --reason TEXT');
  }
  print(cli, json, value, words.join('\n'));
}

function show(cli: Cli, read: Reader, paymentHash: string, json: boolean): void {
  const row = findInvoiceByHash(read, paymentHash);
  if (row === undefined) throw new UsageError('There is no such invoice of ours.');
  const claim = openClaims(read).find((one) => one.paymentHash === paymentHash);
  const decisions = decisionsAbout(read, paymentHash);
  const value = {
    ...invoiceJson(row),
    npub: encodeNpub(row.owner),
    bolt11: row.bolt11,
    claimed_at: claim?.at ?? null,
    claimed_preimage: claim?.preimage ?? null,
    decisions: decisions.map(decisionJson),
  };
  const lines = [
    ['order', row.orderId],
    ['customer', encodeNpub(row.owner)],
    ['for', `${row.purpose}, ${row.amountSats} sats`],
    ['state', `${row.state}${row.paidAt === null ? '' : ` since ${when(row.paidAt)}`}`],
    ['made', when(row.createdAt)],
    ['ends', when(row.expiresAt)],
    ['paid', row.paidMsats === null ? '-' : `${showMsats(BigInt(row.paidMsats))} sats`],
    ['payment hash', paymentHash],
    ['bolt11', row.bolt11 ?? '-'],
    ...(claim === undefined ? [] : [['claimed', `the customer said on ${when(claim.at)} that it is paid`]]),
    ...(claim?.preimage == null ? [] : [['preimage', `${claim.preimage} (sent by the customer, fits the hash)`]]),
    ...decisions.map((decision) => ['by hand', describeDecision(decision)]),
  ];
  print(cli, json, value, table(lines));
}

function invoiceJson(row: InvoiceRow) {
  return {
    order: row.orderId,
    purpose: row.purpose,
    state: row.state,
    amount_sats: row.amountSats,
    payment_hash: row.paymentHash,
    created_at: row.createdAt,
    expires_at: row.expiresAt,
    paid_at: row.paidAt,
  };
}

export function decisionJson(row: DecisionRow) {
  return {
    what: row.what,
    reason: row.reason,
    at: row.at,
    ended_at: row.endedAt,
    result: row.result,
    words: row.words,
  };
}

/** "2026-11-23 03:00:00 credit, done: … Reason: …" */
export function describeDecision(row: DecisionRow): string {
  const reason = row.reason === null ? '' : ` Reason: ${row.reason}`;
  return `${when(row.at)} ${row.what}, ${row.result ?? 'not carried out yet'}: ${row.words ?? '-'}${reason}`;
}
