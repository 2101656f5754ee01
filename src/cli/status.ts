import type { Command } from 'commander';
import { VERSION } from '../app/version.ts';
import { readFact, statement, type Reader } from '../db/index.ts';
import { countUndelivered } from '../messaging/index.ts';
import { balance, WALLET } from '../ledger/index.ts';
import {
  closures,
  type Closure,
  describeWait,
  describeTrouble,
  lastReconciliation,
  openClaims,
  waitingPayouts,
  walletTrouble,
  type Reconciliation,
} from '../payments/index.ts';
import { isBudgetTold } from '../products/_shared/model-budget.ts';
import { describeModelTrouble, modelTrouble } from '../products/_shared/model-trouble.ts';
import { countTasks } from '../tasks/index.ts';
import { print } from './output.ts';
import { showMsats, table, when, withDatabase } from './reading.ts';
import type { Cli } from './run.ts';

/** `timmy status`: how this Timmy stands, read from its database beside the running daemon. */
export function registerStatus(program: Command, cli: Cli): void {
  program
    .command('status')
    .description('how Timmy stands')
    .option('--json', 'one JSON object')
    .action((options: { json?: true }) =>
      withDatabase(cli, ({ read }) => {
        const stub = {
          lightning: readFact(read, 'wallet')?.startsWith('stub:') ?? false,
          agent: readFact(read, 'agent') === 'stub',
        };
        const counts = (sql: string): Record<string, number> =>
          Object.fromEntries(
            (statement(read, sql).all() as { state: string; n: number }[]).map((row) => [row.state, row.n]),
          );
        const jobs = counts('SELECT state, count(*) AS n FROM jobs GROUP BY state');
        const owedMsats = sumOf(read, 'owed:');
        const payingMsats = sumOf(read, 'paying:');
        const tasks = countTasks(read);
        const compared = lastReconciliation(read);
        const claims = openClaims(read).length;
        const closed = closures(read);
        const trouble = walletTrouble(read);
        const model = modelTrouble(read);
        const isBudgetSpent = isBudgetTold(read, cli.clock.now());
        const waiting = waitingPayouts(read);
        const value = {
          version: VERSION,
          wallet: readFact(read, 'wallet'),
          stub,
          jobs,
          tasks,
          undelivered: countUndelivered(read),
          wallet_msats: Number(balance(read, WALLET)),
          owed_msats: Number(owedMsats),
          paying_msats: Number(payingMsats),
          compared_at: compared?.at ?? null,
          wallet_holds_msats: compared?.balanceMsats ?? null,
          unexplained_msats: compared?.gapMsats ?? null,
          drift: compared?.drift ?? null,
          closed,
          refunds_waiting: waiting.map(({ wait, count, amountMsats }) => ({
            for: wait,
            count,
            amount_msats: amountMsats,
          })),
          wallet_trouble: trouble === null ? null : { cause: trouble.cause, code: trouble.code, since: trouble.since },
          model_trouble: model,
          model_budget_spent: isBudgetSpent,
          claims,
        };
        const stubs = Object.entries(stub)
          .filter(([, isStub]) => isStub)
          .map(([name]) => name);
        const words = table([
          ['version', VERSION],
          ['wallet', value.wallet ?? 'not contacted yet'],
          ['stubs', stubs.length === 0 ? 'none' : `${stubs.join(', ')} (no real service behind them)`],
          [
            'jobs',
            Object.entries(jobs)
              .map(([state, n]) => `${n} ${state.replaceAll('_', ' ')}`)
              .join(', ') || 'none',
          ],
          ['selling', selling(closed, model !== null || isBudgetSpent)],
          ...closed.map(({ words }) => ['', words]),
          ...(model === null ? [] : [['', describeModelTrouble(model)]]),
          ...(isBudgetSpent
            ? [['', "The model's budget for today is spent (MODEL_DAILY_BUDGET_USD): open again at 00:00 UTC"]]
            : []),
          ['in the wallet', `${showMsats(BigInt(value.wallet_msats))} sats by the books`],
          ['the wallet', compared === undefined ? 'not compared yet' : describe(compared)],
          ...(trouble === null ? [] : [['', describeTrouble(trouble)]]),
          ['claims', claims === 0 ? 'none' : `${claims} say that they paid unseen: timmy invoices list`],
          ['owed', `${showMsats(owedMsats)} sats, ${showMsats(payingMsats)} on their way`],
          ...waiting.flatMap(({ wait, count, amountMsats }) =>
            wait === null
              ? []
              : [['', `${count} of ${showMsats(BigInt(amountMsats))} sats wait: ${describeWait(wait)}`]],
          ),
          ['messages', `${value.undelivered} on their way`],
          ['tasks', `${tasks.waiting} waiting, ${tasks.running} running, ${tasks.dead} set aside`],
        ]);
        print(cli, options.json === true, value, words);
      }),
    );
}

function selling(closed: readonly Closure[], isModelSpent: boolean): string {
  if (closed.some(({ stops }) => stops === 'all')) return 'SALES AND PAYMENTS ARE STOPPED';
  if (closed.length > 0) return 'SALES ARE STOPPED, refunds go on as far as the wallet covers them';
  return isModelSpent ? 'SALES ARE STOPPED' : 'yes';
}

function describe({ at, balanceMsats, drift }: Reconciliation): string {
  const holds = `holds ${showMsats(BigInt(balanceMsats))} sats (asked ${when(at)})`;
  return drift === null ? `${holds}, as the books say` : `${holds}, which the books do not explain`;
}

function sumOf(reader: Reader, prefix: string): bigint {
  const row = statement(
    reader,
    `SELECT coalesce(sum(credits - debits), 0) AS n FROM accounts WHERE id LIKE ? || '%'`,
  ).get(prefix);
  return BigInt((row as { n: number }).n);
}
