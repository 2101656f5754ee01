import type { Command } from 'commander';
import { statement, type Database, type Reader } from '../db/index.ts';
import type { OrderRow, ProductFace } from '../engine/index.ts';
import { sleep } from '../lib/clock.ts';
import { parseShortId } from '../lib/ids.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { journalOf } from '../products/bootstrap/saga/journal.ts';
import type { NodeByHand } from '../products/bootstrap/states.ts';
import { liveRentals, rentalCost, rentalsOf, showMicros, type Rental } from '../products/bootstrap/rentals.ts';
import { strays, SWEEP_KEY } from '../products/bootstrap/sweep.ts';
import { schedule } from '../tasks/index.ts';
import { actByHand, type ByHandOptions, type Particulars } from './by-hand.ts';
import { print } from './output.ts';
import { table, when, withDatabase } from './reading.ts';
import { Failure, UsageError, type Cli } from './run.ts';

/** What there is to do about nodes beside `list` and `show`: `timmy nodes destroy|retry|sweep|costs|calls`. */
export function registerNodeActs(nodes: Command, cli: Cli, face: ProductFace): void {
  nodes
    .command('destroy')
    .argument('<id>', 'such as B-4KQ7M')
    .description('end a node that runs; what of its fee was not used is owed to its customer')
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--json', 'one JSON object')
    .action((id: string, options: ByHandOptions) => {
      const command: NodeByHand = { type: 'destroy' };
      const whyNot = ({ id: of, state }: OrderRow, { doing }: Particulars): string | null =>
        doing === 'clean_up'
          ? `${of} is being taken away already.`
          : state === 'ready' || state === 'expiring'
            ? null
            : `${of} is ${state.replaceAll('_', ' ')}: only a node that runs can be destroyed.`;
      const done = ({ id: of }: OrderRow): string =>
        `${of} is being destroyed. timmy nodes show ${of} says when the cloud has confirmed it.`;
      return actByHand(cli, face, id, { command, what: 'destroyed', whyNot, done }, options);
    });
  nodes
    .command('retry')
    .argument('<id>', 'such as B-4KQ7M')
    .description('have what was made for it taken away again at once, not when that is due')
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--json', 'one JSON object')
    .action((id: string, options: ByHandOptions) => {
      const command: NodeByHand = { type: 'retry' };
      const whyNot = ({ id: of }: OrderRow, { doing }: Particulars): string | null =>
        doing === 'clean_up' || doing === 'tidy' ? null : `Nothing of ${of} is being taken away now.`;
      const done = ({ id: of }: OrderRow): string => `Tried again. timmy nodes show ${of} says how it stands.`;
      return actByHand(cli, face, id, { command, what: 'tried again', whyNot, done }, options);
    });
  nodes
    .command('costs')
    .description('what the clouds bill: what there is now, and what each node has cost')
    .option('--json', 'one JSON object')
    .action((options: { json?: true }) =>
      withDatabase(cli, ({ read }) => costs(cli, read, options.json === true, cli.clock.now())),
    );
  nodes
    .command('calls')
    .argument('<id>', 'such as B-4KQ7M')
    .description('what was asked of the clouds for it, and what came of it')
    .option('--json', 'one JSON object')
    .action((written: string, options: { json?: true }) =>
      withDatabase(cli, ({ read }) => calls(cli, read, parseShortId(written) ?? written, options.json === true)),
    );
  nodes
    .command('sweep')
    .description('have the running Timmy compare the cloud with its books now; shows what is nobody’s here')
    .option('--json', 'one JSON object')
    .action((options: { json?: true }) => withDatabase(cli, (database) => sweep(cli, database, options.json === true)));
}

function costs(cli: Cli, read: Reader, json: boolean, now: UnixSeconds): void {
  const live = liveRentals(read);
  const ids = statement(read, 'SELECT order_id FROM cloud_rentals GROUP BY order_id ORDER BY min(from_at)')
    .pluck()
    .all() as string[];
  const sum = (rentals: readonly Rental[]): bigint =>
    rentals.reduce((total, rental) => total + rentalCost(rental, now), 0n);
  const nodes = ids.map((id) => ({
    id,
    cloud_usd: showMicros(sum(rentalsOf(read, id))),
    earned_sats: earnedBy(read, id),
    now_usd_a_month: showMicros(
      live.filter(({ orderId }) => orderId === id).reduce((n, one) => n + one.monthlyUsdMicros, 0),
    ),
  }));
  const monthly = showMicros(live.reduce((total, one) => total + one.monthlyUsdMicros, 0));
  const words =
    nodes.length === 0
      ? 'No node has cost anything yet.'
      : `${table(nodes.map((one) => [one.id, `${one.cloud_usd} USD so far`, `${one.now_usd_a_month} USD a month now`, `${one.earned_sats} sats earned`]))}\n\n${live.length} things bill now: ${monthly} USD a month.`;
  print(cli, json, { nodes, now_usd_a_month: monthly, things: live }, words);
}

function earnedBy(read: Reader, id: string): number {
  const sql = `SELECT coalesce(sum(CASE kind WHEN 'earned:bootstrap' THEN amount_msats ELSE -amount_msats END), 0) / 1000 FROM transfers
    WHERE kind IN ('earned:bootstrap', 'returned:bootstrap') AND (cause = @id OR cause GLOB @id || ':*')`;
  return statement(read, sql).pluck().get({ id }) as number;
}

const CALLS_SHOWN = 100;

function calls(cli: Cli, read: Reader, id: string, json: boolean): void {
  const rows = journalOf(read, id, CALLS_SHOWN);
  if (rows.length === 0) throw new UsageError(`Nothing was asked of a cloud for ${id}.`);
  const lines = rows.map((row) => [
    when(row.intentAt),
    row.call,
    row.name,
    row.outcome ?? 'unknown yet',
    row.resource ?? '',
  ]);
  print(cli, json, { calls: rows }, table(lines));
}

const LOOK_MS = 100;
const SWEPT_WITHIN_MS = 30_000;

async function sweep(cli: Cli, database: Database, json: boolean): Promise<void> {
  const now = cli.clock.now();
  database.write((tx) => schedule(tx, { kind: 'bootstrap.sweep', payload: {}, key: SWEEP_KEY, dueAt: now, now }));
  const began = cli.clock.monotonicMs();
  while (!isSwept(database.read, now)) {
    if (cli.clock.monotonicMs() - began > SWEPT_WITHIN_MS)
      throw new Failure('Nobody has looked yet: Timmy does when it runs (timmy start), and when the cloud answers.');
    await sleep(cli.clock, LOOK_MS);
  }
  const found = strays(database.read);
  const live = liveRentals(database.read);
  const words =
    found.length === 0
      ? `The cloud holds nothing that is not in the books. ${live.length} things bill.`
      : `${table(found.map((one) => [one.kind, one.name, one.resource, `since ${when(one.firstAt)}`]))}\n\nThese are called after orders that this database does not know. They bill. Timmy never touches them: end them at the cloud's console, unless another Timmy uses this account.`;
  print(cli, json, { strays: found, billing: live.length }, words);
}

function isSwept(read: Reader, since: UnixSeconds): boolean {
  const due = statement(read, 'SELECT due_at FROM tasks WHERE key = ?').pluck().get(SWEEP_KEY) as number | undefined;
  return due !== undefined && due > since + 1;
}
