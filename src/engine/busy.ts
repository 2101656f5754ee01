import type { Reader } from '../db/index.ts';
import { refuse, type Refusal } from '../lib/errors.ts';
import type { ProductFace } from './face.ts';
import { countAtWork } from './order-rows.ts';

export interface WorkLimits {
  readonly LIMIT_RUNNING: number;
  readonly LIMIT_PAID_WAITING: number;
}

/** Paid requests of one customer that wait behind those at work. */
const MAX_WAITING = 20;

/** Why no more work is taken on now, from this customer or from anybody, whatever the product; null: there is room. */
export function busyWithOrders(
  faces: readonly ProductFace[],
  limits: WorkLimits,
  reader: Reader,
  owner: string,
): Refusal | null {
  const own = countAtWork(reader, faces, owner);
  if (own >= limits.LIMIT_RUNNING + MAX_WAITING) {
    return refuse(
      'busy',
      `${own} paid requests of yours are still waiting or under way; I take the next when one of them is done. Nothing was charged. status shows how things stand.`,
    );
  }
  // Some of what was sold is still to be paid: the last quarter is kept for it.
  if (countAtWork(reader, faces, null) < Math.ceil(limits.LIMIT_PAID_WAITING * 0.75)) return null;
  return refuse('busy', 'I have all the work I can take just now. Nothing was charged. Please try again in an hour.');
}
