import type { Reader } from '../../db/index.ts';
import { brokenRows, type Slices, type SqlInvariant } from '../../ledger/index.ts';

const LATE: readonly SqlInvariant[] = [
  [
    'a free question has a task that moves it',
    `SELECT 'demo ' || d.id AS row FROM demos d WHERE d.state IN ('looking', 'answering')
       AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.kind = 'order.event' AND t.lane = 'order:demo:' || d.id
                         AND t.payload ->> '$.event.type' IN ('activity_done', 'activity_failed'))
       AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.kind IN ('demo.look', 'demo.answer') AND t.state <> 'dead'
                         AND t.payload ->> '$.order.id' = d.id)`,
  ],
];

/** What must hold of free questions. They have no money. */
export function checkDemos(reader: Reader): Slices {
  return brokenRows(reader, LATE, 'late');
}
