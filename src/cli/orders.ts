import type { Command } from 'commander';
import type { Reader } from '../db/index.ts';
import {
  countByState,
  orderRow,
  recentOrders,
  type OrderFilter,
  type OrderRow,
  type ProductFace,
} from '../engine/index.ts';
import { parseShortId } from '../lib/ids.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { parseNpub, encodeNpub } from '../nostr/keys.ts';
import { storyOf } from '../operator/story.ts';
import { debtsOf, invoicesOf } from '../payments/index.ts';
import { storyJson, storyWords } from './ledger.ts';
import { print } from './output.ts';
import { limitOf, table, when, withDatabase } from './reading.ts';
import { UsageError, type Cli } from './run.ts';

const LIMIT = 50;

interface ListOptions {
  readonly limit: string;
  readonly state?: string;
  readonly npub?: string;
  readonly json?: true;
}

/**
 * `timmy jobs` and its like: the orders of one product and their money, and one of them. Texts are sealed with Timmy's
 * key and are not shown. @returns the command, for what a product adds to it.
 */
export function registerOrders(program: Command, cli: Cli, face: ProductFace): Command {
  const { plural } = face;
  const orders = program.command(plural).description(`the newest ${plural}`);
  orders
    .command('list', { isDefault: true })
    .description(`the newest ${plural}`)
    .option('--limit <n>', 'how many', String(LIMIT))
    .option('--state <state>', 'only those in this state; timmy status counts them by state')
    .option('--npub <npub>', 'only those of this customer')
    .option('--json', 'one JSON object')
    .action((options: ListOptions) => {
      const limit = limitOf(options.limit);
      const filter: OrderFilter = {
        state: options.state?.replaceAll(' ', '_') ?? null,
        owner: options.npub === undefined ? null : keyOf(options.npub),
      };
      return withDatabase(cli, ({ read }) => list(cli, read, face, filter, limit, options.json === true));
    });
  orders
    .command('show')
    .argument('<id>', `such as ${face.prefix}-4KQ7M`)
    .description('one of them, and the story of its money')
    .option('--json', 'one JSON object')
    .action((written: string, options: { json?: true }) =>
      withDatabase(cli, ({ read }) => show(cli, read, face, parseShortId(written) ?? written, options.json === true)),
    );
  return orders;
}

function keyOf(npub: string): string {
  const key = parseNpub(npub);
  if (key === null) throw new UsageError('--npub takes an npub, or 64 hex characters');
  return key;
}

function list(cli: Cli, read: Reader, face: ProductFace, filter: OrderFilter, limit: number, json: boolean): void {
  const found = recentOrders(read, face, filter, limit).map((order) => lineOf(read, face, cli.clock.now(), order));
  const rows = found.map((order) => [
    order.id,
    order.state,
    when(order.created_at),
    `${order.paid_sats} paid`,
    `${order.owed_sats} owed`,
    order.npub,
  ]);
  const isFiltered = filter.state !== null || filter.owner !== null;
  const none = isFiltered
    ? `No such ${face.plural}. There are: ${statesInWords(read, face)}.`
    : `No ${face.plural} yet.`;
  print(cli, json, { [face.plural]: found }, rows.length === 0 ? none : table(rows));
}

function statesInWords(read: Reader, face: ProductFace): string {
  const counts = Object.entries(countByState(read, face)).map(([state, count]) => `${count} ${state}`);
  return counts.join(', ') || 'none';
}

function lineOf(
  read: Reader,
  face: ProductFace,
  now: UnixSeconds,
  { id, state, owner, dialect, createdAt, updatedAt }: OrderRow,
) {
  return {
    id,
    state,
    npub: encodeNpub(owner),
    dialect,
    created_at: createdAt,
    updated_at: updatedAt,
    paid_sats: invoicesOf(read, id).reduce((sum, invoice) => sum + Math.floor((invoice.paidMsats ?? 0) / 1000), 0),
    owed_sats: debtsOf(read, id)
      .filter((debt) => debt.state === 'owed' || debt.state === 'paying')
      .reduce((sum, debt) => sum + Math.floor(debt.amountMsats / 1000), 0),
    ...face.particulars?.(read, id, now),
  };
}

function show(cli: Cli, read: Reader, face: ProductFace, id: string, json: boolean): void {
  const now = cli.clock.now();
  const row = orderRow(read, [face], id);
  const story = storyOf(read, id, [face]);
  if (row === undefined || story === null) throw new UsageError(`There is no ${id} among the ${face.plural}.`);
  const order = lineOf(read, face, now, row);
  const particulars = Object.entries(face.particulars?.(read, id, now) ?? {});
  const words = [
    table([
      ['made', `${when(row.createdAt)} (${row.dialect})`],
      ['changed', when(row.updatedAt)],
      ...particulars.map(([name, value]) => [name.replaceAll('_', ' '), String(value ?? '-')]),
    ]),
    '',
    storyWords(story),
  ];
  print(cli, json, { order, ...storyJson(story) }, words.join('\n'));
}
