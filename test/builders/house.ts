import { existsSync, writeFileSync } from 'node:fs';
import type { HandClock } from '../fakes/hand-clock.ts';
import { compose } from '../../src/app/compose.ts';
import type { Parts, Timmy } from '../../src/app/parts.ts';
import { systemClock } from '../../src/app/system.ts';
import { createStubAgent } from '../../src/adapters/stubs/agent/index.ts';
import { createStubWallet, payStubInvoice } from '../../src/adapters/stubs/wallet/index.ts';
import { createLocalKeySealer, openKeyFile, openTextKeys, type TextKeys } from '../../src/customers/index.ts';
import { loadSettings, type Settings } from '../../src/config/index.ts';
import { migrate, openDatabase, type Database, type Tx } from '../../src/db/index.ts';
import { steadyClockOf } from '../../src/app/time-watch.ts';
import type { MachineClock } from '../../src/lib/steady-clock.ts';
import { noCrashPoints, type ReachCrashPoint } from '../../src/lib/crash-points.ts';
import { silentLog, type Log } from '../../src/lib/log.ts';
import type { Rng } from '../../src/lib/rng.ts';
import { Secret } from '../../src/lib/secret.ts';
import { OutsideError } from '../../src/lib/errors.ts';
import { unixSeconds, type UnixSeconds } from '../../src/lib/units.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { CloudShop } from '../../src/products/_shared/cloud-shop.ts';
import { schedule } from '../../src/tasks/index.ts';
import { createMemoryCloud } from '../fakes/memory-cloud.ts';
import { generateSecretKey, publicKeyOf } from '../../src/nostr/keys.ts';
import { createLocalSigner } from '../../src/nostr/local-signer.ts';
import type { Agent } from '../../src/ports/agent.ts';
import type { BtcPriceSources } from '../../src/ports/btc-price.ts';
import type { LnurlPay } from '../../src/ports/lnurl.ts';
import type { Wallet } from '../../src/ports/wallet.ts';
import type { Ware } from '../../src/products/_shared/shop.ts';
import { CATALOGUE } from '../../src/products/catalogue.ts';
import { createRelayHub, type RelayHub } from '../fakes/relay-hub.ts';
import { freshDatabase, migratedDatabase } from './fresh-database.ts';
import { openGuest, rng as machineRng, type Guest } from './guest.ts';

export { rng, type Guest } from './guest.ts';

export const RELAY = 'ws://127.0.0.1:7001';

/** The keys of texts outlive a house where its database does. */
export const keysBeside = (path: string): string => `${path}.keys`;

export interface House {
  readonly timmy: Timmy;
  readonly database: Database;
  readonly hub: RelayHub;
  readonly settings: Settings;
  readonly textKeys: TextKeys;
  readonly pubkey: string;
  guest(): Promise<Guest>;
  /** Pays an invoice of the stub wallet. */
  pay(bolt11: string): void;
  close(): Promise<void>;
}

/** A whole Timmy in this process: real database, real tasks, real crypto; relays, wallet and model by port. */
export async function openHouse(
  options: {
    env?: Record<string, string>;
    agent?: Agent;
    wallet?: (database: Database) => Wallet;
    clock?: MachineClock;
    log?: Log;
    path?: string;
    lnurl?: LnurlPay;
    priceSources?: BtcPriceSources;
    /** What nodes are made with; without it a cloud in memory, in which everything goes well. */
    clouds?: Partial<CloudShop>;
    /** The relays, and whose Timmy this is, of an earlier life of this database. */
    hub?: RelayHub;
    secretKey?: Secret<Uint8Array>;
    reach?: ReachCrashPoint;
    rng?: Rng;
    freeBytes?: () => number;
    /** Products beside those of the catalogue, asked before them, and the tables that no migration makes yet. */
    alsoSold?: { readonly wares: readonly Ware[]; readonly tables: string };
  } = {},
): Promise<House> {
  const log = options.log ?? silentLog;
  const rng = options.rng ?? machineRng;
  const env = {
    TIMMY_ALLOW_PRIVATE_NETWORK: '1',
    TIMMY_RELAYS: RELAY,
    TEXT_JOIN_SECONDS: '0',
    LIMIT_COMMANDS_BURST: '100',
    ...options.env,
  };
  const settings = loadSettings({ env, cwd: '/' });
  if (options.path !== undefined && !existsSync(options.path)) writeFileSync(options.path, migratedDatabase());
  const database = options.path === undefined ? freshDatabase() : openDatabase(options.path);
  const machine = options.clock ?? systemClock;
  migrate(database, machine.now(), () => {});
  if (options.alsoSold !== undefined) createTables(database, options.alsoSold.tables);
  const clock = steadyClockOf(machine, database.read);
  const hub = options.hub ?? createRelayHub([RELAY]);
  const secretKey = options.secretKey ?? generateSecretKey(rng);
  const signer = createLocalSigner(secretKey, rng);
  const keysFile = options.path === undefined ? ':memory:' : keysBeside(options.path);
  const textKeys = await openTextKeys(openKeyFile(keysFile, rng), createLocalKeySealer(secretKey, rng), rng);
  const relays = hub.connect();
  const network = settings.LIGHTNING_NETWORK;
  const wallet = options.wallet?.(database) ?? createStubWallet({ database, network, clock, rng });
  const parts: Parts = {
    settings,
    inboxRelays: [RELAY],
    discoveryRelays: [],
    textKeys,
    signer,
    database,
    clock,
    rng,
    log,
    reach: options.reach ?? noCrashPoints,
    relays,
    wallet,
    agent: options.agent ?? createStubAgent(),
    priceSources: options.priceSources ?? { count: 1, read: () => Promise.resolve([]) },
    lnurl: options.lnurl ?? {
      resolve: () => Promise.resolve(),
      invoice: () => Promise.reject(new OutsideError('rejected', 'lnurl.no_such_address')),
    },
    clouds: { ...cloudsIn(clock), ...options.clouds },
    version: 'test',
    bornAt: unixSeconds(0),
    freeBytes: options.freeBytes ?? (() => 1e12),
  };
  const timmy = compose(parts, [...(options.alsoSold?.wares ?? []), ...CATALOGUE]);
  const unwatch = wallet.watch(timmy.onWalletHint);
  timmy.time.start();
  timmy.disk.start();
  database.write((tx) => scheduleRecurring(tx, timmy.recurring, clock.now()));
  database.write((tx) => timmy.remakeMissingTasks(tx, clock.now(), true));
  timmy.worker.start();
  timmy.publisher.start();
  const pubkey = publicKeyOf(secretKey);
  relays.start([RELAY], [{ name: 'dm', filter: { kinds: [1059], '#p': [pubkey] }, lookbackSeconds: 0 }], {
    onEvent: (event, relay) => timmy.inbox.receive(event, relay),
    highWater: () => null,
    onSynced: () => {},
    onState: () => {},
  });

  return {
    timmy,
    database,
    hub,
    settings,
    textKeys,
    pubkey,
    guest: () => Promise.resolve(openGuest({ hub, relay: RELAY, clock }, pubkey)),
    pay: (bolt11) => {
      const { result } = database.write((tx) => payStubInvoice(tx, bolt11, clock.now()));
      if (result !== 'paid') throw new Error(`not paid: ${result}`);
    },
    close: async () => {
      unwatch();
      const stopping = Promise.all([timmy.worker.stop(1000), timmy.publisher.stop(1000)]);
      // What sleeps for a moment wakes by itself only where time passes by itself.
      if ('advance' in machine) (machine as HandClock).advance(1000);
      await stopping;
      await relays.close();
      timmy.time.stop();
      timmy.disk.stop();
      textKeys.close();
      database.close();
    },
  };
}

/** What a daemon has, with nodes that are made from a line of text. */
function cloudsIn(clock: Pick<Clock, 'now'>): CloudShop {
  return {
    cloud: createMemoryCloud(clock).cloud,
    tailnet: null,
    claimOf: (orderId, attempt) => `claim of ${orderId}, ${attempt}`,
    userData: (wish) => new Secret(JSON.stringify({ ...wish, claim: `claim of ${wish.orderId}, ${wish.attempt}` })),
  };
}

function scheduleRecurring(tx: Tx, tasks: Timmy['recurring'], now: UnixSeconds): void {
  for (const { kind, key } of tasks) schedule(tx, { kind, payload: {}, key, dueAt: now, now });
}

/** A later life of the same database has them. */
function createTables({ read }: Database, sql: string): void {
  read.$client.exec(sql.replace(/CREATE (TABLE|INDEX)/g, 'CREATE $1 IF NOT EXISTS'));
}
