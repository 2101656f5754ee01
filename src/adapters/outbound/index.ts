/** The one guarded way to where strangers point us (threats.md O6, N10). */
export { pinnedLookup, resolveChecked, type DoorRules, type Resolve } from './door.ts';
export { createSafeFetch, type SafeAnswer, type SafeFetch, type SafeFetchOptions } from './safe-fetch.ts';
