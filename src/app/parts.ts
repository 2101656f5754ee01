import type { Settings } from '../config/index.ts';
import type { TextKeys } from '../customers/index.ts';
import type { Database, Tx } from '../db/index.ts';
import type { Recurring } from '../engine/index.ts';
import type { ReachCrashPoint } from '../lib/crash-points.ts';
import type { Log } from '../lib/log.ts';
import type { Rng } from '../lib/rng.ts';
import type { SteadyClock } from '../lib/steady-clock.ts';
import type { UnixSeconds } from '../lib/units.ts';
import type { Inbox, Publisher } from '../messaging/index.ts';
import type { Signer } from '../nostr/signer.ts';
import type { PriceBook } from '../payments/index.ts';
import type { Agent } from '../ports/agent.ts';
import type { BtcPriceSources } from '../ports/btc-price.ts';
import type { LnurlPay } from '../ports/lnurl.ts';
import type { InboxHandlers, Relays } from '../ports/relays.ts';
import type { Wallet } from '../ports/wallet.ts';
import type { CloudShop } from '../products/_shared/cloud-shop.ts';
import type { Worker } from '../tasks/index.ts';
import type { DiskWatch, FreeBytes } from './disk-watch.ts';
import type { TimeWatch } from './time-watch.ts';

/** Everything Timmy is made of that comes from outside: the ports and the settings. */
export interface Parts {
  readonly settings: Settings;
  readonly inboxRelays: readonly string[];
  readonly discoveryRelays: readonly string[];
  readonly textKeys: TextKeys;
  readonly signer: Signer;
  readonly database: Database;
  readonly clock: SteadyClock;
  readonly rng: Rng;
  readonly log: Log;
  readonly reach: ReachCrashPoint;
  readonly relays: Relays;
  readonly wallet: Wallet;
  readonly agent: Agent;
  readonly priceSources: BtcPriceSources;
  readonly lnurl: LnurlPay;
  readonly clouds: CloudShop;
  readonly version: string;
  readonly bornAt: UnixSeconds;
  /** On the disk of the data directory. */
  readonly freeBytes: FreeBytes;
}

export interface Timmy {
  readonly worker: Worker;
  readonly publisher: Publisher;
  readonly inbox: Inbox;
  readonly prices: PriceBook;
  /**
   * Makes the tasks again that rows say are owed and that are not there; those that are cost nothing.
   * @param atStart also tries debts once more whose last try may rightly have been the last.
   */
  readonly remakeMissingTasks: (tx: Tx, now: UnixSeconds, atStart: boolean) => void;
  /** Tasks of products that begin by themselves. */
  readonly recurring: readonly Recurring[];
  readonly time: TimeWatch;
  readonly disk: DiskWatch;
  /** A push of the wallet: look sooner. */
  readonly onWalletHint: (paymentHash: string | null) => void;
  readonly onRelayTrouble: NonNullable<InboxHandlers['onTrouble']>;
}
