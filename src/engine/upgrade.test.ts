import { expect, it } from 'vitest';
import { knownMigrations, migrate, openDatabase } from '../db/index.ts';
import { unixSeconds } from '../lib/units.ts';

it('takes over the work that waits in a database of the last version, each activity as its own kind', () => {
  const now = unixSeconds(1_800_000_000);
  const known = knownMigrations();
  const before = known.findIndex((one) => one.tag.endsWith('_rooms_for_work'));
  const database = openDatabase(':memory:');
  migrate(database, now, () => {}, known.slice(0, before));
  const owner = 'ab'.repeat(32);
  const file = database.read.$client.prepare(
    `INSERT INTO tasks (kind, lane, key, payload, state, due_at, attempt, tries, created_at) VALUES (?, ?, ?, ?, ?, 5, 1, 2, 5)`,
  );
  const activity = (name: string): string =>
    JSON.stringify({ order: { kind: 'job', id: 'J-AAAAA' }, activity: name, input: {}, memory: { since: 7 } });
  file.run('order.activity', `run:${owner}:2`, null, activity('evaluate'), 'waiting');
  file.run('order.activity', `run:${owner}:0`, null, activity('execute'), 'running');
  file.run('order.event', 'timer:J-AAAAA:say_paid', 'timer:job:J-AAAAA:say_paid', '{}', 'waiting');
  file.run('payout.watch', 'payout:00', 'payout.watch:00', '{}', 'waiting');
  file.run('order.event', 'order:job:J-AAAAA', null, '{}', 'waiting');
  migrate(database, now, () => {}, known);
  const sql = 'SELECT kind, lane, state, attempt, tries, behind FROM tasks ORDER BY id';
  const rest = { attempt: 1, tries: 2, behind: 0 };
  expect(database.read.$client.prepare(sql).all()).toEqual([
    { kind: 'job.evaluate', lane: `run:${owner}`, state: 'waiting', ...rest },
    { kind: 'job.execute', lane: `run:${owner}`, state: 'running', ...rest },
    { kind: 'order.event', lane: null, state: 'waiting', ...rest },
    { kind: 'payout.watch', lane: null, state: 'waiting', ...rest },
    { kind: 'order.event', lane: 'order:job:J-AAAAA', state: 'waiting', ...rest },
  ]);
  const payload = database.read.$client.prepare('SELECT payload FROM tasks WHERE id = 1').pluck().get();
  expect(JSON.parse(payload as string)).toMatchObject({ memory: { since: 7 } });
  database.close();
});
