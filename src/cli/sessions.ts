import type { Command } from 'commander';
import type { Database } from '../db/index.ts';
import { orderRow, type OrderRow, type ProductFace } from '../engine/index.ts';
import { parseShortId } from '../lib/ids.ts';
import { sleep } from '../lib/clock.ts';
import { noteOrderDecision, tellOrder } from '../payments/index.ts';
import type { ByHand } from '../products/session/machine.ts';
import { print } from './output.ts';
import { when, withDatabase } from './reading.ts';
import { Failure, UsageError, type Cli } from './run.ts';

interface ActOptions {
  readonly reason: string;
  readonly json?: true;
}

const LOOK_MS = 100;
/** A running Timmy takes news up within a second. */
const TAKEN_WITHIN_MS = 8000;

/** `timmy sessions close|extend`: what the operator decides about one, with a reason, carried out by the running Timmy. */
export function registerSessionActs(sessions: Command, cli: Cli, face: ProductFace): void {
  sessions.description('the newest sessions; close one, or let it last longer, by hand');
  sessions
    .command('close')
    .argument('<id>', 'such as S-4KQ7M')
    .description('end it; what is left is owed to its customer (timmy refunds shows and pays it)')
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--json', 'one JSON object')
    .action((id: string, options: ActOptions) => act(cli, face, id, { type: 'close' }, options));
  sessions
    .command('extend')
    .argument('<id>', 'such as S-4KQ7M')
    .argument('<hours>', 'such as 24, or 0.5')
    .description('let it last longer by so many hours')
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--json', 'one JSON object')
    .action((id: string, hours: string, options: ActOptions) =>
      act(cli, face, id, { type: 'extend', seconds: secondsOf(hours) }, options),
    );
}

function secondsOf(hours: string): number {
  const seconds = Math.round(Number(hours) * 3600);
  if (!/^\d{1,4}(\.\d{1,4})?$/.test(hours) || seconds < 1) throw new UsageError('hours: a number above 0, such as 24');
  return seconds;
}

function act(cli: Cli, face: ProductFace, written: string, command: ByHand, options: ActOptions): Promise<void> {
  const id = parseShortId(written) ?? written;
  const reason = options.reason.trim();
  if (reason === '') throw new UsageError('--reason says why, for the record');
  return withDatabase(cli, async (database) => {
    const before = orderRow(database.read, [face], id);
    if (before === undefined) throw new UsageError(`There is no ${id} among the ${face.plural}.`);
    if (before.state !== 'active' && before.state !== 'paused')
      throw new Failure(`${id} is ${before.state.replaceAll('_', ' ')}: only one that is open can be changed.`);
    const seq = seqOf(database, face, id);
    database.write((tx) => {
      const now = cli.clock.now();
      const what = command.type === 'close' ? 'closed' : `extended by ${command.seconds} seconds`;
      noteOrderDecision(tx, reason, `${id}: ${what}`, now);
      tellOrder(tx, { kind: face.kind, id }, { type: 'by_hand', command }, now);
    });
    const after = await changed(cli, database, face, id, seq);
    if (after === null)
      throw new Failure('It is filed, and nobody has carried it out yet: Timmy does when it runs (timmy start).');
    const { expires_at: expiresAt = null } = face.particulars?.(database.read, id) ?? {};
    const until = typeof expiresAt === 'number' ? ` until ${when(expiresAt)} UTC` : '';
    const words =
      command.type === 'close'
        ? `${id} is ${after.state}. timmy refunds shows what is owed.`
        : `${id} lasts longer${until}.`;
    print(cli, options.json === true, { id, state: after.state, expires_at: expiresAt }, words);
  });
}

/** The session once Timmy has heard of it; null where nobody hears. */
async function changed(
  cli: Cli,
  database: Database,
  face: ProductFace,
  id: string,
  seq: number,
): Promise<OrderRow | null> {
  const began = cli.clock.monotonicMs();
  for (;;) {
    if (seqOf(database, face, id) !== seq) return orderRow(database.read, [face], id) ?? null;
    if (cli.clock.monotonicMs() - began > TAKEN_WITHIN_MS) return null;
    await sleep(cli.clock, LOOK_MS);
  }
}

function seqOf({ read }: Database, { table }: ProductFace, id: string): number {
  return read.$client.prepare(`SELECT seq FROM ${table} WHERE id = ?`).pluck().get(id) as number;
}
