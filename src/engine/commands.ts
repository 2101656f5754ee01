import type { ZodType } from 'zod';
import type { Tx } from '../db/index.ts';
import { refuse, type Refusal } from '../lib/errors.ts';
import type { UnixSeconds } from '../lib/units.ts';
import type { Word } from '../messaging/dialects/text/grammar.ts';
import type { InboundMessage } from '../messaging/index.ts';

/** Who writes to us; asked before how they write. A token's holder has a part in somebody else's order. */
export type Speaker = 'operator' | 'node' | 'holder' | 'customer';

/** What a command sees and may do. Commands run inside the transaction that ends their message's task. */
export interface CommandContext {
  readonly message: InboundMessage;
  readonly speaker: Speaker;
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
  /** Known to these speakers alone: from all others it is no command. */
  readonly only?: readonly Speaker[];
  /** Why it is taken by NIP-17 only: what kind 4 does to it, as the customer reads it. */
  readonly nip17Only?: string;
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
  readonly only?: readonly Speaker[];
  readonly nip17Only?: string;
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

/** The refusal of a command that kind 4 would spoil. */
export function protocolRefusal(
  command: Pick<WordCommand | RpcMethod, 'nip17Only'>,
  { protocol }: Pick<InboundMessage, 'protocol'>,
): Refusal | undefined {
  if (command.nip17Only === undefined || protocol === 'nip17') return undefined;
  const how = 'Write to me by NIP-17 (private messages in Amethyst, 0xchat, Keychat and others) and send it again.';
  return refuse('bad_state', `${command.nip17Only} ${how}`, { state: 'nip04', reason: 'write by NIP-17' });
}
