import { withTimeout, type Clock } from '../../lib/clock.ts';
import { sayOnce } from '../../lib/said-once.ts';
import type { Log } from '../../lib/log.ts';
import { unixSeconds, type UnixSeconds } from '../../lib/units.ts';
import type { BtcPriceSources, PriceReading } from '../../ports/btc-price.ts';
import { usdMicrosOf } from '../../pricing/index.ts';
import { parseSimplePrice, PUBLIC_SOURCES, type PriceSource } from './sources.ts';

export const PRICE_TIMEOUT_MS = 3000;
const MAX_BODY_BYTES = 32 * 1024;

export interface BtcPriceOptions {
  /** `BTC_PRICE_URL`: this source alone, in CoinGecko's simple-price form. Null: the public ones. */
  readonly url: string | null;
  readonly clock: Clock;
  readonly log: Log;
  /** Instead of the public ones; for tests. */
  readonly sources?: readonly PriceSource[];
}

/** The price sources, asked in parallel, three seconds and 32 KiB each. What is implausible is left to `combinePrice`. */
export function createBtcPriceSources({ url, clock, log, sources = PUBLIC_SOURCES }: BtcPriceOptions): BtcPriceSources {
  const asked = url === null ? sources : [{ name: new URL(url).hostname, url, parse: parseSimplePrice }];

  const outages = sayOnce({ log, clock }, 'price.no_answer', 'price.answers_again');

  async function ask(source: PriceSource, parent: AbortSignal): Promise<PriceReading | null> {
    const timeout = withTimeout(clock, PRICE_TIMEOUT_MS, parent);
    try {
      const { body, date } = await fetchJson(source.url, timeout.signal);
      const usdMicros = usdMicrosOf(source.parse(body));
      if (usdMicros <= 0n) throw new RangeError('no price');
      outages.works(source.name, { source: source.name });
      return { source: source.name, usdMicros, ...(date === null ? {} : { date }) };
    } catch (error) {
      const why = timeout.signal.aborted ? 'timeout' : reasonOf(error);
      outages.fails(source.name, { source: source.name, why });
      return null;
    } finally {
      timeout.done();
    }
  }

  return {
    count: asked.length,
    async read(signal) {
      const readings = await Promise.all(asked.map((source) => ask(source, signal)));
      return readings.filter((reading) => reading !== null);
    },
  };
}

/** A foreign error may quote the answer or the URL's query: only its code (`ENOTFOUND`, beneath fetch's TypeError), else its class, is said. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const code = (error.cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? code : error.name;
}

async function fetchJson(url: string, signal: AbortSignal): Promise<{ body: unknown; date: UnixSeconds | null }> {
  const response = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new Error('no success');
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw new RangeError('answer too large'); // leaving the loop closes the connection
    chunks.push(chunk);
  }
  const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  return { body, date: dateOf(url, response.headers) };
}

/** When the server answered, by its own clock. Without TLS it may be anybody's, or our own machine's: null. */
export function dateOf(url: string, headers: Headers): UnixSeconds | null {
  const dateMs = url.startsWith('https://') ? Date.parse(headers.get('date') ?? '') : NaN;
  return dateMs >= 0 ? unixSeconds(Math.floor(dateMs / 1000)) : null;
}
