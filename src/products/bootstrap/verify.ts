import { statement, type Reader } from '../../db/index.ts';
import { brokenRows, type Broken, type Slices, type SqlInvariant } from '../../ledger/index.ts';
import { restOfTerm } from './lease/term.ts';
import { loadNode } from './store.ts';
import type { NodeOrder } from './states.ts';

/** News of the order `x.id` that will be delivered, or was set aside: its money is where it belongs until then. */
const NEWS = `SELECT 1 FROM tasks t WHERE t.kind = 'order.event' AND t.lane = 'order:bootstrap:' || x.id`;

const CHECKS: readonly SqlInvariant[] = [
  [
    'a node holds its fee while it is being made, and nothing before or after',
    `SELECT 'node ' || x.id AS row FROM bootstraps x LEFT JOIN accounts a ON a.id = 'bootstrap:' || x.id
     WHERE coalesce(a.credits - a.debits, 0) <> CASE x.state WHEN 'provisioning' THEN (x.details ->> '$.wanted.feeSats') * 1000 ELSE 0 END
       AND NOT EXISTS (${NEWS})`,
  ],
  [
    'each attempt of a node has one droplet that bills',
    `SELECT 'node ' || order_id AS row FROM cloud_rentals WHERE kind = 'droplet' AND gone_at IS NULL GROUP BY name HAVING count(*) > 1`,
  ],
  [
    'what bills belongs to a node that is being made, runs, or is taken away',
    `SELECT 'rental ' || r.resource AS row FROM cloud_rentals r WHERE r.gone_at IS NULL AND NOT EXISTS
       (SELECT 1 FROM bootstraps x WHERE x.id = r.order_id AND (x.state IN ('provisioning', 'ready', 'expiring') OR x.doing = 'clean_up'))`,
  ],
  [
    'what a node earned belongs to a node',
    `SELECT 'node ' || t.cause AS row FROM transfers t WHERE t.seq BETWEEN @from AND @to AND +t.kind IN ('earned:bootstrap', 'returned:bootstrap')
       AND NOT EXISTS (SELECT 1 FROM bootstraps x WHERE x.id = substr(t.cause, 1, 7) AND 'bootstrap:' || x.id IN (t.debit, t.credit))`,
    'transfers',
  ],
];

/** What only waits: made good by the tasks that are made again at start. */
const LATE: readonly SqlInvariant[] = [
  [
    'work on a node has a task that does it',
    `SELECT 'node ' || x.id AS row FROM bootstraps x WHERE x.doing IS NOT NULL AND x.doing <> 'announce' AND NOT EXISTS (${NEWS})
       AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.kind = 'bootstrap.' || x.doing AND t.state <> 'dead' AND t.payload ->> '$.order.id' = x.id)`,
  ],
  [
    'a lease has a task that ends it',
    `SELECT 'node ' || x.id AS row FROM bootstraps x WHERE x.state IN ('ready', 'expiring') AND coalesce(x.doing, '') <> 'clean_up'
       AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.key = 'timer:bootstrap:' || x.id || ':lease') AND NOT EXISTS (${NEWS})`,
  ],
];

const NODES_IN_A_SLICE = 100;

/** What must hold of nodes: the fee of each term was earned once, what goes back of it is what was not used, nothing bills for nobody. */
export function* checkNodes(reader: Reader): Slices {
  const broken: Broken[] = [];
  broken.push(...(yield* brokenRows(reader, CHECKS)), ...(yield* brokenRows(reader, LATE, 'late')));
  yield;
  const page = statement(reader, `SELECT id FROM bootstraps WHERE id > ? ORDER BY id LIMIT ${NODES_IN_A_SLICE}`);
  for (let last = ''; ; yield) {
    const ids = page.pluck().all(last) as string[];
    for (const id of ids) {
      const node = loadNode(reader, id);
      if (node === undefined) continue;
      for (const invariant of problemsOf(reader, node)) broken.push({ kind: 'books', invariant, row: `node ${id}` });
    }
    const end = ids.at(-1);
    if (end === undefined) return broken;
    last = end;
  }
}

function problemsOf(reader: Reader, node: NodeOrder): string[] {
  const posted = (kind: string): number =>
    statement(
      reader,
      `SELECT coalesce(sum(amount_msats), 0) FROM transfers WHERE kind = @kind AND (cause = @id OR cause GLOB @id || ':*')`,
    )
      .pluck()
      .get({ kind, id: node.id }) as number;
  const problems: string[] = [];
  const fees = node.terms.reduce((sum, { feeSats }) => sum + feeSats, 0);
  if (posted('earned:bootstrap') !== fees * 1000) problems.push('a node earned the fee of each of its terms, once');
  const rests = node.terms.reduce((sum, term) => sum + (term.endedAt === null ? 0 : restOfTerm(term, term.endedAt)), 0);
  if (posted('returned:bootstrap') !== rests * 1000) problems.push('what of a term was not used went back');
  const inOrder = node.terms.every(({ from, until }, nth) => {
    const before = node.terms[nth - 1];
    return from < until && (before === undefined || before.until <= from);
  });
  if (!inOrder) problems.push('no term of a node begins before the one before it ends');
  return problems;
}
