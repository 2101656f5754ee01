import type { Settings } from '../../config/index.ts';
import type { Texts } from '../../customers/index.ts';
import type { Database, Tx } from '../../db/index.ts';
import type { CatalogueEntry } from '../../engine/index.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Rng } from '../../lib/rng.ts';
import type { UnixSeconds } from '../../lib/units.ts';
import type { PriceBook } from '../../payments/index.ts';
import type { ModelGate } from './model-gate.ts';

/** What a daemon has for its products to work with. */
export interface Shop {
  readonly settings: Settings;
  readonly database: Database;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly texts: Texts;
  readonly prices: PriceBook;
  /** The one door to the model. */
  readonly models: ModelGate;
  /** Tells the operator something that needs a person. */
  readonly alert: (tx: Tx, what: string) => void;
  /** When this process began. */
  readonly startedAt: UnixSeconds;
}

/** A product as `products/catalogue.ts` lists it. */
export type Ware = CatalogueEntry<Shop>;
