import { z } from 'zod';

/** A public price of one bitcoin in US dollars: where to ask and how to read the answer as a decimal. */
export interface PriceSource {
  /** As it stands in quotes and receipts. */
  readonly name: string;
  readonly url: string;
  /** The price exactly as it was written. Throws when the answer is not of this source's shape. */
  readonly parse: (body: unknown) => string | number;
}

const decimalText = z.string().regex(/^\d{1,12}(\.\d{1,12})?$/);

const simplePrice = z.object({ bitcoin: z.object({ usd: z.number().positive() }) });

/** CoinGecko's simple-price form (docs.coingecko.com: simple/price); also what `BTC_PRICE_URL` must answer. */
export const parseSimplePrice = (body: unknown): number => simplePrice.parse(body).bitcoin.usd;

const coinbaseSpot = z.object({
  data: z.object({ base: z.literal('BTC'), currency: z.literal('USD'), amount: decimalText }),
});
const krakenTicker = z.object({
  error: z.array(z.string()).length(0),
  result: z.object({ XXBTZUSD: z.object({ c: z.tuple([decimalText], decimalText) }) }),
});
const bitstampTicker = z.object({ last: decimalText });

export const PUBLIC_SOURCES: readonly PriceSource[] = [
  {
    name: 'coingecko',
    url: 'https://api.coingecko.com/api/v3/simple/price?ids=bitcoin&vs_currencies=usd',
    parse: parseSimplePrice,
  },
  {
    name: 'coinbase',
    url: 'https://api.coinbase.com/v2/prices/BTC-USD/spot',
    parse: (body) => coinbaseSpot.parse(body).data.amount,
  },
  {
    // docs.kraken.com: Get Ticker Information; `c` is the last trade: price, volume
    name: 'kraken',
    url: 'https://api.kraken.com/0/public/Ticker?pair=XBTUSD',
    parse: (body) => krakenTicker.parse(body).result.XXBTZUSD.c[0],
  },
  {
    name: 'bitstamp',
    url: 'https://www.bitstamp.net/api/v2/ticker/btcusd/',
    parse: (body) => bitstampTicker.parse(body).last,
  },
];
