import type { ZodType } from 'zod';
import type { Tx } from '../db/index.ts';
import type { Refusal } from '../lib/errors.ts';
import type { UnixSeconds } from '../lib/units.ts';
import type { Word } from '../messaging/dialects/text/grammar.ts';
import type { InboundMessage } from '../messaging/index.ts';

/** What a command sees and may do. Commands run inside the transaction that ends their message's task. */
export interface CommandContext {
  readonly message: InboundMessage;
  readonly now: UnixSeconds;
  /** Pays what is owed because of this order of the sender's, as `<product>.refund` does. */
  payOrder(tx: Tx, orderId: string, destination: string): Refusal | 'now' | 'later';
  /**
   * Answers in words. Answers that nobody paid for are bounded for each key: above the bound this stays silent.
   * `about`: the order it concerns; what concerns a paid order does not count.
   */
  say(tx: Tx, text: string, options?: { readonly paid?: boolean; readonly reference?: boolean }): void;
}

/** A word of the text dialect and what it does. */
export interface WordCommand<Args = unknown> extends Word<Args> {
  /** True: the price of bitcoin is refreshed before it runs. */
  readonly needsPrice?: boolean;
  /** A refusal is told to the customer and changes nothing. */
  run(tx: Tx, args: Args, context: CommandContext): Refusal | undefined;
}

/**
 * `result`: answered now, then `after` runs (further messages). `later`: the engine, or a task, answers when it is known.
 */
export type RpcOutcome = { readonly result: unknown; readonly after?: () => void } | 'later';

/** A method of the JSON-RPC dialect. */
export interface RpcMethod<Params = unknown> {
  readonly method: string;
  readonly params: ZodType<Params>;
  /** It changes something: a replay does nothing twice and gets its first answer. */
  readonly changes: boolean;
  readonly needsPrice?: boolean;
  run(tx: Tx, params: Params, context: CommandContext): RpcOutcome | Refusal;
}

/** Folds the argument type away, for the registry. */
export function wordCommand<Args>(command: WordCommand<Args>): WordCommand {
  return command;
}

/** Folds the parameter type away, for the registry. */
export function rpcMethod<Params>(method: RpcMethod<Params>): RpcMethod {
  return method;
}
