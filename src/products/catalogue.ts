import type { ProductFace } from '../engine/index.ts';
import type { Ware } from './_shared/shop.ts';
import { bootstrap } from './bootstrap/index.ts';
import { demo } from './demo/index.ts';
import { job } from './job/index.ts';
import { session } from './session/index.ts';

/**
 * All that is sold: a line for each product. Words that are no command are offered to them in this order, and the job
 * takes what the others leave.
 */
export const CATALOGUE: readonly Ware[] = [bootstrap, session, job, demo];

/** Their kinds of order, for who reads the database without a daemon. */
export const FACES: readonly ProductFace[] = CATALOGUE.flatMap(({ faces }) => faces);
