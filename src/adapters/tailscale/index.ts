export { createTailscale, type TailscaleOptions } from './tailnet.ts';
export type { TailscaleAccess } from './access.ts';
