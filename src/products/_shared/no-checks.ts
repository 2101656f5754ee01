import type { ProductFace } from '../../engine/index.ts';

/** Its money is checked with that of the order it belongs to. */
// eslint-disable-next-line require-yield
export const noChecks: ProductFace['checks'] = function* () {
  return [];
};
