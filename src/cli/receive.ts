import type { Command } from 'commander';
import { ConfigError } from '../lib/errors.ts';
import { settingsOf } from './customer/address-options.ts';
import { customerInvoice } from './customer/own-invoice.ts';
import { print } from './output.ts';
import { UsageError, type Cli } from './run.ts';

/** `timmy receive SATS`: an invoice of a customer's own, to try a refund with where Timmy has the stub wallet. */
export function registerReceive(program: Command, cli: Cli): void {
  program
    .command('receive')
    .argument('<sats>', 'how much')
    .description("make an invoice as a customer's wallet would, to try a refund with (stub mode only)")
    .option('--json', 'one JSON object')
    .action((sats: string, options: { json?: true }) => {
      if (!/^[1-9]\d{0,8}$/.test(sats)) throw new UsageError('SATS is a whole number of sats, such as 2');
      if (settingsOf(cli).LNBITS_URL !== undefined)
        throw new ConfigError(['timmy receive is for the stub wallet, and LNBITS_URL is set: make one in your wallet']);
      const bolt11 = customerInvoice(Number(sats), 'a refund', cli.clock.now(), cli.rng);
      print(cli, options.json === true, { bolt11, amount_sats: Number(sats) }, bolt11);
    });
}
