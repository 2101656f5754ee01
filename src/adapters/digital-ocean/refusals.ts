import { OutsideError } from '../../lib/errors.ts';
import type { CloudNo } from '../../ports/cloud.ts';
import type { JsonAnswer } from '../http/index.ts';
import { problemShape } from './shapes.ts';

/** Words of theirs that tell a final no from another, in the order in which they are looked for. */
const NOES: readonly (readonly [RegExp, CloudNo])[] = [
  [/exceed your droplet limit|droplet limit/i, 'droplet_limit'],
  [/already in use on your account/i, 'key_in_use'],
  [/key invalid|invalid key|key identifiers/i, 'key_invalid'],
  [/payment|billing|credit card/i, 'payment_required'],
  [/account.{0,40}(locked|suspended|verif)/i, 'account_locked'],
  [/\b(region|size)\b/i, 'region_or_size'],
  [/\bimage\b/i, 'image'],
];

/**
 * What this answer, which is no success, means for a call that `creates` or does not. Only the cloud's own words are a
 * final no or "it is not there"; the same status from a proxy means "try later".
 */
export function refusal(answer: JsonAnswer, creates: boolean, nowSeconds: number): OutsideError {
  const { status } = answer;
  if (status === 429) {
    return new OutsideError('unavailable', 'cloud.rate_limited', { retryAfterSeconds: waitOf(answer, nowSeconds) });
  }
  // A redirect was not followed: nothing happened.
  if (status >= 300 && status < 400) return new OutsideError('unavailable', 'cloud.redirected');
  const problem = problemOf(answer);
  if (problem === null || status >= 500) {
    return new OutsideError(creates ? 'unknown' : 'unavailable', `cloud.http_${status}`);
  }
  if (status === 401) return no('unauthorized');
  if (status === 402) return no('payment_required');
  if (status === 403) return no(/locked|suspended|verif/i.test(problem) ? 'account_locked' : 'forbidden');
  // There is one of this name, perhaps ours.
  if (status === 409) return new OutsideError(creates ? 'unknown' : 'unavailable', 'cloud.conflict');
  if (status === 422 && /pending event/i.test(problem)) return new OutsideError('unavailable', 'busy');
  return no(NOES.find(([words]) => words.test(problem))?.[1] ?? 'invalid');
}

/** Digital Ocean itself says that there is none of it. */
export function isAbsent(answer: JsonAnswer): boolean {
  return answer.status === 404 && problemShape.safeParse(answer.json).data?.id === 'not_found';
}

function problemOf(answer: JsonAnswer): string | null {
  return problemShape.safeParse(answer.json).data?.message ?? null;
}

function no(why: CloudNo): OutsideError {
  return new OutsideError('rejected', why);
}

/** `retry-after` comes with a burst's 429 alone; the hour's says when its oldest request will have gone. */
function waitOf(answer: JsonAnswer, nowSeconds: number): number {
  const after = Number(answer.header('retry-after') ?? NaN);
  const reset = Number(answer.header('ratelimit-reset') ?? NaN) - nowSeconds;
  const wait = Number.isFinite(after) ? after : Number.isFinite(reset) ? reset : 30;
  return Math.min(300, Math.max(1, Math.ceil(wait)));
}
