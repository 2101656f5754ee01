import type { Clock } from './clock.ts';
import type { Log, LogFields } from './log.ts';

/**
 * An outage is said once, when it begins, and its end once. What fails meanwhile is said at debug only.
 *
 * @param failed and `well`: the events (`price.no_answer`, `price.answers_again`).
 */
export function sayOnce(
  { log, clock }: { readonly log: Log; readonly clock: Clock },
  failed: string,
  well: string,
): { fails(key: string, fields: LogFields): void; works(key: string, fields: LogFields): void } {
  const since = new Map<string, number>();
  return {
    fails: (key, fields) => {
      if (since.has(key)) return log.debug(failed, fields);
      since.set(key, clock.monotonicMs());
      log.warn(failed, fields);
    },
    works: (key, fields) => {
      const began = since.get(key);
      if (began === undefined) return;
      since.delete(key);
      log.info(well, { ...fields, seconds: Math.round((clock.monotonicMs() - began) / 1000) });
    },
  };
}
