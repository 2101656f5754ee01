import { statement, type Reader } from '../db/index.ts';
import { newShortId } from '../lib/ids.ts';
import type { Rng } from '../lib/rng.ts';
import { sqlList, type ProductFace } from './face.ts';

/** What all orders have in common, as their rows have it. */
export interface OrderRow {
  readonly kind: string;
  readonly id: string;
  readonly state: string;
  readonly owner: string;
  readonly dialect: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** One order's place among those of its owner; `rank`: of its product, where several were made in one second. */
export interface OrderPlace {
  readonly createdAt: number;
  readonly rank: number;
  readonly row: number;
}

const columns = ({ kind }: ProductFace): string =>
  `'${kind}' AS kind, o.id, o.state, o.owner, o.dialect, o.created_at AS createdAt, o.updated_at AS updatedAt`;

/** Before every order there is. */
const NEWEST: OrderPlace = { createdAt: Number.MAX_SAFE_INTEGER, rank: -1, row: 0 };

/** The product that an id belongs to, by its letter. */
export function faceOf(faces: readonly ProductFace[], id: string): ProductFace | undefined {
  return faces.find(({ prefix }) => id.startsWith(`${prefix}-`));
}

/**
 * The orders of this owner, of all products in one line: newest first, in one second by product and then as they were
 * made. Who goes on behind one of them sees each of the older ones once, whatever is made meanwhile.
 */
export function ordersOf(
  reader: Reader,
  faces: readonly ProductFace[],
  owner: string,
  limit: number,
  after: OrderPlace | null,
): OrderRow[] {
  const parts = faces.map(
    (face, rank) =>
      `SELECT * FROM (SELECT ${columns(face)}, ${rank} AS rank, o.rowid AS row FROM ${face.table} o
         WHERE o.owner = @owner AND o.created_at <= @createdAt
           AND (o.created_at < @createdAt OR ${rank} > @rank OR (${rank} = @rank AND o.rowid < @row))
         ORDER BY o.created_at DESC, o.rowid DESC LIMIT @limit)`,
  );
  if (parts.length === 0) return [];
  const sql = `SELECT kind, id, state, owner, dialect, createdAt, updatedAt FROM (${parts.join(' UNION ALL ')})
    ORDER BY createdAt DESC, rank, row DESC LIMIT @limit`;
  return statement(reader, sql).all({ ...(after ?? NEWEST), owner, limit }) as OrderRow[];
}

/** The place of this owner's order; undefined: there is no such order of theirs. */
export function placeOf(
  reader: Reader,
  faces: readonly ProductFace[],
  owner: string,
  id: string,
): OrderPlace | undefined {
  const face = faceOf(faces, id);
  if (face === undefined) return undefined;
  const sql = `SELECT o.created_at AS createdAt, ${faces.indexOf(face)} AS rank, o.rowid AS row FROM ${face.table} o
    WHERE o.id = ? AND o.owner = ?`;
  return statement(reader, sql).get(id, owner) as OrderPlace | undefined;
}

/** A short id that no order of this product has. */
export function newOrderId(reader: Reader, rng: Rng, { prefix, table }: ProductFace): string {
  for (;;) {
    const id = newShortId(rng, prefix);
    if (statement(reader, `SELECT 1 FROM ${table} WHERE id = ?`).get(id) === undefined) return id;
  }
}

/** The row of this id, whosever it is. */
export function orderRow(reader: Reader, faces: readonly ProductFace[], id: string): OrderRow | undefined {
  const face = faceOf(faces, id);
  if (face === undefined) return undefined;
  return statement(reader, `SELECT ${columns(face)} FROM ${face.table} o WHERE o.id = ?`).get(id) as
    OrderRow | undefined;
}

/** More than the limits let one customer have. */
const MAX_OPEN = 100;

/** The ids of this owner's orders that are not finished, newest first. */
export function openIdsOf(reader: Reader, { table, states }: ProductFace, owner: string): string[] {
  const sql = `SELECT id FROM ${table} o WHERE o.owner = ? AND o.state IN ${sqlList(states.open)}
    ORDER BY o.created_at DESC, o.rowid DESC LIMIT ${MAX_OPEN}`;
  return statement(reader, sql).pluck().all(owner) as string[];
}

/** Whose orders in which state are meant; null: any. */
export interface OrderFilter {
  readonly state: string | null;
  readonly owner: string | null;
}

/** The newest orders of one product, for the operator. */
export function recentOrders(reader: Reader, face: ProductFace, filter: OrderFilter, limit: number): OrderRow[] {
  const wanted = [
    ...(filter.state === null ? [] : ['o.state = @state']),
    ...(filter.owner === null ? [] : ['o.owner = @owner']),
  ];
  const where = wanted.length === 0 ? '' : `WHERE ${wanted.join(' AND ')}`;
  const sql = `SELECT ${columns(face)} FROM ${face.table} o ${where} ORDER BY o.created_at DESC, o.rowid DESC LIMIT @limit`;
  return statement(reader, sql).all({ ...filter, limit }) as OrderRow[];
}

/** How many orders of a product there are in each state. */
export function countByState(reader: Reader, { table }: ProductFace): Record<string, number> {
  const rows = statement(reader, `SELECT state, count(*) AS n FROM ${table} GROUP BY state`).all();
  return Object.fromEntries((rows as { state: string; n: number }[]).map(({ state, n }) => [state, n]));
}

/** Orders whose paid work waits or is under way, of all products together: of one owner, or of all (null). */
export function countAtWork(reader: Reader, faces: readonly ProductFace[], owner: string | null): number {
  const count = ({ table, states }: ProductFace): number => {
    const sql = `SELECT count(*) FROM ${table} o WHERE o.state IN ${sqlList(states.atWork)}${owner === null ? '' : ' AND o.owner = @owner'}`;
    return statement(reader, sql)
      .pluck()
      .get(owner === null ? {} : { owner }) as number;
  };
  return faces.reduce((sum, face) => sum + count(face), 0);
}
