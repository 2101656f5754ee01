import type { Database, Tx } from '../db/index.ts';
import type { CommandContext, ProductCommands, RpcMethod, WordCommand } from '../engine/index.ts';
import type { Product } from '../engine/product.ts';
import { refuse, type Refusal } from '../lib/errors.ts';
import type { Signer } from '../nostr/signer.ts';
import type { PriceBook } from '../payments/index.ts';
import type { LnurlPay } from '../ports/lnurl.ts';
import type { TaskKind } from '../tasks/index.ts';
import { accountCommands } from './account.ts';
import { claimCommands, claimTask } from './claim.ts';
import { forgetCommands, forgetTask } from './forget.ts';
import { handleTask } from './handle.ts';
import { helpCommand } from './help.ts';
import { infoMethod } from './info.ts';
import { historyMethod, orderWords } from './orders.ts';
import { resolveTask } from './pay-address.ts';
import { autoRefundTask } from './pay-unasked.ts';
import { storeDestinationTask } from './store-destination.ts';
import { giveReceiptTask, receiptCommands } from './receipt.ts';
import { refundCommands } from './refund.ts';
import { speakers } from './speakers.ts';
import type { CommandOptions, Registry } from './registry.ts';

export interface CommandsOptions extends CommandOptions {
  readonly database: Database;
  readonly prices: PriceBook;
  readonly signer: Signer;
  readonly lnurl: LnurlPay;
  readonly products: readonly Product[];
  /** `TIMMY_OPERATOR_NPUBS`, hex. */
  readonly operators: readonly string[];
  /** What the products themselves understand. */
  readonly ofProducts: readonly ProductCommands[];
  /** `LIMIT_RPC_BYTES` */
  readonly rpcBytes: number;
  readonly messageChars: number;
  readonly unpaidPerMinute: number;
  /** `REFUND_AUTO_MIN_SATS` and `REFUND_ASK_MIN_SATS` */
  readonly autoMinSats: number;
  readonly askMinSats: number;
}

/**
 * Everything that can be said to Timmy, and the tasks behind it. To add a command: its file here, and a line below.
 */
export function commandTasks(options: CommandsOptions): readonly TaskKind<never>[] {
  const { engine, products, info, ofProducts, database, clock, texts, wallet, signer, alert } = options;
  const refunds = refundCommands(options, products);
  const claims = claimCommands(engine);
  const account = accountCommands(products, options);
  const forgetting = { database, clock, texts, faces: products.map(({ face }) => face) };
  const forget = forgetCommands(forgetting);
  const receipt = receiptCommands(engine, products);
  const words: readonly WordCommand[] = [
    helpCommand(info),
    ...ofProducts.flatMap((product) => product.words),
    ...orderWords(engine, products),
    ...claims.words,
    ...refunds.words,
    ...receipt.words,
    ...account.words,
    ...forget.words,
  ];
  const methods: readonly RpcMethod[] = [
    infoMethod(info, () => methods.map((method) => method.method)),
    ...ofProducts.flatMap((product) => product.methods),
    ...refunds.methods,
    ...claims.methods,
    ...receipt.methods,
    ...account.methods,
    ...forget.methods,
    historyMethod(products),
  ];
  const registry: Registry = {
    words,
    methods,
    request: (tx, text, context) => takeFreeText(ofProducts, tx, text, context),
  };
  return [
    handleTask({ ...options, registry, refunds, whoSpeaks: speakers(options.operators, ofProducts) }),
    claimTask({ database, clock, texts, wallet, engine, alert }),
    resolveTask(options),
    storeDestinationTask(options),
    autoRefundTask(options),
    forgetTask(forgetting),
    giveReceiptTask({ database, clock, texts, signer }),
  ];
}

/** Words that are no command go to the first product whose they are. */
function takeFreeText(
  ofProducts: readonly ProductCommands[],
  tx: Tx,
  text: string,
  context: CommandContext,
): Refusal | undefined {
  const taker = ofProducts.find(({ freeText }) => freeText?.isMine(tx, text, context.message) === true);
  if (taker?.freeText === undefined)
    return refuse('bad_state', 'I take commands only, and that is none. Nothing was charged. help lists them.');
  return taker.freeText.take(tx, text, context);
}
