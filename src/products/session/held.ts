import { statement, type Reader, type Tx } from '../../db/index.ts';
import { mayTell } from '../../customers/index.ts';
import type { UnixSeconds } from '../../lib/units.ts';
import { sats, type Sats } from '../../lib/units.ts';
import type { Session } from './states.ts';
import { sessionsOfOwner } from './store.ts';

/** A request in words that was not sold yet: its customer is asked what they mean. */
export interface HeldText {
  readonly textId: number;
  readonly inboxId: number;
}

/** Held once for each session that ended: then words are sold as ever. Seconds. */
const ASK_AGAIN = 400 * 86_400;

/** The session whose rest is still owed to this customer, where they were not asked about it yet. */
export function endedWithMoney(
  tx: Tx,
  owner: string,
  now: UnixSeconds,
): { readonly session: Session; readonly owedSats: Sats } | undefined {
  const [last] = sessionsOfOwner(tx, owner, 1);
  if (last === undefined || (last.state !== 'expired' && last.state !== 'closed')) return undefined;
  const sql = `SELECT coalesce(sum(amount_msats), 0) FROM debts WHERE order_id = ? AND state = 'owed'`;
  const owedSats = sats(Math.floor((statement(tx, sql).pluck().get(last.id) as number) / 1000));
  if (owedSats === 0 || !mayTell(tx, owner, `ended:${last.id}`, ASK_AGAIN, now)) return undefined;
  return { session: last, owedSats };
}

export function holdText(tx: Tx, owner: string, held: HeldText, now: UnixSeconds): void {
  statement(
    tx,
    `INSERT INTO held_texts (owner, text_id, inbox_id, at) VALUES (?, ?, ?, ?)
     ON CONFLICT (owner) DO UPDATE SET text_id = excluded.text_id, inbox_id = excluded.inbox_id, at = excluded.at`,
  ).run(owner, held.textId, held.inboxId, now);
}

export function heldTextOf(reader: Reader, owner: string): HeldText | undefined {
  return statement(reader, 'SELECT text_id AS textId, inbox_id AS inboxId FROM held_texts WHERE owner = ?').get(
    owner,
  ) as HeldText | undefined;
}

export function dropHeldText(tx: Tx, owner: string): void {
  statement(tx, 'DELETE FROM held_texts WHERE owner = ?').run(owner);
}
