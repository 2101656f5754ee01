/** Who writes to us: how to reach them, what they prefer, what they wrote, how fast they may talk. */
export * from './store.ts';
export { askFor, automaticDestination, knownDestination, storeDestination } from './destinations.ts';
export { failingOf, findFailing, forgetFailures, nextTryAt, noteFailure } from './failing-addresses.ts';
export { createTextBox, createTexts, eraseTextsOf, type TextBox, type TextId, type Texts } from './texts.ts';
export { createRateLimits, type RateLimits, type RateSettings, type RateVerdict } from './rate-limits.ts';
