import { statement, type Database } from '../db/index.ts';
import { sleep } from '../lib/clock.ts';
import { fileDecision, findDecision, type NewDecision } from '../payments/index.ts';
import { print } from './output.ts';
import { Failure, type Cli } from './run.ts';

const LOOK_MS = 100;
/** A running Timmy takes a task up within a second. */
const TAKEN_WITHIN_MS = 8000;
/** LNbits may take most of a minute to say what it knows of a payment in flight. */
const DONE_WITHIN_MS = 120_000;

/**
 * Files a decision about one payment for the running Timmy to carry out, waits for what comes of it, and says it.
 * @throws Failure when it was refused, or nobody carries it out.
 */
export async function decide(cli: Cli, database: Database, decision: NewDecision, json: boolean): Promise<void> {
  const id = database.write((tx) => fileDecision(tx, decision, cli.clock.now()));
  const began = cli.clock.monotonicMs();
  for (;;) {
    const row = findDecision(database.read, id);
    if (row?.result != null) {
      const isDone = row.result === 'done';
      const value = { result: row.result, what: row.what, payment_hash: row.paymentHash, words: row.words };
      if (json || isDone) print(cli, json, value, row.words ?? '');
      if (!isDone) throw new Failure(row.words ?? 'It was refused.');
      return;
    }
    const waited = cli.clock.monotonicMs() - began;
    if (waited > (isTaken(database, id) ? DONE_WITHIN_MS : TAKEN_WITHIN_MS)) {
      throw new Failure('It is filed, and nobody has carried it out yet: Timmy does when it runs (timmy start).');
    }
    await sleep(cli.clock, LOOK_MS);
  }
}

function isTaken(database: Database, id: number): boolean {
  const sql = `SELECT 1 FROM tasks WHERE kind = 'by_hand' AND payload ->> 'decisionId' = ? AND (state = 'running' OR tries > 0)`;
  return statement(database.read, sql).get(id) !== undefined;
}
