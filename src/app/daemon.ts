import { chmodSync, rmSync } from 'node:fs';
import type { Settings } from '../config/index.ts';
import { curve } from '../curve/index.ts';
import { findRelayList } from '../customers/index.ts';
import {
  dataDir,
  keepFact,
  lockDataDir,
  migrate,
  openDatabase,
  prepareDataDir,
  readFact,
  type Database,
} from '../db/index.ts';
import { startDevRelay, type DevRelay } from '../dev-relay/index.ts';
import { withTimeout, type Clock } from '../lib/clock.ts';
import { ConfigError, OutsideError } from '../lib/errors.ts';
import { errorFields, type Log } from '../lib/log.ts';
import type { Rng } from '../lib/rng.ts';
import type { Secret } from '../lib/secret.ts';
import type { MachineClock } from '../lib/steady-clock.ts';
import { unixSeconds, type UnixSeconds } from '../lib/units.ts';
import { beginRelayStates, highWater, noteRelayState, raiseHighWater } from '../messaging/index.ts';
import { encodeNpub } from '../nostr/keys.ts';
import { createLocalSigner } from '../nostr/local-signer.ts';
import { adoptWallet, askWallet, readWallet, RECONCILE_KEY } from '../payments/index.ts';
import type { RelayState } from '../ports/relays.ts';
import type { Wallet } from '../ports/wallet.ts';
import { schedule } from '../tasks/index.ts';
import type { Recurring } from '../engine/index.ts';
import { createAdapters, type Adapters } from './adapters.ts';
import { createCloudShop } from './clouds.ts';
import { areNodesOffered } from '../products/bootstrap/config.ts';
import { compose } from './compose.ts';
import type { Timmy } from './parts.ts';
import { freeBytesOf, roomToWrite } from './disk-watch.ts';
import { HOUSEKEEPING_KEY } from './housekeeping.ts';
import { PROFILE_TASK_KEY } from './profile-task.ts';
import { crashPoints } from './system.ts';
import { openKeys } from './text-keys.ts';
import { steadyClockOf } from './time-watch.ts';

export interface DaemonOptions {
  readonly settings: Settings;
  readonly secretKey: Secret<Uint8Array>;
  readonly clock: MachineClock;
  readonly rng: Rng;
  readonly log: Log;
  readonly version: string;
  /** Adds an embedded relay on loopback, and reads there. */
  readonly dev: boolean;
  /** With `dev`: were relays named? Then they are read as well; else the embedded one alone. */
  readonly relaysNamed?: boolean;
}

export interface Daemon {
  readonly npub: string;
  readonly devRelayUrl: string | null;
  readonly relays: readonly string[];
  /** Resolves when the inbox is subscribed on at least one relay. */
  readonly ready: Promise<void>;
  /** Stops taking work, finishes or parks what is under way, closes everything; within ten seconds. */
  stop(): Promise<void>;
}

const LOOKBACK_SECONDS = 3 * 86_400;
const STOP_GRACE_MS = 7000;
/** What is under way to a relay is sent again by the next life: little is lost by breaking it off. */
const PUBLISH_GRACE_MS = 3000;

/**
 * Starts Timmy: lock, database, migrations, worker, relays, in this order. The worker begins before any relay is
 * there: payments are watched and refunds paid without relays.
 *
 * @throws ConfigError when it cannot run as configured; nothing is left running then.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { settings, rng, log } = options;
  const dir = dataDir(settings.TIMMY_DATA_DIR);
  prepareDataDir(dir);
  const unlock = lockDataDir(dir);
  const undo: (() => unknown)[] = [unlock];
  try {
    await roomToWrite(dir.path, options.clock, log);
    const database = openChecked(dir.databaseFile, options.clock, log);
    undo.unshift(() => database.close());
    const clock = steadyClockOf(options.clock, database.read);
    database.onNews(([event, fields]) => log.info(event, fields));
    const bornAt = birth(database, clock);
    database.write((tx) => keepFact(tx, 'started_at', String(clock.now())));
    const devRelay = options.dev ? await startDevRelay({ port: settings.TIMMY_DEV_RELAY_PORT }) : null;
    if (devRelay !== null) undo.unshift(() => devRelay.close());
    const where = relaysOf(options, devRelay);
    const signer = createLocalSigner(options.secretKey, rng);
    log.info('curve.engine', { name: curve.name });
    checkIdentity(database, signer.publicKey);
    const textKeys = await openKeys({ dir, database, secretKey: options.secretKey, clock, rng, log });
    undo.unshift(() => textKeys.close());
    const adapters = createAdapters({ settings, database, clock, rng, log, signer, trustedRelays: where.inboxRelays });
    await adopt(adapters.wallet, database, clock, log);
    const reach = crashPoints(settings.TIMMY_CRASH_AT);
    const clouds = createCloudShop({
      settings,
      secretKey: options.secretKey,
      publicKey: signer.publicKey,
      inboxRelays: where.inboxRelays,
      relaysOf: (npub) => [
        ...(findRelayList(database.read, npub, 10050)?.relays ?? []),
        ...(findRelayList(database.read, npub, 10002)?.relays ?? []),
      ],
      ...adapters,
    });
    const timmy = compose({
      settings,
      ...where,
      textKeys,
      signer,
      database,
      clock,
      rng,
      log,
      reach,
      ...adapters,
      clouds,
      version: options.version,
      bornAt,
      freeBytes: freeBytesOf(dir.path),
    });
    announceStubs(options, database, adapters);
    adapters.stubNodes.start();
    undo.unshift(() => adapters.stubNodes.stop());

    const stopHints = adapters.wallet.watch(timmy.onWalletHint);
    scheduleRecurring(database, clock, timmy.recurring);
    timmy.time.start();
    timmy.disk.start();
    database.write((tx) => timmy.remakeMissingTasks(tx, clock.now(), true));
    timmy.worker.start();
    timmy.publisher.start();
    // Asked before anybody needs it: the first customer does not wait for slow price sources.
    void timmy.prices.refresh(new AbortController().signal);
    const npub = encodeNpub(signer.publicKey);
    const ready = subscribe(timmy, adapters.relays, where.inboxRelays, signer.publicKey, {
      database,
      clock,
      log,
      npub,
      devRelay,
    });

    return {
      npub,
      devRelayUrl: devRelay?.url ?? null,
      relays: where.inboxRelays,
      ready,
      stop: async () => {
        log.info('stopping');
        stopHints();
        await Promise.all([timmy.worker.stop(STOP_GRACE_MS), timmy.publisher.stop(PUBLISH_GRACE_MS)]);
        await adapters.relays.close();
        await adapters.stubNodes.stop();
        timmy.time.stop();
        timmy.disk.stop();
        if (devRelay !== null) await devRelay.close();
        database.checkpoint('TRUNCATE');
        textKeys.close();
        database.close();
        unlock();
        log.info('stopped');
      },
    };
  } catch (error) {
    for (const step of undo) await step();
    throw error;
  }
}

function openChecked(file: string, clock: Clock, log: Log): Database {
  const database = openDatabase(file);
  try {
    const check = database.read.$client.pragma('quick_check(1)', { simple: true });
    if (check !== 'ok')
      throw new ConfigError([
        `The database ${file} is damaged. Put a good copy in its place: one of yours, or timmy.db.before-… beside it`,
      ]);
    const applied = migrate(database, clock.now(), (before) => {
      const copy = `${file}.before-${before}`;
      // A copy of a try that failed midway is older than the database: it makes room.
      rmSync(copy, { force: true });
      database.read.$client.prepare('VACUUM INTO ?').run(copy);
      chmodSync(copy, 0o600);
      log.info('database.copied', { before });
    });
    if (applied.length > 0) log.info('database.migrated', { applied });
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The texts at rest are sealed with this key: another one could not read them, nor answer for the old one's orders. */
function checkIdentity(database: Database, publicKey: string): void {
  const known = readFact(database.read, 'identity');
  if (known !== null && known !== publicKey) {
    throw new ConfigError([
      `This database belongs to ${encodeNpub(known)}, and the key configured is that of ${encodeNpub(publicKey)}. Use the old key, or another TIMMY_DATA_DIR.`,
    ]);
  }
  if (known === null) database.write((tx) => keepFact(tx, 'identity', publicKey));
}

/** When this data directory was first started; messages written before are not run. */
function birth(database: Database, clock: Clock): UnixSeconds {
  const known = readFact(database.read, 'born_at');
  if (known !== null) return unixSeconds(Number(known));
  const now = clock.now();
  database.write((tx) => keepFact(tx, 'born_at', String(now)));
  return now;
}

function relaysOf(
  { settings, relaysNamed }: DaemonOptions,
  devRelay: DevRelay | null,
): { inboxRelays: readonly string[]; discoveryRelays: readonly string[] } {
  if (devRelay === null)
    return { inboxRelays: settings.TIMMY_RELAYS, discoveryRelays: settings.TIMMY_DISCOVERY_RELAYS };
  if (relaysNamed !== true) return { inboxRelays: [devRelay.url], discoveryRelays: [] };
  return {
    inboxRelays: [devRelay.url, ...settings.TIMMY_RELAYS],
    discoveryRelays: settings.TIMMY_DISCOVERY_RELAYS,
  };
}

/** What a wallet's no at the first contact means, and the mend. */
const REFUSALS: Readonly<Record<string, string>> = {
  'wallet.bad_key':
    'LNbits does not know the key in LNBITS_API_KEY. Copy the invoice key (or the admin key) of the wallet once more',
  'wallet.forbidden': 'LNbits refuses the key in LNBITS_API_KEY. Copy the invoice key of the wallet once more',
  'wallet.not_an_admin_key':
    'LNBITS_ADMIN_KEY is no admin key of LNbits. Copy the admin key of the same wallet, or leave it out: then refunds wait',
  'wallet.keys_of_two_wallets':
    'LNBITS_API_KEY and LNBITS_ADMIN_KEY belong to two wallets. Take both from the same one',
  'wallet.shared': 'The wallet is shared with somebody (an extension mirrors it). Make Timmy a wallet of its own',
  'wallet.too_old': 'LNbits is too old: 1.4 or newer is needed',
};

/**
 * A database remembers its wallet: started with another it stops, for its books would be wrong. Sats found in the
 * wallet at first contact are the operator's. A wallet that cannot be reached is asked again by the tasks that need it.
 */
async function adopt(wallet: Wallet, database: Database, clock: Clock, log: Log): Promise<void> {
  const limited = withTimeout(clock, 10_000);
  try {
    const { identity, version } = await askWallet(wallet, limited.signal);
    const known = readFact(database.read, 'wallet');
    if (known !== null && known !== identity) {
      throw new ConfigError([
        `This database belongs to another wallet (${known}, not ${identity}). Configure that one again, or book the change: timmy ledger adopt-wallet`,
      ]);
    }
    if (known === null) {
      // A list too long for this start is read by the comparison, page by page.
      const reading = await readWallet(wallet, database.read, limited.signal);
      database.write((tx) => adoptWallet(tx, reading, clock.now()));
    }
    log.info('wallet.contact', { kind: wallet.kind, network: wallet.network, version });
  } catch (error) {
    if (!(error instanceof OutsideError)) throw error;
    if (error.fault === 'rejected')
      throw new ConfigError([
        `${REFUSALS[error.message] ?? 'The wallet refuses us. Check LNBITS_URL and its keys'} (${error.message}).`,
      ]);
    log.warn('wallet.unreachable', errorFields(error));
  } finally {
    limited.done();
  }
}

function announceStubs(options: DaemonOptions, database: Database, { wallet, agent, cloud }: Adapters): void {
  database.write((tx) => keepFact(tx, 'agent', agent.kind));
  database.write((tx) => keepFact(tx, 'cloud', cloud.kind));
  if (wallet.kind === 'stub')
    options.log.warn('stub.wallet', {
      note: 'no LNBITS_URL and LNBITS_API_KEY: no real sats; timmy pay pays invoices',
    });
  if (agent.kind === 'stub') options.log.warn('stub.agent', { note: 'no ANTHROPIC_API_KEY: no model answers' });
  if (cloud.kind === 'stub' && areNodesOffered(options.settings))
    options.log.warn('stub.cloud', { note: 'no DO_API_TOKEN: nodes that are sold run on no server' });
}

function scheduleRecurring(database: Database, clock: Clock, ofProducts: readonly Recurring[]): void {
  database.write((tx) => {
    const now = clock.now();
    for (const { kind, key } of [
      { kind: 'profile.publish', key: PROFILE_TASK_KEY },
      { kind: 'housekeeping', key: HOUSEKEEPING_KEY },
      { kind: 'wallet.reconcile', key: RECONCILE_KEY },
      ...ofProducts,
    ]) {
      schedule(tx, { kind, payload: {}, key, dueAt: now, now });
    }
  });
}

function subscribe(
  timmy: Timmy,
  relays: ReturnType<typeof createAdapters>['relays'],
  inboxRelays: readonly string[],
  pubkey: string,
  {
    database,
    clock,
    log,
    npub,
    devRelay,
  }: { database: Database; clock: Clock; log: Log; npub: string; devRelay: DevRelay | null },
): Promise<void> {
  let saidReady = false;
  database.write((tx) => beginRelayStates(tx, inboxRelays, clock.now()));
  return new Promise((resolve) => {
    const onState = (state: RelayState): void => {
      log.debug('relay.state', { relay: state.url, state: state.state });
      if (state.state === 'open' || state.state === 'subscribed') timmy.publisher.relayIsBack(state.url);
      if (state.state === 'subscribed' || state.state === 'waiting')
        database.writeUnsynced((tx) => noteRelayState(tx, state, clock.now()));
      if (saidReady || state.state !== 'subscribed') return;
      saidReady = true;
      log.info('ready', { npub, relays: inboxRelays, ...(devRelay === null ? {} : { dev_relay: devRelay.url }) });
      resolve();
    };
    relays.start(
      inboxRelays,
      [{ name: 'dm', filter: { kinds: [1059], '#p': [pubkey] }, lookbackSeconds: LOOKBACK_SECONDS }],
      {
        onEvent: (event, relay, arrival) => timmy.inbox.receive(event, relay, arrival),
        highWater: (relay) => highWater(database.read, relay),
        onSynced: (relay, at) => database.write((tx) => raiseHighWater(tx, relay, at)),
        onState,
        onTrouble: timmy.onRelayTrouble,
      },
    );
  });
}
