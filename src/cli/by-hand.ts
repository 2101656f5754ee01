import type { Database } from '../db/index.ts';
import { orderRow, type OrderRow, type ProductFace } from '../engine/index.ts';
import { sleep } from '../lib/clock.ts';
import { parseShortId } from '../lib/ids.ts';
import { noteOrderDecision, tellOrder } from '../payments/index.ts';
import { print } from './output.ts';
import { withDatabase } from './reading.ts';
import { Failure, UsageError, type Cli } from './run.ts';

export interface ByHandOptions {
  readonly reason: string;
  readonly json?: true;
}

/** What its product says of it beside its state. */
export type Particulars = ReturnType<NonNullable<ProductFace['particulars']>>;

/** What an operator does to one order. */
export interface Act {
  /** The product's own command, as its machine takes it. */
  readonly command: unknown;
  /** For the record, behind the id ("closed"). */
  readonly what: string;
  /** Why it cannot be done to an order in this state; null: it can. */
  readonly whyNot: (order: OrderRow, particulars: Particulars) => string | null;
  /** What to say when it is done. */
  readonly done: (order: OrderRow, particulars: Particulars) => string;
}

const LOOK_MS = 100;
/** A running Timmy takes news up within a second. */
const TAKEN_WITHIN_MS = 8000;

/** Files what the operator decided about one order, with a reason that is kept; the running Timmy carries it out. */
export function actByHand(
  cli: Cli,
  face: ProductFace,
  written: string,
  act: Act,
  options: ByHandOptions,
): Promise<void> {
  const id = parseShortId(written) ?? written;
  const reason = options.reason.trim();
  if (reason === '') throw new UsageError('--reason says why, for the record');
  return withDatabase(cli, async (database) => {
    const before = orderRow(database.read, [face], id);
    if (before === undefined) throw new UsageError(`There is no ${id} among the ${face.plural}.`);
    const whyNot = act.whyNot(before, face.particulars?.(database.read, id, cli.clock.now()) ?? {});
    if (whyNot !== null) throw new Failure(whyNot);
    const seq = seqOf(database, face, id);
    database.write((tx) => {
      const now = cli.clock.now();
      noteOrderDecision(tx, reason, `${id}: ${act.what}`, now);
      tellOrder(tx, { kind: face.kind, id }, { type: 'by_hand', command: act.command }, now);
    });
    const after = await changed(cli, database, face, id, seq);
    if (after === null)
      throw new Failure('It is filed, and nobody has carried it out yet: Timmy does when it runs (timmy start).');
    const particulars = face.particulars?.(database.read, id, cli.clock.now()) ?? {};
    const { expires_at = null } = particulars;
    print(cli, options.json === true, { id, state: after.state, expires_at }, act.done(after, particulars));
  });
}

/** The order once Timmy has heard of it; null where nobody hears. */
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
