import { join } from 'node:path';
import { createAnthropicAgent } from '../adapters/anthropic/index.ts';
import { createBtcPriceSources } from '../adapters/btc-price/index.ts';
import { createDigitalOcean } from '../adapters/digital-ocean/index.ts';
import { createLnbitsWallet } from '../adapters/lnbits/index.ts';
import { createLnurlPay } from '../adapters/lnurl/index.ts';
import { createSafeFetch } from '../adapters/outbound/index.ts';
import { createRelays, createWsSockets, relayDoor } from '../adapters/relays/index.ts';
import { createStubCloud } from '../adapters/stub-cloud/index.ts';
import { createStubAgent } from '../adapters/stubs/agent/index.ts';
import { createStubWallet } from '../adapters/stubs/wallet/index.ts';
import { createTailscale, type TailscaleAccess } from '../adapters/tailscale/index.ts';
import type { Settings } from '../config/index.ts';
import type { Database } from '../db/index.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Rng } from '../lib/rng.ts';
import type { Signer } from '../nostr/signer.ts';
import type { Agent } from '../ports/agent.ts';
import type { BtcPriceSources } from '../ports/btc-price.ts';
import type { Cloud, Tailnet } from '../ports/cloud.ts';
import type { LnurlPay } from '../ports/lnurl.ts';
import type { Relays } from '../ports/relays.ts';
import type { Wallet } from '../ports/wallet.ts';

export interface Adapters {
  readonly relays: Relays;
  readonly wallet: Wallet;
  readonly agent: Agent;
  readonly priceSources: BtcPriceSources;
  readonly lnurl: LnurlPay;
  readonly cloud: Cloud;
  /** Null: nodes join none. */
  readonly tailnet: Tailnet | null;
  /** What runs the nodes of a stub cloud; nothing where the cloud is real. */
  readonly stubNodes: { start(): void; stop(): Promise<void> };
}

/** The real outside, or its stub where no credentials are given. */
export function createAdapters(parts: {
  settings: Settings;
  database: Database;
  clock: Clock;
  rng: Rng;
  log: Log;
  signer: Signer;
  /** Relays of our own beside those of the settings: the embedded one. */
  trustedRelays: readonly string[];
}): Adapters {
  const { settings, clock, rng, log, signer } = parts;
  const { LNBITS_URL: url, ANTHROPIC_API_KEY: apiKey } = settings;
  const trusted = [...parts.trustedRelays, ...settings.TIMMY_RELAYS, ...settings.TIMMY_DISCOVERY_RELAYS];
  const allowPrivateNetwork = settings.TIMMY_ALLOW_PRIVATE_NETWORK;
  // Nobody's address may lead us to our own wallet's server.
  const deniedHosts = url === undefined || allowPrivateNetwork ? [] : [new URL(url).hostname];
  const openSocket = createWsSockets(relayDoor(trusted, { clock, allowPrivateNetwork, deniedHosts }));
  return {
    relays: createRelays({ clock, rng, log, signer, openSocket }),
    wallet: createWallet(parts),
    agent:
      apiKey === undefined
        ? createStubAgent()
        : createAnthropicAgent({ apiKey, baseUrl: settings.ANTHROPIC_BASE_URL, clock, log }),
    lnurl: createLnurlPay({
      get: createSafeFetch({ clock, allowPrivateNetwork, deniedHosts }),
      allowPrivateNetwork,
      log,
    }),
    priceSources: createBtcPriceSources({ url: settings.BTC_PRICE_URL ?? null, clock, log }),
    ...createClouds(parts),
  };
}

/** Where nodes are rented, or its stub: for the daemon, and for a command that asks it by itself. */
export function createClouds(parts: {
  settings: Settings;
  clock: Clock;
  log: Log;
}): Pick<Adapters, 'cloud' | 'tailnet' | 'stubNodes'> {
  const { settings, clock, log } = parts;
  const { DO_API_TOKEN: token, DO_API_BASE_URL: url } = settings;
  if (token !== undefined) {
    const stubNodes = { start: () => {}, stop: () => Promise.resolve() };
    return { cloud: createDigitalOcean({ url, token, clock }), tailnet: createTailnet(parts), stubNodes };
  }
  const { DO_REGION, DO_REGION_FALLBACK, BOOTSTRAP_REGIONS, DO_SIZE, BOOTSTRAP_SIZES } = settings;
  const stub = createStubCloud({
    directory: join(settings.TIMMY_DATA_DIR, 'stub-cloud'),
    regions: [...new Set([DO_REGION, DO_REGION_FALLBACK ?? DO_REGION, ...BOOTSTRAP_REGIONS])],
    sizes: [DO_SIZE, ...BOOTSTRAP_SIZES],
    clock,
    log,
  });
  // What does not exist joins no network.
  return { cloud: stub, tailnet: null, stubNodes: stub };
}

function createTailnet({ settings, clock }: { settings: Settings; clock: Clock }): Tailnet | null {
  const access = tailscaleAccess(settings);
  const { TAILSCALE_TAILNET: tailnet, TAILSCALE_API_BASE_URL: url, TAILSCALE_TAG: tag } = settings;
  return access === null || tailnet === undefined ? null : createTailscale({ url, access, tailnet, tag, clock });
}

function tailscaleAccess(settings: Settings): TailscaleAccess | null {
  const { TAILSCALE_OAUTH_CLIENT_ID: clientId, TAILSCALE_OAUTH_CLIENT_SECRET: clientSecret } = settings;
  if (clientId !== undefined && clientSecret !== undefined) return { clientId, clientSecret };
  const { TAILSCALE_API_KEY: apiKey } = settings;
  return apiKey === undefined ? null : { apiKey };
}

/** The wallet of this configuration, or its stub: for the daemon, and for a command that asks it by itself. */
export function createWallet(parts: {
  settings: Settings;
  database: Database;
  clock: Clock;
  rng: Rng;
  log: Log;
}): Wallet {
  const { settings, database, clock, rng, log } = parts;
  const { LIGHTNING_NETWORK: network, LNBITS_URL: url, LNBITS_API_KEY: invoiceKey } = settings;
  if (url === undefined || invoiceKey === undefined) return createStubWallet({ database, network, clock, rng });
  const adminKey = settings.LNBITS_ADMIN_KEY ?? null;
  return createLnbitsWallet({ url, invoiceKey, adminKey, network, clock, rng, log });
}
