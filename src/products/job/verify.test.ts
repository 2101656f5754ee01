import { afterEach, beforeEach, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/builders/fresh-database.ts';
import type { Database } from '../../db/index.ts';
import { heldFor, post, WALLET } from '../../ledger/index.ts';
import { msats, unixSeconds } from '../../lib/units.ts';
import { tellOrder } from '../../payments/index.ts';
import { verifyJobs } from './verify.ts';

const NOW = unixSeconds(1_800_000_000);
const ORDER = { kind: 'job', id: 'J-4KQ7M' };
let database: Database;
beforeEach(() => (database = freshDatabase()));
afterEach(() => database.close());

const broken = (): string[] => verifyJobs(database.read).map(({ invariant }) => invariant);

/** A job in this state that holds ten sats; what else it should remember is not here. */
function holding(state: string): void {
  database.write((tx) => {
    tx.$client
      .prepare(
        `INSERT INTO jobs (id, seq, state, owner, dialect, created_at, updated_at, details) VALUES (?, 1, ?, 'ab', 'words', 1, 1, '{}')`,
      )
      .run(ORDER.id, state);
    const held = heldFor(ORDER.kind, ORDER.id);
    post(tx, { debit: WALLET, credit: held, amountMsats: msats(10_000n), kind: 'receipt', cause: 'x', at: NOW });
  });
}

it.each(['rejected', 'failed', 'expired', 'cancelled'])(
  '%s: money it holds is found, unless its event is on the way',
  (state) => {
    holding(state);
    expect(broken()).toContain('a finished job holds no money');
    database.write((tx) => tellOrder(tx, ORDER, { type: 'refund_changed', debtIds: [] }, NOW));
    expect(broken()).not.toContain('a finished job holds no money');
  },
);

it.each(['evaluating', 'executing'])('%s: paid work that nothing moves is found', (state) => {
  holding(state);
  expect(broken()).toContain('paid work has a task that moves it');
});
