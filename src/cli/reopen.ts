import type { Command } from 'commander';
import { createWallet } from '../app/adapters.ts';
import { withTimeout } from '../lib/clock.ts';
import { OutsideError } from '../lib/errors.ts';
import { silentLog } from '../lib/log.ts';
import { reopen, type Reopening } from '../operator/reopen.ts';
import { settingsOf } from './customer/address-options.ts';
import { print } from './output.ts';
import { withDatabase } from './reading.ts';
import { Failure, type Cli } from './run.ts';

interface ReopenOptions {
  readonly newNode?: true;
  readonly json?: true;
}

/** `timmy ledger reopen`: the end of what a wrong invoice of the wallet began. */
export function registerReopen(ledger: Command, cli: Cli): void {
  ledger
    .command('reopen')
    .description('the wallet issued a wrong invoice and you have looked: try it, and sell and pay again')
    .option('--new-node', 'LNbits has another Lightning node now: expect its invoices from here on')
    .option('--json', 'one JSON object')
    .action((options: ReopenOptions) =>
      withDatabase(cli, async (database) => {
        const { clock, rng } = cli;
        const wallet = createWallet({ settings: settingsOf(cli), database, clock, rng, log: silentLog });
        const limited = withTimeout(clock, 60_000);
        try {
          const newNode = options.newNode === true;
          const reopening = await reopen({ database, wallet, clock, newNode }, limited.signal);
          if (reopening.result === 'refused') throw new Failure(reopening.why);
          const { node, nodeBefore, stillClosed } = reopening;
          const json = { node, node_before: nodeBefore, still_closed: stillClosed };
          print(cli, options.json === true, json, inWords(reopening));
        } catch (error) {
          if (!(error instanceof OutsideError)) throw error;
          throw new Failure(`The wallet cannot be asked (${error.message}). Nothing was changed.`);
        } finally {
          limited.done();
        }
      }),
    );
}

function inWords({ node, nodeBefore, stillClosed }: Extract<Reopening, { result: 'open' }>): string {
  const whose = node === nodeBefore ? `of the node we know, ${node}` : `of the node ${node}, which is ours from now on`;
  const right = `The wallet issues what it is asked for, ${whose}.`;
  if (stillClosed.length === 0) return `${right} Sales and payments go on.`;
  return [right, 'Sales and payments are still stopped:', ...stillClosed].join('\n');
}
