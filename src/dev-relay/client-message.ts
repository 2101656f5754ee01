import type { Filter } from '../nostr/event.ts';
import { isTagKey } from '../nostr/filters.ts';
import { isHex64 } from '../nostr/verify.ts';

/** What a client may say to a relay (NIP-01, NIP-42), its outer form checked. */
export type ClientMessage =
  | { readonly type: 'EVENT'; readonly event: unknown }
  | { readonly type: 'REQ'; readonly id: string; readonly filters: readonly Filter[] }
  | { readonly type: 'CLOSE'; readonly id: string }
  | { readonly type: 'AUTH'; readonly event: unknown }
  | { readonly type: 'bad'; readonly id: string | null; readonly why: string };

const MAX_FILTERS = 10;
const MAX_VALUES = 1_000;

/** Never throws; what cannot be understood is `bad`, with the subscription id where there is one. */
export function parseClientMessage(text: string): ClientMessage {
  const bad = (why: string, id: string | null = null): ClientMessage => ({ type: 'bad', id, why });
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return bad('not JSON');
  }
  if (!Array.isArray(message)) return bad('not an array');
  const [type, first, ...rest] = message as unknown[];
  if (type === 'EVENT' || type === 'AUTH') return { type, event: first };
  if (type !== 'REQ' && type !== 'CLOSE') return bad('unknown message');
  if (typeof first !== 'string' || first.length < 1 || first.length > 64) return bad('subscription id');
  if (type === 'CLOSE') return { type, id: first };
  const filters = rest.map(parseFilter);
  if (filters.length < 1 || filters.length > MAX_FILTERS || !filters.every((filter) => filter !== null)) {
    return bad('filters', first);
  }
  return { type, id: first, filters };
}

function parseFilter(value: unknown): Filter | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  for (const [key, wanted] of Object.entries(value)) {
    if (!isFilterValue(key, wanted)) return null;
  }
  return value as Filter;
}

function isFilterValue(key: string, wanted: unknown): boolean {
  if (key === 'since' || key === 'until' || key === 'limit') return Number.isSafeInteger(wanted) && Number(wanted) >= 0;
  const isList = key === 'ids' || key === 'authors' || key === 'kinds' || isTagKey(key);
  // Keys that we do not know (NIP-50 "search") ask for nothing that we could leave out.
  if (!isList) return true;
  if (!Array.isArray(wanted) || wanted.length > MAX_VALUES) return false;
  if (key === 'ids' || key === 'authors') return wanted.every(isHex64);
  return wanted.every((item) => (key === 'kinds' ? Number.isInteger(item) : typeof item === 'string'));
}
