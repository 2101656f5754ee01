import { createTextKeys, createTexts, openKeyFile, type Texts } from '../../src/customers/index.ts';
import { rng } from './guest.ts';

/** Texts whose keys live as long as the test. */
export function freshTexts(): Texts {
  return createTexts(createTextKeys(openKeyFile(':memory:', rng), rng.bytes(32), rng), rng);
}
