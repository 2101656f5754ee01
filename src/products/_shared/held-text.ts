import { statement, type Reader, type Tx } from '../../db/index.ts';
import type { UnixSeconds } from '../../lib/units.ts';

/** A request in words that was not sold yet: its customer is asked what they mean, and may say `session` or `job`. */
export interface HeldText {
  readonly textId: number;
  readonly inboxId: number;
}

export function holdText(tx: Tx, owner: string, held: HeldText, now: UnixSeconds): void {
  statement(
    tx,
    `INSERT INTO held_texts (owner, text_id, inbox_id, at) VALUES (?, ?, ?, ?)
     ON CONFLICT (owner) DO UPDATE SET text_id = excluded.text_id, inbox_id = excluded.inbox_id, at = excluded.at`,
  ).run(owner, held.textId, held.inboxId, now);
}

/** One that was erased meanwhile (`forget`, retention) is none. */
export function heldTextOf(reader: Reader, owner: string): HeldText | undefined {
  return statement(
    reader,
    `SELECT h.text_id AS textId, h.inbox_id AS inboxId FROM held_texts h JOIN texts t ON t.id = h.text_id AND t.owner = h.owner
     WHERE h.owner = ?`,
  ).get(owner) as HeldText | undefined;
}

export function dropHeldText(tx: Tx, owner: string): void {
  statement(tx, 'DELETE FROM held_texts WHERE owner = ?').run(owner);
}
