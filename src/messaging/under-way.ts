import { statement, type Reader } from '../db/index.ts';

/** Texts of messages from or to this customer that are still to be handled, or delivered. */
export function textsUnderWay(reader: Reader, owner: string): number[] {
  const sql = `SELECT text_id FROM outbox WHERE recipient = @owner AND state IN ('waiting', 'sealed') AND text_id IS NOT NULL
     UNION SELECT text_id FROM inbox i WHERE sender = @owner AND text_id IS NOT NULL
       AND EXISTS (SELECT 1 FROM tasks t WHERE t.lane = 'peer:' || @owner AND t.kind = 'dm.handle' AND t.payload ->> 'inboxId' = i.id)`;
  return statement(reader, sql).pluck().all({ owner }) as number[];
}

/** Texts of this customer since then that no message is, nor is to be: an order's own. */
export function textsOfNoMessage(reader: Reader, owner: string, since: number): number[] {
  const sql = `SELECT id FROM texts WHERE owner = @owner AND created_at >= @since
     AND id NOT IN (SELECT text_id FROM inbox WHERE sender = @owner AND text_id IS NOT NULL)
     AND id NOT IN (SELECT text_id FROM outbox WHERE recipient = @owner AND text_id IS NOT NULL)`;
  return statement(reader, sql).pluck().all({ owner, since }) as number[];
}
