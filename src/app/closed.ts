import type { Reader } from '../db/index.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { closures } from '../payments/index.ts';
import { isBudgetLeft } from '../products/_shared/model-budget.ts';
import { modelTrouble } from '../products/_shared/model-trouble.ts';

/** Said to customers while sales are stopped. */
const DISK_IS_FULL = 'my disk is nearly full';
const BOOKS_ARE_CHECKED = 'my books are being checked';

const MODEL_IS_AWAY = 'the model that does my work is not to be had';
const BUDGET_IS_SPENT = 'I have done all the work I may do today (UTC)';

/** Why nothing is sold now, in words for customers; null: we are open. Whatever closes us is asked for here. */
export function whyClosed(reader: Reader, dailyBudgetUsd: number, now: UnixSeconds): string | null {
  const closed = closures(reader);
  if (closed.length > 0) return closed.every(({ why }) => why === 'disk') ? DISK_IS_FULL : BOOKS_ARE_CHECKED;
  if (modelTrouble(reader) !== null) return MODEL_IS_AWAY;
  return isBudgetLeft(reader, dailyBudgetUsd, now) ? null : BUDGET_IS_SPENT;
}
