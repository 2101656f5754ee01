import { randomBytes } from 'node:crypto';
import { compose, type Timmy } from '../../src/app/compose.ts';
import { systemClock } from '../../src/app/system.ts';
import { createStubAgent } from '../../src/adapters/stubs/agent/index.ts';
import { createStubWallet, payStubInvoice } from '../../src/adapters/stubs/wallet/index.ts';
import { loadSettings, type Settings } from '../../src/config/index.ts';
import { migrate, openDatabase, type Database } from '../../src/db/index.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { noCrashPoints, type ReachCrashPoint } from '../../src/lib/crash-points.ts';
import { silentLog, type Log } from '../../src/lib/log.ts';
import type { Rng } from '../../src/lib/rng.ts';
import type { Secret } from '../../src/lib/secret.ts';
import { OutsideError } from '../../src/lib/errors.ts';
import { unixSeconds } from '../../src/lib/units.ts';
import type { EventTemplate, NostrEvent } from '../../src/nostr/event.ts';
import { generateSecretKey, publicKeyOf } from '../../src/nostr/keys.ts';
import { createLocalSigner } from '../../src/nostr/local-signer.ts';
import { openDm } from '../../src/nostr/open.ts';
import { isDropped } from '../../src/nostr/opened-dm.ts';
import { createRumor, sealDm } from '../../src/nostr/seal.ts';
import type { Agent } from '../../src/ports/agent.ts';
import type { LnurlPay } from '../../src/ports/lnurl.ts';
import type { Wallet } from '../../src/ports/wallet.ts';
import { createRelayHub, type RelayHub } from '../fakes/relay-hub.ts';

export const RELAY = 'ws://127.0.0.1:7001';
export const rng: Rng = { bytes: (length) => new Uint8Array(randomBytes(length)) };

export interface Guest {
  readonly pubkey: string;
  /** Everything heard so far, in order of arrival. */
  readonly heard: string[];
  /** `also`: further people in the room. */
  say(text: string, createdAt?: number, more?: { kind?: number; also?: string[] }): Promise<void>;
  sign(template: EventTemplate): Promise<NostrEvent>;
  /** Resolves with the first message, heard already or yet to come, that matches and was not waited for before. */
  hears(match: RegExp): Promise<string>;
}

export interface House {
  readonly timmy: Timmy;
  readonly database: Database;
  readonly hub: RelayHub;
  readonly settings: Settings;
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
    clock?: Clock;
    log?: Log;
    path?: string;
    lnurl?: LnurlPay;
    /** The relays, and whose Timmy this is, of an earlier life of this database. */
    hub?: RelayHub;
    secretKey?: Secret<Uint8Array>;
    reach?: ReachCrashPoint;
  } = {},
): Promise<House> {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? silentLog;
  const env = {
    TIMMY_ALLOW_PRIVATE_NETWORK: '1',
    TIMMY_RELAYS: RELAY,
    TEXT_JOIN_SECONDS: '0',
    LIMIT_COMMANDS_BURST: '100',
    ...options.env,
  };
  const settings = loadSettings({ env, cwd: '/' });
  const database = openDatabase(options.path ?? ':memory:');
  migrate(database, clock.now(), () => {});
  const hub = options.hub ?? createRelayHub([RELAY]);
  const secretKey = options.secretKey ?? generateSecretKey(rng);
  const signer = createLocalSigner(secretKey, rng);
  const relays = hub.connect();
  const network = settings.LIGHTNING_NETWORK;
  const wallet = options.wallet?.(database) ?? createStubWallet({ database, network, clock, rng });
  const timmy = compose({
    settings,
    inboxRelays: [RELAY],
    discoveryRelays: [],
    secretKey,
    signer,
    database,
    clock,
    rng,
    log,
    reach: options.reach ?? noCrashPoints,
    relays,
    wallet,
    agent: options.agent ?? createStubAgent(),
    priceSources: { count: 1, read: () => Promise.resolve([]) },
    lnurl: options.lnurl ?? {
      invoice: () => Promise.reject(new OutsideError('rejected', 'lnurl.no_such_address')),
    },
    version: 'test',
    bornAt: unixSeconds(0),
  });
  const unwatch = wallet.watch(timmy.onWalletHint);
  timmy.worker.start();
  const pubkey = publicKeyOf(secretKey);
  relays.start([RELAY], [{ name: 'dm', filter: { kinds: [1059], '#p': [pubkey] }, lookbackSeconds: 0 }], {
    onEvent: (event, relay) => timmy.inbox.receive(event, relay),
    highWater: () => null,
    onSynced: () => {},
    onState: () => {},
  });

  async function guest(): Promise<Guest> {
    const key = createLocalSigner(generateSecretKey(rng), rng);
    const heard: string[] = [];
    const taken = new Set<number>();
    const waiting: { match: RegExp; resolve: (text: string) => void }[] = [];
    const take = (match: RegExp): string | undefined => {
      const at = heard.findIndex((text, index) => !taken.has(index) && match.test(text));
      if (at < 0) return undefined;
      taken.add(at);
      return heard[at];
    };
    hub
      .connect()
      .start([RELAY], [{ name: 'dm', filter: { kinds: [1059], '#p': [key.publicKey] }, lookbackSeconds: 0 }], {
        onEvent: async (event) => {
          const dm = await openDm(event, key, clock.now());
          if (isDropped(dm)) return;
          heard.push(dm.content);
          for (const one of [...waiting]) {
            const text = take(one.match);
            if (text === undefined) continue;
            waiting.splice(waiting.indexOf(one), 1);
            one.resolve(text);
          }
        },
        highWater: () => null,
        onSynced: () => {},
        onState: () => {},
      });
    return {
      pubkey: key.publicKey,
      heard,
      say: async (content, createdAt = clock.now(), { kind = 14, also = [] } = {}) => {
        const rumor = createRumor({
          pubkey: key.publicKey,
          kind,
          content,
          createdAt: unixSeconds(createdAt),
          recipients: [pubkey, ...also],
        });
        await hub.put(RELAY, await sealDm(rumor, pubkey, key, rng, clock.now()));
      },
      sign: (template) => key.sign(template),
      hears: (match) => {
        const text = take(match);
        return text !== undefined ? Promise.resolve(text) : new Promise((resolve) => waiting.push({ match, resolve }));
      },
    };
  }

  return {
    timmy,
    database,
    hub,
    settings,
    guest,
    pay: (bolt11) => {
      const { result } = database.write((tx) => payStubInvoice(tx, bolt11, clock.now()));
      if (result !== 'paid') throw new Error(`not paid: ${result}`);
    },
    close: async () => {
      unwatch();
      await relays.close();
      await timmy.worker.stop(1000);
      database.close();
    },
  };
}
