import { statement, type Reader, type Tx } from '../../db/index.ts';
import type { AtWork } from '../../engine/index.ts';
import { orderOfName } from './names.ts';
import type { NodeOrder } from './states.ts';

interface Row {
  readonly id: string;
  readonly seq: number;
  readonly state: string;
  readonly owner: string;
  readonly dialect: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly doing: string | null;
  readonly details: string;
}

const COLUMNS = 'id, seq, state, owner, dialect, created_at, updated_at, doing, node_pubkey, details';

function fromRow(row: Row): NodeOrder {
  // Written by `values` alone, from a NodeOrder: the columns and the details together are one.
  return {
    ...(JSON.parse(row.details) as object),
    id: row.id,
    seq: row.seq,
    state: row.state,
    owner: row.owner,
    dialect: row.dialect,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    doing: row.doing,
  } as unknown as NodeOrder;
}

function values(node: NodeOrder): unknown[] {
  const { id, seq, state, owner, dialect, createdAt, updatedAt, doing, ...details } = node;
  const pubkey = node.node?.pubkey ?? null;
  return [id, seq, state, owner, dialect, createdAt, updatedAt, doing, pubkey, JSON.stringify(details)];
}

export function loadNode(reader: Reader, id: string): NodeOrder | undefined {
  const row = statement(reader, `SELECT ${COLUMNS} FROM bootstraps WHERE id = ?`).get(id) as Row | undefined;
  return row === undefined ? undefined : fromRow(row);
}

export function insertNode(tx: Tx, node: NodeOrder): void {
  statement(tx, `INSERT INTO bootstraps (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(...values(node));
}

/** @throws when somebody else changed the row since it was loaded at `expectedSeq`. */
export function saveNode(tx: Tx, node: NodeOrder, expectedSeq: number): void {
  const { changes } = statement(
    tx,
    `UPDATE bootstraps SET id = ?, seq = ?, state = ?, owner = ?, dialect = ?, created_at = ?, updated_at = ?, doing = ?,
       node_pubkey = ?, details = ? WHERE id = ? AND seq = ?`,
  ).run(...values(node), node.id, expectedSeq);
  if (changes !== 1) throw new Error('bootstrap.changed_meanwhile');
}

export function removeNode(tx: Tx, node: NodeOrder): void {
  statement(tx, 'DELETE FROM bootstraps WHERE id = ?').run(node.id);
}

const LIVE = `state IN ('awaiting_payment', 'provisioning', 'ready', 'expiring')`;

/** The one node of this customer that waits for its fee, is being made, or runs. */
export function liveNodeOf(reader: Reader, owner: string): NodeOrder | undefined {
  const row = statement(reader, `SELECT ${COLUMNS} FROM bootstraps WHERE owner = ? AND ${LIVE}`).get(owner) as
    Row | undefined;
  return row === undefined ? undefined : fromRow(row);
}

/** The order whose node speaks with this key. */
export function nodeOfPubkey(reader: Reader, pubkey: string): NodeOrder | undefined {
  const row = statement(reader, `SELECT ${COLUMNS} FROM bootstraps WHERE node_pubkey = ?`).get(pubkey) as
    Row | undefined;
  return row === undefined ? undefined : fromRow(row);
}

/** Everything that exists, or may exist, at a cloud because of an order. */
export function nodesAtClouds(reader: Reader): NodeOrder[] {
  const sql = `SELECT ${COLUMNS} FROM bootstraps WHERE state IN ('provisioning', 'ready', 'expiring')
    UNION ALL SELECT ${COLUMNS} FROM bootstraps WHERE doing IS NOT NULL AND state NOT IN ('provisioning', 'ready', 'expiring')`;
  return (statement(reader, sql).all() as Row[]).map(fromRow);
}

/** The newest order of this customer. */
export function newestNodeOf(reader: Reader, owner: string): NodeOrder | undefined {
  const row = statement(
    reader,
    `SELECT ${COLUMNS} FROM bootstraps WHERE owner = ? ORDER BY created_at DESC, rowid DESC LIMIT 1`,
  ).get(owner) as Row | undefined;
  return row === undefined ? undefined : fromRow(row);
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
