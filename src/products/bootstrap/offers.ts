import { keepFact, readFact, statement, type Reader, type Tx } from '../../db/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { OutsideError } from '../../lib/errors.ts';
import { sats, unixSeconds, type UnixSeconds } from '../../lib/units.ts';
import { pruneMib } from '../../node-image/index.ts';
import type { PriceBook } from '../../payments/index.ts';
import type { CloudAccount, CloudSize } from '../../ports/cloud.ts';
import { schedule, type Commit, type TaskKind } from '../../tasks/index.ts';
import type { CloudShop } from '../_shared/cloud-shop.ts';
import { takeAccount } from './account.ts';
import { areNodesOffered, secondsOfHours, type BootstrapSettings } from './config.ts';
import { NODE_TAG } from './names.ts';
import { VOLUME_GB_MONTH_MICROS, volumeHourMicros, usdMicros } from './rentals.ts';
import type { Offer, TermOffer } from './states.ts';

/** What the cloud said when it was last asked: what a node is offered by, before anybody pays. */
interface CloudWord {
  readonly at: UnixSeconds;
  /** Why none can be had, our own code; null: it can. */
  readonly trouble: string | null;
  /** Whose account it speaks for; null: it did not say. */
  readonly account: string | null;
  /** How many droplets more the account may have. */
  readonly free: number;
  readonly sizes: readonly CloudSize[];
}

export const LOOK_KEY = 'bootstrap.look';
const LOOK_SECONDS = 600;
/** Older than that it is no word any more. */
const GOOD_SECONDS = 3600;
const DAY = 86_400;

export interface OfferOptions {
  readonly settings: BootstrapSettings;
  readonly clouds: CloudShop;
  readonly prices: PriceBook;
  readonly clock: Clock;
}

/**
 * Asks the cloud what it has and what it costs, every ten minutes, and sees to the firewall of all nodes: so a quote
 * waits for nobody, and nothing is sold that cannot be had.
 *
 * Killed midway: nothing happened; it is asked again.
 */
export function lookTask(
  options: Omit<OfferOptions, 'prices'> & { readonly alert: (tx: Tx, what: string) => void },
): TaskKind<Record<string, never>> {
  const { settings, clouds, clock, alert } = options;
  const { cloud } = clouds;

  async function ask(signal: AbortSignal): Promise<CloudWord> {
    const at = clock.now();
    let account: CloudAccount | null = null;
    const none = (trouble: string): CloudWord => ({ at, trouble, account: account?.id ?? null, free: 0, sizes: [] });
    try {
      account = await cloud.account(signal);
      if (!account.isGood) return none('account_locked');
      if (!(await cloud.hasImage(settings.DO_IMAGE, signal))) return none('image');
      await cloud.ensureFirewall(signal);
      const wanted = new Set([settings.DO_SIZE, ...settings.BOOTSTRAP_SIZES]);
      const sizes = (await cloud.sizes(signal)).filter(({ slug }) => wanted.has(slug));
      const there = await cloud.listDroplets(NODE_TAG, signal);
      return { at, trouble: null, account: account.id, free: Math.max(0, account.dropletLimit - there.length), sizes };
    } catch (error) {
      if (error instanceof OutsideError) return none(error.fault === 'rejected' ? error.message : 'cloud_away');
      throw error;
    }
  }

  return {
    kind: 'bootstrap.look',
    pool: 'housekeeping',
    leaseSeconds: 120,
    maxAttempts: Infinity,
    run: async (_task, signal): Promise<Commit> => {
      const word = areNodesOffered(settings) ? await ask(signal) : null;
      return (tx) => {
        const now = clock.now();
        const isOurs = word?.account == null || takeAccount(tx, word.account);
        const said = word === null || isOurs ? word : { ...word, trouble: 'other_account' };
        if (said !== null) keepFact(tx, 'cloud_word', JSON.stringify(said));
        if (!isOurs) alert(tx, OTHER_ACCOUNT);
        const soon = said?.trouble == null ? LOOK_SECONDS : LOOK_SECONDS / 10;
        schedule(tx, { kind: 'bootstrap.look', payload: {}, key: LOOK_KEY, dueAt: unixSeconds(now + soon), now });
      };
    },
  };
}

const OTHER_ACCOUNT =
  'The cloud token is that of another account than the one in which nodes of customers run: nothing is made or ended until it is the old one’s again. See: timmy nodes costs';

function wordNow(reader: Reader): CloudWord | null {
  const fact = readFact(reader, 'cloud_word');
  return fact === null ? null : (JSON.parse(fact) as CloudWord);
}

export interface Wish {
  readonly region: string | null;
  readonly size: string | null;
}

/** What can be asked for, for who asked for something else. */
export function choices({ settings }: Pick<OfferOptions, 'settings'>): { regions: string[]; sizes: string[] } {
  return {
    regions: [...new Set([settings.DO_REGION, ...settings.BOOTSTRAP_REGIONS])],
    sizes: [...new Set([settings.DO_SIZE, ...settings.BOOTSTRAP_SIZES])],
  };
}

/** The node that is meant, and what it costs us; a code where there is none to be had. */
export function offerFor(options: OfferOptions, reader: Reader, wish: Wish): Offer | { readonly not: string } {
  const { settings, clouds } = options;
  if (!areNodesOffered(settings)) return { not: 'none' };
  const allowed = choices(options);
  const region = wish.region ?? settings.DO_REGION;
  const slug = wish.size ?? settings.DO_SIZE;
  if (!allowed.regions.includes(region)) return { not: 'region' };
  if (!allowed.sizes.includes(slug)) return { not: 'size' };
  const word = wordNow(reader);
  if (word === null || options.clock.now() - word.at > GOOD_SECONDS) return { not: 'cloud_away' };
  if (word.trouble !== null) return { not: word.trouble };
  const size = word.sizes.find((one) => one.slug === slug);
  if (size === undefined) return { not: 'size' };
  if (!size.regions.includes(region)) return { not: 'region_or_size' };
  const volumeGb = settings.DO_VOLUME_SIZE_GB;
  return {
    region,
    size: slug,
    vcpus: size.vcpus,
    memoryMb: size.memoryMb,
    diskGb: size.diskGb,
    volumeGb,
    hourlyUsdMicros: usdMicros(size.hourlyUsd) + volumeHourMicros(volumeGb),
    monthlyUsdMicros: usdMicros(size.monthlyUsd) + volumeGb * VOLUME_GB_MONTH_MICROS,
    impl: settings.BOOTSTRAP_NODE_IMPL,
    pruneMib: pruneMib(volumeGb > 0 ? volumeGb : size.diskGb),
    isStub: clouds.cloud.kind === 'stub',
    tailscale: clouds.tailnet !== null,
  };
}

/**
 * What the fee buys today: `BOOTSTRAP_TERM_HOURS`, else what it pays of the cloud's price after our margin. Null: less
 * than may be sold.
 */
export function termFor({ settings, prices }: OfferOptions, reader: Reader, offer: Offer): TermOffer | null {
  const feeSats = sats(settings.BOOTSTRAP_FEE_SATS);
  const least = secondsOfHours(settings.BOOTSTRAP_MIN_TERM_HOURS);
  const said = settings.BOOTSTRAP_TERM_HOURS;
  if (offer.isStub) return { feeSats, termSeconds: said === undefined ? least : secondsOfHours(said) };
  const { usdMicros: price } = prices.now(reader);
  const pays = termSeconds(feeSats, price, offer.hourlyUsdMicros, settings.ORIGINATOR_MARGIN_PCT);
  if (said !== undefined) {
    const termSeconds = secondsOfHours(said);
    return pays >= termSeconds || settings.BOOTSTRAP_ALLOW_LOSS ? { feeSats, termSeconds } : null;
  }
  if (pays >= least) return { feeSats, termSeconds: pays };
  return settings.BOOTSTRAP_ALLOW_LOSS ? { feeSats, termSeconds: least } : null;
}

/** Seconds of a machine that a fee pays for, with our margin on it; exact, rounded down. */
export function termSeconds(feeSats: number, btcUsdMicros: bigint, hourlyUsdMicros: number, marginPct: string): number {
  if (hourlyUsdMicros === 0) return 366 * DAY;
  const margin = BigInt(usdMicros(marginPct));
  const feeMicros = BigInt(feeSats) * btcUsdMicros;
  const seconds =
    (feeMicros * 3600n * 100_000_000n) / (100_000_000n * BigInt(hourlyUsdMicros) * (100_000_000n + margin));
  return Number(seconds > BigInt(366 * DAY) ? BigInt(366 * DAY) : seconds);
}

/** Nodes that exist or are being made, and what they cost a month. */
function running(reader: Reader, besides: string | null): { nodes: number; monthlyUsdMicros: number } {
  return statement(
    reader,
    `SELECT count(*) AS nodes, coalesce(sum(details ->> '$.offer.monthlyUsdMicros'), 0) AS monthlyUsdMicros FROM bootstraps
     WHERE (state IN ('provisioning', 'ready', 'expiring') OR doing IS NOT NULL) AND id IS NOT ?`,
  ).get(besides) as { nodes: number; monthlyUsdMicros: number };
}

/** Why one more cannot be made now, our own code; null: there is room. `besides`: this order is the one more. */
export function whyNoRoom(options: OfferOptions, reader: Reader, offer: Offer, besides: string | null): string | null {
  const { settings } = options;
  const now = running(reader, besides);
  if (now.nodes >= settings.BOOTSTRAP_MAX_ACTIVE) return 'full';
  if (now.monthlyUsdMicros + offer.monthlyUsdMicros > usdMicros(settings.BOOTSTRAP_MAX_MONTHLY_USD)) return 'full';
  const word = wordNow(reader);
  const isOld = word === null || options.clock.now() - word.at > GOOD_SECONDS;
  // What is paid for is not given up because the cloud was not asked lately (we were down): the saga asks it itself, patiently.
  if (besides !== null && (isOld || word.trouble === 'cloud_away')) return null;
  if (isOld) return 'cloud_away';
  if (word.trouble !== null) return word.trouble;
  // What was made since the cloud was asked is not in its number yet.
  return word.free <= 0 ? 'droplet_limit' : null;
}
