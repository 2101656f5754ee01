/** Who writes to us: how to reach them, what they prefer, what they wrote, how fast they may talk. */
export * from './store.ts';
export { askFor, automaticDestination, knownDestination, storeDestination } from './destinations.ts';
export { failingOf, findFailing, forgetFailures, nextTryAt, noteFailure } from './failing-addresses.ts';
export { createTexts, type Forgotten, type TextId, type Texts } from './texts.ts';
export { createTextKeys, openTextKeys, type TextKeys } from './text-keys.ts';
export { createLocalKeySealer, type KeySealer } from './key-sealer.ts';
export { openKeyFile, type KeyFile, type KeyId } from './key-file.ts';
export { areTextsSealedAnew, sealOldTextsAnew } from './old-texts.ts';
export { createRateLimits, type RateLimits, type RateSettings, type RateVerdict } from './rate-limits.ts';
