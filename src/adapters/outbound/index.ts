/** The one guarded way to where strangers point us: LNURLs, addresses, relays. */
export { pinnedLookup, resolveChecked, type DoorRules, type Resolve } from './door.ts';
export { createSafeFetch, type SafeAnswer, type SafeFetch, type SafeFetchOptions } from './safe-fetch.ts';
