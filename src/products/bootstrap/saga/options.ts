import type { Database } from '../../../db/index.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { Rng } from '../../../lib/rng.ts';
import type { SealSecret } from '../../../messaging/index.ts';
import type { CloudShop } from '../../_shared/cloud-shop.ts';
import type { BootstrapSettings } from '../config.ts';
import type { NodeOrder } from '../states.ts';
import type { Journal } from './journal.ts';

/** A cloud shows a new thing within so long, by all that was seen of it. Seconds. */
export const SETTLE_SECONDS = 60;

export interface SagaOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly settings: BootstrapSettings;
  readonly clouds: CloudShop;
  readonly journal: Journal;
  readonly sealSecret: SealSecret;
  /** The messages in which the private half of a pair that we made goes to its owner; nothing else ever holds it. */
  readonly keyTexts: (node: NodeOrder, privateKey: string) => readonly string[];
}
