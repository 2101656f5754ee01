import { statement, type Tx } from '../db/index.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { sealSoon } from './outbox.ts';

/**
 * Owes anew the sealing of messages that wait for it and have no task (without its text nothing is left to say). One that was set aside is not missing: it failed
 * again and again, and a person looks. Sealed a second time it would be the same rumor, which clients show once.
 *
 * @returns how many.
 */
export function remakeSealTasks(tx: Tx, now: UnixSeconds): number {
  const rows = statement(
    tx,
    `SELECT id, recipient FROM outbox WHERE state = 'waiting' AND text_id IN (SELECT id FROM texts)
       AND id NOT IN (SELECT payload ->> 'outboxId' FROM tasks WHERE kind = 'outbox.seal')`,
  ).all() as { id: number; recipient: string }[];
  for (const { id, recipient } of rows) sealSoon(tx, id, recipient, now);
  return rows.length;
}
