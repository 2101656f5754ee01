import type { Command } from 'commander';
import { VERSION } from '../app/version.ts';
import { adviceOn, loadSettings } from '../config/index.ts';
import { dataDir, readFact, statement, type Reader } from '../db/index.ts';
import type { Outage } from '../downtime/index.ts';
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
import { countByState, type ProductFace } from '../engine/index.ts';
import { isBudgetTold } from '../products/_shared/model-budget.ts';
import { leftInPurse } from '../products/_shared/model-purse.ts';
import { describeModelTrouble, modelTrouble } from '../products/_shared/model-trouble.ts';
import { demoPurse } from '../products/demo/limits.ts';
import { countTasks } from '../tasks/index.ts';
import { answerWords, healthOf, problemsOf, relayWords, runningWords } from './health.ts';
import { print } from './output.ts';
import { isThere, noDatabase, showMsats, table, when, withDatabase } from './reading.ts';
import { Ended, type Cli } from './run.ts';

/** `timmy status`: how this Timmy stands, read from its database beside the running daemon. */
export function registerStatus(program: Command, cli: Cli, faces: readonly ProductFace[]): void {
  program
    .command('status')
    .description('how Timmy stands')
    .option('--json', 'one JSON object')
    .action((options: { json?: true }) => {
      const json = options.json === true;
      const { TIMMY_DATA_DIR: directory } = loadSettings({ env: cli.env, cwd: cli.cwd, readOnly: true });
      if (!isThere(dataDir(directory).databaseFile)) {
        print(
          cli,
          json,
          { version: VERSION, running: false, healthy: false },
          `Timmy does not run. ${noDatabase(directory)}`,
        );
        throw new Ended(4);
      }
      return withDatabase(cli, ({ read }, settings) => {
        const now = cli.clock.now();
        const health = healthOf(read, settings);
        const stub = {
          lightning: readFact(read, 'wallet')?.startsWith('stub:') ?? false,
          agent: readFact(read, 'agent') === 'stub',
          provisioner: readFact(read, 'cloud') === 'stub',
        };
        const orders = Object.fromEntries(faces.map((face) => [face.plural, countByState(read, face)]));
        const owedMsats = sumOf(read, 'owed:');
        const payingMsats = sumOf(read, 'paying:');
        const tasks = countTasks(read);
        const compared = lastReconciliation(read);
        const claims = openClaims(read).length;
        const closed = closures(read);
        const trouble = walletTrouble(read);
        const model = modelTrouble(read);
        const isBudgetSpent = isBudgetTold(read, cli.clock.now());
        const purse = demoPurse(settings);
        const demoLeftUsd = leftInPurse(read, purse, now) / 1e9;
        const waiting = waitingPayouts(read);
        const advice = adviceOn(settings, !stub.agent);
        const problems = [
          ...problemsOf(health, now),
          ...closed.map(({ words }) => words),
          ...(trouble === null ? [] : [describeTrouble(trouble)]),
          ...(model === null ? [] : [describeModelTrouble(model)]),
          ...waiting.flatMap(({ wait }) =>
            wait === null || wait === 'in_flight' ? [] : [`Refunds wait: ${describeWait(wait)}`],
          ),
        ];
        const isHealthy = health.pid !== null && problems.length === 0;
        const value = {
          running: health.pid !== null,
          healthy: isHealthy,
          problems,
          pid: health.pid,
          started_at: health.startedAt,
          alive_at: health.aliveAt,
          relays: health.relays.map(({ url, state, since, syncedAt, failures }) => ({
            url,
            state: health.pid === null ? 'unknown' : state,
            since,
            synced_at: syncedAt,
            failures,
          })),
          answers: {
            waiting: health.answers.messages,
            paid: health.answers.paid,
            undeliverable: health.answers.undeliverable,
            oldest_paid_at: health.answers.oldestPaidAt,
            why: health.answers.why,
          },
          tasks_set_aside: health.dead,
          outages: health.outages,
          disk_free_mb: health.diskFreeMb,
          version: VERSION,
          wallet: readFact(read, 'wallet'),
          stub,
          ...orders,
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
          demo_budget: { daily_usd: purse.dailyUsd, left_usd: demoLeftUsd },
          advice,
          claims,
        };
        const stubs = Object.entries(stub)
          .filter(([, isStub]) => isStub)
          .map(([name]) => name);
        const words = table([
          ['running', runningWords(health)],
          ...relayWords(health).map((words, index) => [index === 0 ? 'relays' : '', words]),
          ...problems.map((words, index) => [index === 0 ? 'WRONG' : '', words]),
          ['version', VERSION],
          ['wallet', value.wallet ?? 'not contacted yet'],
          ['stubs', stubs.length === 0 ? 'none' : `${stubs.join(', ')} (no real service behind them)`],
          ...Object.entries(orders).map(([plural, counts]) => [plural, countsInWords(counts)]),
          ['selling', selling(closed, model !== null || isBudgetSpent)],
          ...(isBudgetSpent
            ? [['', "The model's budget for today is spent (MODEL_DAILY_BUDGET_USD): open again at 00:00 UTC"]]
            : []),
          ['free answers', freeInWords(purse.dailyUsd, demoLeftUsd)],
          ['in the wallet', `${showMsats(BigInt(value.wallet_msats))} sats by the books`],
          ['the wallet', compared === undefined ? 'not compared yet' : describe(compared)],
          ['claims', claims === 0 ? 'none' : `${claims} say that they paid unseen: timmy invoices list`],
          ['owed', `${showMsats(owedMsats)} sats, ${showMsats(payingMsats)} on their way`],
          ...waiting.flatMap(({ wait, count, amountMsats }) =>
            wait === null
              ? []
              : [['', `${count} of ${showMsats(BigInt(amountMsats))} sats wait: ${describeWait(wait)}`]],
          ),
          ['messages', answerWords(health)],
          ['tasks', `${tasks.waiting} waiting, ${tasks.running} running, ${tasks.dead} set aside`],
          ['disk', `${health.diskFreeMb} MB free`],
          ...advice.map((words, index) => [index === 0 ? 'advice' : '', words]),
          ...health.outages.map((outage, index) => [index === 0 ? 'lately away' : '', describeOutage(outage)]),
        ]);
        print(cli, json, value, words);
        if (!isHealthy) throw new Ended(health.pid === null ? 4 : 1);
      });
    });
}

function freeInWords(dailyUsd: number, leftUsd: number): string {
  if (dailyUsd === 0) return 'none offered (DEMO_DAILY_BUDGET_USD)';
  return `$${leftUsd.toFixed(2)} of today's $${dailyUsd.toFixed(2)} left (DEMO_DAILY_BUDGET_USD)`;
}

function countsInWords(counts: Readonly<Record<string, number>>): string {
  const words = Object.entries(counts).map(([state, n]) => `${n} ${state.replaceAll('_', ' ')}`);
  return words.join(', ') || 'none';
}

function describeOutage({ why, from, to }: Outage): string {
  return `${why} from ${when(from)} to ${to === null ? 'now' : when(to)}`;
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
