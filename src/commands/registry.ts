import type { Texts } from '../customers/index.ts';
import type { Clock } from '../lib/clock.ts';
import type { Refusal } from '../lib/errors.ts';
import type { Tx } from '../db/index.ts';
import type { CommandContext, Engine, RpcMethod, WordCommand } from '../engine/index.ts';
import type { Wallet } from '../ports/wallet.ts';
import type { InfoParts } from './info.ts';

/** What commands are made of; handed in by `app/compose`. */
export interface CommandOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly texts: Texts;
  readonly wallet: Wallet;
  readonly info: InfoParts;
  /** Our node's key, where known. */
  readonly payee: () => string | null;
  /** `REFUND_FEE_DAILY_SATS` */
  readonly feeDailySats: number;
  /** `TIMMY_ALLOW_PRIVATE_NETWORK` */
  readonly allowPrivateNetwork: boolean;
  /** Tells the operator something that needs a person. */
  readonly alert: (tx: Tx, what: string) => void;
}

/** Everything that can be said to Timmy, from products and from here. */
export interface Registry {
  readonly words: readonly WordCommand[];
  readonly methods: readonly RpcMethod[];
  /** Words that are no command. */
  request(tx: Tx, text: string, context: CommandContext): Refusal | undefined;
}
