import type { UnixSeconds } from '../lib/units.ts';

/** One source's word on the price of one bitcoin. */
export interface PriceReading {
  /** Short name of the source as it stands in quotes and receipts (`coingecko`, `kraken`, …; a host name for `BTC_PRICE_URL`). */
  readonly source: string;
  /** Millionths of a USD per BTC, exact. */
  readonly usdMicros: bigint;
  /** When it said so by its own clock (`Date` of HTTP), where it told: a witness of what time it is. */
  readonly date?: UnixSeconds;
}

/** The public price sources, asked all at once. */
export interface BtcPriceSources {
  /** How many sources there are: with one alone, its word is taken as it is (then the fallback). */
  readonly count: number;
  /** What answered plausibly within the time of `signal`; never throws, possibly empty. */
  read(signal: AbortSignal): Promise<readonly PriceReading[]>;
}
