/** Who writes to us: how to reach them, what they prefer, what they wrote, how fast they may talk. */
export * from './store.ts';
export { automaticDestination } from './destinations.ts';
export {
  createTextBox,
  createTexts,
  eraseTextsBefore,
  eraseTextsOf,
  type TextBox,
  type TextId,
  type Texts,
} from './texts.ts';
export { createRateLimits, type RateLimits, type RateSettings, type RateVerdict } from './rate-limits.ts';
