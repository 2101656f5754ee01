import { z } from 'zod';
import { rpcMethod, type RpcMethod } from '../engine/index.ts';
import type { Reader } from '../db/index.ts';

/** What `info` says, but for the methods. The shape changes by adding only (docs/rpc.md). */
export interface InfoParts {
  readonly name: string;
  readonly version: string;
  readonly npub: string;
  readonly prices: Readonly<Record<string, unknown>>;
  readonly limits: Readonly<Record<string, unknown>>;
  readonly models: Readonly<Record<string, string>>;
  readonly stub: { readonly lightning: boolean; readonly agent: boolean; readonly provisioner: boolean };
  /** Why nothing is sold now; null: open. */
  readonly closed: (reader: Reader) => string | null;
  readonly btcPriceUsd: (reader: Reader) => string;
  /** "10 sats for a look, then about 129 ($0.13) for a short answer": today's price in words. */
  readonly priceInWords: (reader: Reader) => string;
  /** What can be bought, a line each: `job <text>: a request of its own`. */
  readonly help: readonly string[];
  /** What products add to the short help. */
  readonly inShort: readonly string[];
}

export function infoMethod(info: InfoParts, methods: () => readonly string[]): RpcMethod {
  return rpcMethod({
    method: 'info',
    params: z.strictObject({}).optional(),
    changes: false,
    needsPrice: true,
    run: (tx) => {
      const { name, version, npub, prices, limits, models, stub } = info;
      const btc_price_usd = info.btcPriceUsd(tx);
      const closed = info.closed(tx);
      return {
        result: { name, version, npub, methods: methods(), prices, limits, models, stub, btc_price_usd, closed },
      };
    },
  });
}
