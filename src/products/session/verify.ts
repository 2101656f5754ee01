import { statement, type Reader } from '../../db/index.ts';
import { brokenRows, type Broken, type Slices, type SqlInvariant } from '../../ledger/index.ts';
import { settleRequest } from './need.ts';
import type { Request } from './request-states.ts';
import { loadRequest } from './request-store.ts';
import { sats } from '../../lib/units.ts';

const REQUESTS_IN_A_SLICE = 100;

/** News of the order `x.id` that will be delivered, or was set aside: its money is where it belongs until then. */
const NEWS = (kind: string): string =>
  `SELECT 1 FROM tasks t WHERE t.kind = 'order.event' AND t.lane = 'order:${kind}:' || x.id`;

const CHECKS: readonly SqlInvariant[] = [
  [
    'a session that is over holds no money, unless a request of it is still at work',
    `SELECT 'session ' || x.id AS row FROM sessions x JOIN accounts a ON a.id = 'session:' || x.id
     WHERE x.state IN ('awaiting_payment', 'expired', 'closed') AND a.credits <> a.debits AND NOT EXISTS (${NEWS('session')})
       AND NOT EXISTS (SELECT 1 FROM requests r WHERE r.session_id = x.id AND r.state IN ('evaluating', 'executing'))`,
  ],
  [
    'a session remembers all that was paid into it',
    `SELECT 'session ' || x.id AS row FROM sessions x WHERE NOT EXISTS (${NEWS('session')}) AND
       coalesce((SELECT sum(i.amount_sats) FROM invoices i WHERE i.order_id = x.id AND i.state IN ('paid', 'kept')), 0)
         - coalesce((SELECT sum(t.amount_msats) / 1000 FROM transfers t WHERE t.debit = 'session:' || x.id AND t.kind = 'owed:late_payment'), 0)
       <> x.details ->> 'depositedSats'`,
  ],
  [
    'a request holds what was set aside for it while it is at work, and nothing before or after',
    `SELECT 'request ' || x.id AS row FROM requests x LEFT JOIN accounts a ON a.id = 'request:' || x.id
     WHERE coalesce(a.credits - a.debits, 0) <> CASE WHEN x.state IN ('evaluating', 'executing')
       THEN (x.details ->> '$.need.sats') * 1000 ELSE 0 END`,
  ],
  [
    'what a request earned is what it was charged',
    `SELECT 'request ' || x.id AS row FROM requests x
     WHERE x.charged_sats * 1000 <> coalesce((SELECT t.amount_msats FROM transfers t WHERE t.kind = 'earned:session' AND t.cause = x.id), 0)`,
  ],
  [
    'money that a request earned belongs to a request',
    `SELECT 'request ' || t.cause AS row FROM transfers t WHERE t.seq BETWEEN @from AND @to AND +t.kind = 'earned:session'
       AND NOT EXISTS (SELECT 1 FROM requests x WHERE x.id = t.cause AND t.debit = 'request:' || x.id)`,
    'transfers',
  ],
  [
    'every request that was begun belongs to a session',
    `SELECT 'request ' || x.id AS row FROM requests x WHERE x.state NOT IN ('waiting', 'cancelled') AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = x.session_id)`,
  ],
];

/** What only waits: made good by the tasks that are made again at start, or by a person (`timmy ledger mend`). */
const LATE: readonly SqlInvariant[] = [
  [
    'a request at work has a task that moves it',
    `SELECT 'request ' || x.id AS row FROM requests x WHERE x.state IN ('evaluating', 'executing') AND NOT EXISTS (${NEWS('request')})
       AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.kind IN ('request.evaluate', 'request.execute') AND t.state <> 'dead'
                         AND t.payload ->> '$.order.id' = x.id)`,
  ],
  [
    'a live session has a task that ends it',
    `SELECT 'session ' || x.id AS row FROM sessions x WHERE x.state IN ('active', 'paused')
       AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.key = 'timer:session:' || x.id || ':expire') AND NOT EXISTS (${NEWS('session')})`,
  ],
];

/**
 * What must hold of sessions and their requests: what was paid is spent, owed back or still held, and what was charged
 * derives again from the tokens and the frozen tariff.
 */
export function* checkSessions(reader: Reader): Slices {
  const broken: Broken[] = [];
  broken.push(...(yield* brokenRows(reader, CHECKS)), ...(yield* brokenRows(reader, LATE, 'late')));
  yield;
  const page = statement(
    reader,
    `SELECT n, id FROM requests WHERE n > ? AND state IN ('complete', 'rejected') ORDER BY n LIMIT ${REQUESTS_IN_A_SLICE}`,
  );
  for (let last = 0; ; yield) {
    const rows = page.all(last) as { n: number; id: string }[];
    for (const { id } of rows) {
      const request = loadRequest(reader, id);
      if (request === undefined || isDerived(request)) continue;
      broken.push({
        kind: 'books',
        invariant: 'what was charged derives from tokens and tariff',
        row: `request ${id}`,
      });
    }
    const end = rows.at(-1);
    if (end === undefined) return broken;
    last = end.n;
  }
}

function isDerived(request: Request): boolean {
  if (request.state !== 'complete' && request.state !== 'rejected') return true;
  const { need, verdict, bill, chargedSats } = request;
  const work = request.state === 'complete' ? request.usage : null;
  const again = settleRequest(need, verdict, work, sats(bill.limitSats - need.sats));
  return again.actualSats === bill.actualSats && again.chargedSats === chargedSats;
}
