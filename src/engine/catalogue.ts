import type { Reader, Tx } from '../db/index.ts';
import type { Refusal } from '../lib/errors.ts';
import type { InboundMessage } from '../messaging/index.ts';
import type { CommandContext, RpcMethod, Speaker, WordCommand } from './commands.ts';
import type { Engine } from './engine.ts';
import type { ProductFace } from './face.ts';
import type { TaskKind } from '../tasks/index.ts';
import type { Product } from './product.ts';

/**
 * Something that is sold, as the list of products has it: its kinds of order, and how they are made to work with what
 * the daemon has (`Shop`).
 */
export interface CatalogueEntry<Shop> {
  readonly faces: readonly ProductFace[];
  open(shop: Shop): OpenedEntry;
}

export interface OpenedEntry {
  readonly products: readonly Product[];
  commands(engine: Engine): ProductCommands;
  /** Tasks of its own beside its activities. */
  tasks?(engine: Engine): readonly TaskKind<never>[];
  /** Those of them that begin by themselves when Timmy starts, each with its one key. */
  readonly recurring?: readonly Recurring[];
}

export interface Recurring {
  readonly kind: string;
  readonly key: string;
}

/** How customers deal with a product: in words, by JSON-RPC, and what it says of itself. */
export interface ProductCommands {
  readonly words: readonly WordCommand[];
  readonly methods: readonly RpcMethod[];
  /** Its lines of `help`, the word first. */
  readonly help: readonly string[];
  /** Its share of `info`; names are never taken away (docs/rpc.md). */
  readonly prices: Readonly<Record<string, unknown>>;
  readonly limits: Readonly<Record<string, unknown>>;
  /** Its sentences in the short help (src/commands/help.ts), which has 350 characters in all. */
  readonly inShort?: readonly string[];
  /** Today's price of what one gets who just writes ("10 sats for a look, then about 129 ($0.13) for a short answer"). */
  priceInWords?(reader: Reader): string;
  /** Who this key is to the product, beside a customer like any other. */
  readonly speaks?: (reader: Reader, npub: string) => Speaker | undefined;
  /** Its share of the words that are no command. The products are asked in their order; the first whose they are takes them. */
  readonly freeText?: FreeText;
}

export interface FreeText {
  isMine(reader: Reader, text: string, message: InboundMessage): boolean;
  take(tx: Tx, text: string, context: CommandContext): Refusal | undefined;
}
