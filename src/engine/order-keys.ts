import { statement, type Reader, type Tx } from '../db/index.ts';
import { reachingBack } from '../downtime/index.ts';
import type { UnixSeconds } from '../lib/units.ts';

/** Time in which we could not serve does not count. */
const KEY_SECONDS = 86_400;

/** What this key stands for: nothing yet, this object, or the same key with other params. */
export type KeyUse =
  { readonly use: 'free' } | { readonly use: 'same'; readonly orderId: string } | { readonly use: 'other_params' };

export function findKeyUse(
  reader: Reader,
  of: { owner: string; method: string; key: string; paramsHash: string },
  now: UnixSeconds,
): KeyUse {
  const row = statement(
    reader,
    'SELECT params_hash AS paramsHash, order_id AS orderId FROM order_keys WHERE owner = ? AND method = ? AND key = ? AND at > ?',
  ).get(of.owner, of.method, of.key, reachingBack(reader, now, KEY_SECONDS)) as
    { paramsHash: string; orderId: string } | undefined;
  if (row === undefined) return { use: 'free' };
  return row.paramsHash === of.paramsHash ? { use: 'same', orderId: row.orderId } : { use: 'other_params' };
}

export function keepKeyUse(
  tx: Tx,
  of: { owner: string; method: string; key: string; paramsHash: string; orderId: string },
  now: UnixSeconds,
): void {
  statement(
    tx,
    `INSERT INTO order_keys (owner, method, key, params_hash, order_id, at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (owner, method, key) DO UPDATE SET params_hash = excluded.params_hash, order_id = excluded.order_id, at = excluded.at`,
  ).run(of.owner, of.method, of.key, of.paramsHash, of.orderId, now);
}
