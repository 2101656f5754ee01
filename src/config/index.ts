export { adviceOn, loadSettings, scrubSecrets } from './load.ts';
export type { LoadOptions } from './sources.ts';
export type { Settings } from './fragments.ts';
