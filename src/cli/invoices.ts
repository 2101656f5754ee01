import type { Command } from 'commander';
import { recentInvoices } from '../payments/index.ts';
import { print } from './output.ts';
import { table, when, withDatabase } from './reading.ts';
import type { Cli } from './run.ts';

/** `timmy invoices`: the newest invoices and whether they are paid. */
export function registerInvoices(program: Command, cli: Cli): void {
  program
    .command('invoices')
    .description('the newest invoices')
    .option('--json', 'one JSON object')
    .action((options: { json?: true }) =>
      withDatabase(cli, ({ read }) => {
        const invoices = recentInvoices(read, 50);
        const rows = invoices.map((row) => [
          row.orderId,
          row.purpose,
          row.state,
          `${row.amountSats} sats`,
          when(row.createdAt),
          row.paymentHash ?? '-',
        ]);
        const json = invoices.map((row) => ({
          order: row.orderId,
          purpose: row.purpose,
          state: row.state,
          amount_sats: row.amountSats,
          payment_hash: row.paymentHash,
          created_at: row.createdAt,
          expires_at: row.expiresAt,
          paid_at: row.paidAt,
        }));
        print(cli, options.json === true, { invoices: json }, rows.length === 0 ? 'No invoices yet.' : table(rows));
      }),
    );
}
