import type { Reader } from '../../../src/db/index.ts';
import { brokenRows, type Slices, type SqlInvariant } from '../../../src/ledger/index.ts';
import { PRICE } from './states.ts';

/** News of an order that is on its way excuses it. */
const NO_NEWS = `NOT EXISTS (SELECT 1 FROM tasks t WHERE t.kind = 'order.event' AND t.lane = 'order:echo:' || e.id)`;

const CHECKS: readonly SqlInvariant[] = [
  [
    'an echo holds its price while it is at work, and nothing else ever',
    `SELECT 'echo ' || e.id AS row FROM echoes e LEFT JOIN accounts a ON a.id = 'echo:' || e.id
     WHERE coalesce(a.credits - a.debits, 0) <> CASE e.state WHEN 'reversing' THEN ${PRICE * 1000} ELSE 0 END AND ${NO_NEWS}`,
  ],
  [
    'an echo earned its price if it is complete',
    `SELECT 'echo ' || e.id AS row FROM echoes e
     WHERE (e.state = 'complete') <> EXISTS (SELECT 1 FROM transfers t WHERE t.kind = 'earned:echo' AND t.cause = e.id
       AND t.amount_msats = ${PRICE * 1000})`,
  ],
];

/** What must hold of echoes and their money. What holds of all orders is asked elsewhere. */
export function* checkEchoes(reader: Reader): Slices {
  return yield* brokenRows(reader, CHECKS);
}
