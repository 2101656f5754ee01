import { z } from 'zod';
import { OutsideError } from '../../lib/errors.ts';
import type { CloudNo } from '../../ports/cloud.ts';
import type { JsonAnswer } from '../http/index.ts';

/** An error in Tailscale's own words. */
const problemShape = z.object({ message: z.string() });

/** As for clouds: only Tailscale's own words are a final no, or "it is not there". */
export function refusal(answer: JsonAnswer, creates: boolean): OutsideError {
  const { status } = answer;
  if (status === 429) {
    const seconds = Number(answer.header('retry-after') ?? 30);
    const wait = Number.isFinite(seconds) ? Math.min(300, Math.max(1, Math.ceil(seconds))) : 30;
    return new OutsideError('unavailable', 'tailnet.rate_limited', { retryAfterSeconds: wait });
  }
  if (status >= 300 && status < 400) return new OutsideError('unavailable', 'tailnet.redirected');
  const problem = problemShape.safeParse(answer.json).data?.message ?? null;
  if (problem === null || status >= 500) {
    return new OutsideError(creates ? 'unknown' : 'unavailable', `tailnet.http_${status}`);
  }
  if (status === 401) return no('unauthorized');
  // A tag that the OAuth client may not give is told as a bad request.
  return no(status === 403 || /not permitted/i.test(problem) ? 'forbidden' : 'invalid');
}

export function isAbsent(answer: JsonAnswer): boolean {
  return answer.status === 404 && problemShape.safeParse(answer.json).success;
}

function no(why: CloudNo): OutsideError {
  return new OutsideError('rejected', why);
}
