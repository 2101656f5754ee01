import type { Command } from 'commander';
import { describeStubPayment, payStub } from '../app/pay-stub.ts';
import { settingsOf } from './customer/address-options.ts';
import { print } from './output.ts';
import { Failure, type Cli } from './run.ts';

/** `timmy pay BOLT11|HASH`: pays an invoice of the stub wallet, beside the running daemon. */
export function registerPay(program: Command, cli: Cli): void {
  program
    .command('pay')
    .argument('<invoice>', 'the invoice (lnbcrt…), or its payment hash')
    .description('pay an invoice of the stub wallet, as its customer (stub mode only)')
    .option('--json', 'one JSON object')
    .action((invoice: string, options: { json?: true }) => {
      const payment = payStub(settingsOf(cli), invoice);
      const { paid, words } = describeStubPayment(payment);
      const amount = payment.result === 'paid' ? { amount_sats: Number(payment.amountMsats / 1000n) } : {};
      const hash = 'paymentHash' in payment ? { payment_hash: payment.paymentHash } : {};
      if (options.json === true || paid)
        print(cli, options.json === true, { result: payment.result, ...hash, ...amount }, words);
      if (!paid) throw new Failure(options.json === true ? '' : words);
    });
}
