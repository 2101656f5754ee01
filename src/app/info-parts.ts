import type { InfoParts } from '../commands/info.ts';
import type { Settings } from '../config/index.ts';
import type { ProductCommands } from '../engine/index.ts';
import { encodeNpub } from '../nostr/keys.ts';
import type { PriceBook } from '../payments/index.ts';
import type { Agent } from '../ports/agent.ts';
import type { Wallet } from '../ports/wallet.ts';
import { usdMicrosDecimal } from '../pricing/index.ts';

export interface InfoOptions {
  readonly settings: Settings;
  /** Our public key, hex. */
  readonly npubOf: string;
  readonly version: string;
  readonly wallet: Wallet;
  readonly agent: Agent;
  readonly prices: PriceBook;
  /** What the products say of themselves. */
  readonly ofProducts: readonly ProductCommands[];
  readonly closedBecause: InfoParts['closed'];
}

/** What `info` and the help say about this Timmy: prices, limits, models, and what is only a stub. */
export function infoParts(options: InfoOptions): InfoParts {
  const { settings, wallet, agent, prices, ofProducts } = options;
  return {
    name: settings.TIMMY_NAME,
    version: options.version,
    npub: encodeNpub(options.npubOf),
    prices: Object.assign(
      { margin_pct: settings.ORIGINATOR_MARGIN_PCT, invoice_expiry_seconds: settings.INVOICE_EXPIRY_SECONDS },
      ...ofProducts.map((product) => product.prices),
    ) as InfoParts['prices'],
    limits: Object.assign(
      {
        message_chars: settings.LIMIT_MESSAGE_CHARS,
        rpc_bytes: settings.LIMIT_RPC_BYTES,
        commands_per_second: settings.LIMIT_COMMANDS_PER_SECOND,
        commands_burst: settings.LIMIT_COMMANDS_BURST,
        open_invoices: settings.LIMIT_OPEN_INVOICES,
        new_per_hour: settings.LIMIT_NEW_PER_HOUR,
      },
      ...ofProducts.map((product) => product.limits),
    ) as InfoParts['limits'],
    models: { eval: settings.EVAL_MODEL, work: settings.WORK_MODEL },
    stub: {
      lightning: wallet.kind === 'stub',
      agent: agent.kind === 'stub',
      provisioner: settings.DO_API_TOKEN === undefined,
    },
    closed: options.closedBecause,
    btcPriceUsd: (reader) => usdMicrosDecimal(prices.now(reader).usdMicros),
    priceInWords: (reader) =>
      ofProducts.map((product) => product.priceInWords?.(reader)).find((price) => price !== undefined) ?? '',
    help: ofProducts.flatMap((product) => product.help),
    inShort: ofProducts.flatMap(({ inShort }) => inShort ?? []),
  };
}
