import type { Command } from 'commander';
import { encodeNpub } from '../nostr/keys.ts';
import { findPayout, recentDebts } from '../payments/index.ts';
import { print } from './output.ts';
import { showMsats, table, withDatabase } from './reading.ts';
import type { Cli } from './run.ts';

/** `timmy refunds`: what is or was owed to customers, and how each payment of it stands. */
export function registerRefunds(program: Command, cli: Cli): void {
  program
    .command('refunds')
    .description('what is owed to customers, and how it is being paid')
    .option('--json', 'one JSON object')
    .action((options: { json?: true }) =>
      withDatabase(cli, ({ read }) => {
        const debts = recentDebts(read, 100).map((debt) => {
          const payout = debt.payoutHash === null ? undefined : findPayout(read, debt.payoutHash);
          return { debt, payout };
        });
        const rows = debts.map(({ debt, payout }) => [
          debt.orderId,
          debt.state,
          `${showMsats(BigInt(debt.amountMsats))} sats`,
          debt.because,
          payout?.paymentHash ?? '-',
          encodeNpub(debt.owner),
        ]);
        const json = debts.map(({ debt, payout }) => ({
          order: debt.orderId,
          npub: encodeNpub(debt.owner),
          amount_msats: debt.amountMsats,
          because: debt.because,
          state: debt.state,
          payment_hash: payout?.paymentHash ?? null,
          payout_state: payout?.state ?? null,
        }));
        print(
          cli,
          options.json === true,
          { refunds: json },
          rows.length === 0 ? 'Nothing was ever owed.' : table(rows),
        );
      }),
    );
}
