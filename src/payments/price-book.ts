import { statement, type Database, type Reader, type Tx } from '../db/index.ts';
import { withTimeout, type Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { sayOnce } from '../lib/said-once.ts';
import type { UnixSeconds } from '../lib/units.ts';
import type { BtcPriceSources } from '../ports/btc-price.ts';
import {
  combinePrice,
  PRICE_RULES,
  priceNow,
  type BelievedPrice,
  type BtcPrice,
  type PriceRules,
} from '../pricing/index.ts';

export interface PriceBookOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly sources: BtcPriceSources;
  /** `BTC_PRICE_URL` was set: its word alone. */
  readonly alone: boolean;
  readonly fallbackUsdMicros: bigint;
}

/** The price of bitcoin: one row, refreshed when somebody needs it and it is older than a minute. */
export interface PriceBook {
  /** Asks the sources if the row is old; many callers share one question. Never throws; bounded to 3 s. */
  refresh(signal: AbortSignal): Promise<void>;
  /** The price to quote with now. */
  now(reader: Reader): BtcPrice;
}

const FRESH_SECONDS = 60;
const ASK_MS = 3000;
/** Sources that did not answer are not asked again for so long. */
const RETRY_SECONDS = 10;

export function createPriceBook(options: PriceBookOptions): PriceBook {
  const { database, clock, log, sources } = options;
  const rules: PriceRules = { ...PRICE_RULES, alone: options.alone };
  let asking: Promise<void> | null = null;
  let failedAt: UnixSeconds | null = null;
  const outages = sayOnce({ log, clock }, 'price.not_believed', 'price.believed_again');

  async function ask(): Promise<void> {
    const limited = withTimeout(clock, ASK_MS);
    try {
      const readings = await sources.read(limited.signal);
      const now = clock.now();
      const believed = combinePrice(readings, load(database.read), rules, now);
      failedAt = believed === null ? now : null;
      if (believed === null) outages.fails('all', { sources: readings.length });
      else outages.works('all', { sources: readings.length });
      if (believed !== null) database.write((tx) => save(tx, believed));
    } finally {
      limited.done();
      asking = null;
    }
  }

  return {
    refresh: (signal) => {
      const now = clock.now();
      const known = load(database.read);
      if (known !== null && now - known.at < FRESH_SECONDS && now >= known.at) return Promise.resolve();
      if (failedAt !== null) {
        // Sources that were silent a moment ago are asked again, but nobody waits for them.
        if (Math.abs(now - failedAt) >= RETRY_SECONDS) asking ??= ask();
        return Promise.resolve();
      }
      asking ??= ask();
      const aborted = new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      return Promise.race([asking, aborted]);
    },
    now: (reader) => priceNow(load(reader), options.fallbackUsdMicros, rules, clock.now()),
  };
}

function load(reader: Reader): BelievedPrice | null {
  const row = statement(reader, 'SELECT usd_micros AS usdMicros, source, at FROM btc_price WHERE id = 1').get() as
    { usdMicros: string; source: string; at: UnixSeconds } | undefined;
  return row === undefined ? null : { usdMicros: BigInt(row.usdMicros), source: row.source, at: row.at };
}

function save(tx: Tx, price: BelievedPrice): void {
  statement(
    tx,
    `INSERT INTO btc_price (id, usd_micros, source, at) VALUES (1, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET usd_micros = excluded.usd_micros, source = excluded.source, at = excluded.at`,
  ).run(price.usdMicros.toString(), price.source, price.at);
}
