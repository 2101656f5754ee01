import { keepFact, readFact, statement, type Reader, type Tx } from '../../db/index.ts';
import { OutsideError } from '../../lib/errors.ts';
import type { Cloud } from '../../ports/cloud.ts';

/**
 * Things of ours live in one account of the cloud. Under a token of another one all of them look gone, and nothing would
 * be told from what is really gone: so nothing is made, ended or given up there.
 *
 * @throws OutsideError unavailable `other_account`.
 */
export async function onlyOurAccount(cloud: Cloud, reader: Reader, signal: AbortSignal): Promise<void> {
  const { id } = await cloud.account(signal);
  const known = readFact(reader, 'cloud_account');
  if (known !== null && known !== id) throw new OutsideError('unavailable', 'other_account');
}

/** Takes an account as ours, unless things of ours live in another one. @returns whether it is ours. */
export function takeAccount(tx: Tx, id: string): boolean {
  const known = readFact(tx, 'cloud_account');
  if (known === id) return true;
  if (known !== null && somethingLives(tx)) return false;
  keepFact(tx, 'cloud_account', id);
  return true;
}

function somethingLives(reader: Reader): boolean {
  const sql = `SELECT 1 FROM cloud_rentals WHERE gone_at IS NULL
    UNION ALL SELECT 1 FROM bootstraps WHERE state IN ('provisioning', 'ready', 'expiring') OR doing IS NOT NULL LIMIT 1`;
  return statement(reader, sql).get() !== undefined;
}
