import { statement, type Reader } from '../../db/index.ts';
import { createOrderStore, type AtWork } from '../../engine/index.ts';
import { orderOfName } from './names.ts';
import type { NodeOrder } from './states.ts';

const nodes = createOrderStore<NodeOrder>({
  kind: 'bootstrap',
  table: 'bootstraps',
  columns: { doing: 'doing' },
  derived: { node_pubkey: ({ node }) => node?.pubkey ?? null },
});

export const { load: loadNode, insert: insertNode, save: saveNode, remove: removeNode } = nodes;

const LIVE = `state IN ('awaiting_payment', 'provisioning', 'ready', 'expiring')`;

/** The one node of this customer that waits for its fee, is being made, or runs. */
export function liveNodeOf(reader: Reader, owner: string): NodeOrder | undefined {
  return nodes.first(reader, `owner = ? AND ${LIVE}`, owner);
}

/** The order whose node speaks with this key. */
export function nodeOfPubkey(reader: Reader, pubkey: string): NodeOrder | undefined {
  return nodes.first(reader, 'node_pubkey = ?', pubkey);
}

/** Everything that exists, or may exist, at a cloud because of an order. */
export function nodesAtClouds(reader: Reader): NodeOrder[] {
  return [
    ...nodes.all(reader, `state IN ('provisioning', 'ready', 'expiring')`),
    ...nodes.all(reader, `doing IS NOT NULL AND state NOT IN ('provisioning', 'ready', 'expiring')`),
  ];
}

/** The newest order of this customer. */
export function newestNodeOf(reader: Reader, owner: string): NodeOrder | undefined {
  return nodes.first(reader, 'owner = ? ORDER BY created_at DESC, rowid DESC LIMIT 1', owner);
}

/** What is owed outside; a node's first word is waited for, not done. */
export function nodesAtWork(reader: Reader): AtWork[] {
  const sql = `SELECT id, owner, doing AS activity FROM bootstraps WHERE doing IS NOT NULL AND doing <> 'announce'`;
  const rows = statement(reader, sql).all() as { id: string; owner: string; activity: string }[];
  return rows.map((row) => ({ ...row, input: {} }));
}

/** Does another order that is being made need this SSH key at the cloud? Who made it by then takes it away himself. */
export function isKeyUsedElsewhere(reader: Reader, { id, sshPublicKey }: NodeOrder): boolean {
  const sql = `SELECT 1 FROM bootstraps WHERE id <> ? AND details ->> '$.sshPublicKey' = ?
    AND state = 'provisioning' AND coalesce(doing, '') <> 'clean_up' LIMIT 1`;
  return statement(reader, sql).get(id, sshPublicKey) !== undefined;
}

/** Is a thing at a cloud called after an order of this database? Another Timmy of the same account names its own so, too. */
export function isOfOurs(reader: Reader, name: string): boolean {
  const named = orderOfName(name);
  return named !== null && loadNode(reader, named.orderId) !== undefined;
}
