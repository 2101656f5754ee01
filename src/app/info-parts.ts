import type { InfoParts } from '../commands/info.ts';
import type { Settings } from '../config/index.ts';
import { encodeNpub } from '../nostr/keys.ts';
import type { PriceBook } from '../payments/index.ts';
import type { Agent } from '../ports/agent.ts';
import type { Wallet } from '../ports/wallet.ts';
import { showUsd, usdMicrosDecimal } from '../pricing/index.ts';
import { offerFor, type SellingOptions } from '../products/job/selling.ts';

export interface InfoOptions {
  readonly settings: Settings;
  /** Our public key, hex. */
  readonly npubOf: string;
  readonly version: string;
  readonly wallet: Wallet;
  readonly agent: Agent;
  readonly prices: PriceBook;
  readonly selling: SellingOptions;
  readonly closedBecause: InfoParts['closed'];
}

/** What `info` and the help say about this Timmy: prices, limits, models, and what is only a stub. */
export function infoParts(options: InfoOptions): InfoParts {
  const { settings, wallet, agent, prices, selling } = options;
  const isDemoOffered = settings.DEMO_REQUESTS_PER_HOUR > 0 && Number(settings.DEMO_DAILY_BUDGET_USD) > 0;
  return {
    name: settings.TIMMY_NAME,
    version: options.version,
    npub: encodeNpub(options.npubOf),
    prices: {
      eval_fee_sats: settings.EVAL_FEE_SATS,
      margin_pct: settings.ORIGINATOR_MARGIN_PCT,
      one_invoice: settings.JOB_ONE_INVOICE,
      invoice_expiry_seconds: settings.INVOICE_EXPIRY_SECONDS,
    },
    limits: {
      message_chars: settings.LIMIT_MESSAGE_CHARS,
      rpc_bytes: settings.LIMIT_RPC_BYTES,
      commands_per_second: settings.LIMIT_COMMANDS_PER_SECOND,
      commands_burst: settings.LIMIT_COMMANDS_BURST,
      open_invoices: settings.LIMIT_OPEN_INVOICES,
      new_per_hour: settings.LIMIT_NEW_PER_HOUR,
      demo_per_hour: isDemoOffered ? settings.DEMO_REQUESTS_PER_HOUR : 0,
      demo_chars: settings.DEMO_MAX_CHARS,
    },
    models: { eval: settings.EVAL_MODEL, work: settings.WORK_MODEL },
    stub: { lightning: wallet.kind === 'stub', agent: agent.kind === 'stub', provisioner: true },
    closed: options.closedBecause,
    btcPriceUsd: (reader) => usdMicrosDecimal(prices.now(reader).usdMicros),
    isDemoOffered,
    priceInWords: (reader) => {
      const { quote, tariff } = offerFor(selling, reader, '', null);
      const usd = showUsd(quote.amountSats, tariff);
      return `${settings.EVAL_FEE_SATS} sats for a look, then about ${quote.amountSats} (${usd}) for a short answer`;
    },
  };
}
