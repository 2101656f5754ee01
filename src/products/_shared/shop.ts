import type { Settings } from '../../config/index.ts';
import type { Texts } from '../../customers/index.ts';
import type { Database, Reader, Tx } from '../../db/index.ts';
import type { CatalogueEntry } from '../../engine/index.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Refusal } from '../../lib/errors.ts';
import type { Rng } from '../../lib/rng.ts';
import type { UnixSeconds } from '../../lib/units.ts';
import type { SealSecret } from '../../messaging/index.ts';
import type { PriceBook } from '../../payments/index.ts';
import type { CloudShop } from './cloud-shop.ts';
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
  /** Why nothing is sold or done for anybody now, in a customer's words; null: open. */
  readonly closedBecause: (reader: Reader) => string | null;
  /** Why no more work is taken on now, from this customer or from anybody; null: there is room. */
  readonly busyBecause: (reader: Reader, owner: string) => Refusal | null;
  /** Does paid work fill all the places that it has (`LIMIT_PAID_AT_ONCE`)? What is free makes room for it. */
  readonly isPaidWorkFull: (reader: Reader) => boolean;
  /** Owes a message whose text never rests here. */
  readonly sealSecret: SealSecret;
  /** What nodes are made with. */
  readonly clouds: CloudShop;
  /** When this process began. */
  readonly startedAt: UnixSeconds;
}

/** A product as `products/catalogue.ts` lists it. */
export type Ware = CatalogueEntry<Shop>;
