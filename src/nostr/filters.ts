import type { Filter, Rumor } from './event.ts';

/** Whether `event` is what `filter` asks for (NIP-01; `limit` aside). */
export function matchesFilter(event: Rumor, filter: Filter): boolean {
  if (filter.ids !== undefined && !filter.ids.includes(event.id)) return false;
  if (filter.authors !== undefined && !filter.authors.includes(event.pubkey)) return false;
  if (filter.kinds !== undefined && !filter.kinds.includes(event.kind)) return false;
  if (filter.since !== undefined && event.created_at < filter.since) return false;
  if (filter.until !== undefined && event.created_at > filter.until) return false;
  for (const [key, values] of Object.entries(filter)) {
    if (!isTagKey(key) || !Array.isArray(values)) continue;
    if (!event.tags.some((tag) => tag[0] === key[1] && tag[1] !== undefined && values.includes(tag[1]))) return false;
  }
  return true;
}

/** `#p`, `#e`, …: a single letter after the sign. */
export function isTagKey(key: string): key is `#${string}` {
  return /^#[a-zA-Z]$/.test(key);
}
