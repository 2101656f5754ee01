import { plusSeconds, sats, type Sats, type UnixSeconds } from '../../../lib/units.ts';
import type { Term } from '../states.ts';

/** The term that ends last: when it is over, so is the lease. */
export function lastTerm(terms: readonly Term[]): Term | undefined {
  return terms.at(-1);
}

/** What of a term's fee was not used up at `at`: the used part is charged, rounded up to a whole sat (docs/receipts.md). */
export function restOfTerm({ feeSats, from, until }: Term, at: UnixSeconds): Sats {
  if (at >= until) return sats(0);
  const used = BigInt(Math.max(0, at - from));
  const seconds = BigInt(until - from);
  return sats(feeSats - Number((BigInt(feeSats) * used + seconds - 1n) / seconds));
}

/** Terms that run or are still to come, each with what is left of its fee at `at`. */
export function restOfTerms(terms: readonly Term[], at: UnixSeconds): { readonly term: Term; readonly rest: Sats }[] {
  return terms.flatMap((term) => {
    const rest = restOfTerm(term, at);
    return term.endedAt !== null || rest === 0 ? [] : [{ term, rest }];
  });
}

/** Ends these terms at `at`; one that has not begun is not used at all. */
export function endTerms(terms: readonly Term[], ended: readonly Term[], at: UnixSeconds): Term[] {
  return terms.map((term) => {
    if (!ended.includes(term)) return term;
    return { ...term, endedAt: at < term.from ? term.from : at };
  });
}

export type LeaseStep =
  /** Its owner is to be told that it ends in so many seconds. */
  | { readonly step: 'warn'; readonly seconds: number }
  /** Its time is over: the grace begins. */
  | { readonly step: 'over' }
  /** The grace is over too. */
  | { readonly step: 'destroy' }
  | { readonly step: 'wait'; readonly until: UnixSeconds };

export interface Lease {
  readonly until: UnixSeconds;
  readonly isOver: boolean;
  readonly warnedAt: readonly UnixSeconds[];
  readonly graceUntil: UnixSeconds;
}

/**
 * What the lease asks for at `now`. A warning that was missed (we were down) is given once, late, and not each of those
 * that were due by then.
 * @param warnings seconds before the end, the longest first.
 */
export function leaseStep(lease: Lease, warnings: readonly number[], now: UnixSeconds): LeaseStep {
  const { until, isOver, warnedAt, graceUntil } = lease;
  if (now >= until) {
    if (!isOver) return { step: 'over' };
    return now >= graceUntil ? { step: 'destroy' } : { step: 'wait', until: graceUntil };
  }
  const due = warnings.map((before) => plusSeconds(until, -before));
  const passed = due.filter((at) => at <= now);
  const latest = passed.at(-1);
  if (latest !== undefined && !warnedAt.some((at) => at >= latest)) return { step: 'warn', seconds: until - now };
  return { step: 'wait', until: due.find((at) => at > now) ?? until };
}
