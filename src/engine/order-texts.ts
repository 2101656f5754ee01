import { statement, type Reader } from '../db/index.ts';
import { sqlList, type ProductFace, type TextUse } from './face.ts';

/** Every column of every product that names texts. */
function usesOf(faces: readonly ProductFace[]): (TextUse & { readonly table: string })[] {
  return faces.flatMap(({ table, texts }) => texts.map((use) => ({ table, ...use })));
}

/**
 * Conditions in SQL on a text of `owner` with this `id` (columns of the row asked about): no order names it, or none
 * still needs it.
 */
export function noOrderNames(
  faces: readonly ProductFace[],
  owner: string,
  id: string,
  only: 'at all' | 'needed',
): string {
  const conditions = usesOf(faces).map(
    ({ table, column, needed }) =>
      `NOT EXISTS (SELECT 1 FROM ${table} o WHERE o.owner = ${owner} AND o.${column} = ${id}${only === 'needed' ? ` AND (${needed})` : ''})`,
  );
  return conditions.length === 0 ? '1' : conditions.join('\n       AND ');
}

/** The texts of this owner that orders still need. */
export function textsNeeded(reader: Reader, faces: readonly ProductFace[], owner: string): number[] {
  return usesOf(faces).flatMap(({ table, column, needed }) => {
    const sql = `SELECT o.${column} FROM ${table} o WHERE o.owner = ? AND o.${column} IS NOT NULL AND (${needed})`;
    return statement(reader, sql).pluck().all(owner) as number[];
  });
}

/** Since when (unix seconds) the oldest work under way of this owner is in the state it is in; null where there is none. */
export function atWorkSince(reader: Reader, faces: readonly ProductFace[], owner: string): number | null {
  const since = faces.flatMap(({ table, states }) => {
    const sql = `SELECT min(updated_at) FROM ${table} WHERE owner = ? AND state IN ${sqlList(states.atWork)}`;
    return (statement(reader, sql).pluck().get(owner) as number | null) ?? [];
  });
  return since.length === 0 ? null : Math.min(...since);
}
