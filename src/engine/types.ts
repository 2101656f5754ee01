import type { Reader, Tx } from '../db/index.ts';
import type { Refusal } from '../lib/errors.ts';
import type { Msats, Sats, UnixSeconds } from '../lib/units.ts';
import type { InboundMessage } from '../messaging/index.ts';
import type { OrderRef, PlatformEvent } from '../payments/index.ts';
import type { Charge } from '../receipts/index.ts';
import type { Commit, Pool } from '../tasks/index.ts';
import type { ProductFace } from './face.ts';

/** How an order was made, and therefore how its news are told: words for people, JSON-RPC for programs. */
export type Dialect = 'words' | 'rpc';

/** What all orders have in common; everything else is their product's own. */
export interface OrderBase {
  readonly id: string;
  /** Grows with every change; the compare-and-set of `save`, and the `seq` of notifications. */
  readonly seq: number;
  readonly state: string;
  /** The customer's key, hex. */
  readonly owner: string;
  readonly dialect: Dialect;
}

/**
 * The whole vocabulary between business and platform. A product decides and returns these; it never calls payments,
 * messaging or the ledger. Effects are applied in order, in the transaction that saves the order.
 */
export type Effect<Notice> =
  /** Say something: to the message `replyTo` (in its dialect), else to the owner (in the order's). */
  | { readonly type: 'notify'; readonly notice: Notice; readonly replyTo?: number | null }
  /**
   * Want an invoice. `mayFail`: given up after 30 s with `invoice_failed`, and its request `replyTo` is answered when
   * it exists; else it is tried until it exists. `reopens`: it takes up again what had lapsed.
   */
  | {
      readonly type: 'invoice';
      readonly purpose: string;
      readonly amountSats: Sats;
      readonly expirySeconds: number;
      readonly mayFail: boolean;
      readonly reopens: boolean;
      readonly replyTo: number | null;
      /** What is owed to the customer pays it, whatever they said of `keep`; they asked for that. */
      readonly fromOwed?: boolean;
    }
  /** Answers the JSON-RPC request in `replyTo` now, which its product said would be answered later. */
  | { readonly type: 'answer'; readonly replyTo: number }
  /** The order's open invoices are no longer wanted (they stay watched). */
  | { readonly type: 'replace_invoices' }
  /**
   * Money the order holds is owed back. With `because`, `cause` names the event once for ever. `invoiceId`: it is the
   * whole of this payment, which no receipt of a charge tells of: the order did not take it (late, twice).
   */
  | {
      readonly type: 'owe';
      readonly amountMsats: Msats;
      readonly because: string;
      readonly cause: string;
      readonly invoiceId?: number;
    }
  /** Money the order holds is earned. */
  | { readonly type: 'earn'; readonly amountMsats: Msats; readonly as: string; readonly cause: string }
  /** What was earned is the order's again, in part: a charge is taken back (`receipt` says so, `owe` owes it). */
  | { readonly type: 'give_back'; readonly amountMsats: Msats; readonly as: string; readonly cause: string }
  /** Money goes from what one order holds to what another does; either is this one. `because` and `cause`: once for ever. */
  | {
      readonly type: 'move';
      readonly from: OrderRef;
      readonly to: OrderRef;
      readonly amountMsats: Msats;
      readonly because: string;
      readonly cause: string;
    }
  /** Another order hears of it, in the event `news`. */
  | { readonly type: 'tell'; readonly order: OrderRef; readonly news: unknown }
  /** Do something outside; it ends in `activity_done` or `activity_failed`. */
  | { readonly type: 'run'; readonly activity: string; readonly input: unknown }
  | { readonly type: 'timer'; readonly name: string; readonly at: UnixSeconds }
  | { readonly type: 'cancel_timer'; readonly name: string }
  /** A charge was made: the customer's next receipt, of what `receipt` of the definition says. */
  | { readonly type: 'receipt' }
  | { readonly type: 'alert'; readonly what: string };

/** A new state and what follows. `order: null`: it never was (its first invoice could not be made). */
export interface Decision<Order, Notice> {
  readonly order: Order | null;
  readonly effects: readonly Effect<Notice>[];
}

/** What reaches an order: from the platform, or as a command of its owner. */
export type OrderEvent<Command> =
  PlatformEvent | { readonly type: 'command'; readonly command: Command; readonly replyTo: number };

/**
 * Work outside for an order, and the room it has. `leaseSeconds`: longer than the longest time-out of what it calls.
 * `maxAttempts`: broken or crashed runs before it ends as `activity_failed` with the code `broken`. `lane`: of all the
 * activities of one customer in lanes of this name at most `width` run at once, the first begun first; null: no bound.
 */
export interface Activity {
  readonly pool: Pool;
  readonly leaseSeconds: number;
  readonly maxAttempts: number;
  readonly lane: { readonly name: string; readonly width: number } | null;
  readonly run: ActivityRun;
}

export interface ActivityTry {
  readonly attempt: number;
  readonly tries: number;
  /** What the run before wanted remembered. */
  readonly memory: unknown;
  /** Tells the order something before the end, durably: its event `progress`. */
  readonly speak: (news: unknown) => void;
}

/** Throws as tasks do; its docstring says what `Killed midway:` leaves. */
export type ActivityRun = (
  orderId: string,
  input: unknown,
  run: ActivityTry,
  signal: AbortSignal,
) => Promise<ActivityOutcome>;

/** An order whose state says that an activity is owed or under way. */
export interface AtWork {
  readonly id: string;
  readonly owner: string;
  readonly activity: string;
  readonly input: unknown;
}

export type ActivityOutcome =
  { readonly done: unknown; readonly also?: Commit } | { readonly failed: string; readonly also?: Commit };

/** A product as its folder defines it; `product()` closes over the type parameters. */
export interface ProductDefinition<Order extends OrderBase, Command, Notice, Facts> {
  /** What it is without a daemon: kind, letter, table, states, checks. */
  readonly face: ProductFace;
  /** The name of its notifications (`job.updated`) and of its object in results (`job`). */
  readonly rpcName: string;
  load(reader: Reader, id: string): Order | undefined;
  insert(tx: Tx, order: Order): void;
  /** Writes `order` if the row still is at `expectedSeq`. @throws when it is not. */
  save(tx: Tx, order: Order, expectedSeq: number): void;
  remove(tx: Tx, order: Order): void;
  facts(reader: Reader, order: Order, event: OrderEvent<Command>): Facts;
  /** Pure. The same order, event and facts give the same decision. */
  decide(order: Order, event: OrderEvent<Command>, facts: Facts): Decision<Order, Notice> | Refusal;
  readonly activities: Readonly<Record<string, Activity>>;
  /** Every order whose state waits for an activity: where its task is missing, it is made again. */
  atWork(reader: Reader): readonly AtWork[];
  /** The messages that tell `notice` in words; empty when there is nothing to say. */
  words(tx: Tx, order: Order, notice: Notice): readonly string[];
  /** Its object in JSON-RPC (docs/rpc.md). `brief`: as in notifications and lists. `to`: who reads it. */
  rpc(reader: Reader, order: Order, brief: boolean, to: string): Readonly<Record<string, unknown>>;
  /**
   * What a request in JSON-RPC is answered; undefined: the order. `later`: the effect `answer` will, and
   * then it is asked again with `event: null`.
   */
  answer?(
    reader: Reader,
    order: Order,
    event: OrderEvent<Command> | null,
    asked: InboundMessage,
  ): Readonly<Record<string, unknown>> | Refusal | 'later' | undefined;
  /** Further notifications that a notice needs in JSON-RPC (a long result in parts). */
  rpcParts?(
    reader: Reader,
    order: Order,
    notice: Notice,
  ): readonly { method: string; params: Readonly<Record<string, unknown>> }[];
  /** Does this customer's program want to hear of this change? (`updates`) */
  wantsUpdate(order: Order, event: OrderEvent<Command>): boolean;
  /** Builds the receipt of the charge just made, or null when nothing was charged. */
  receipt(reader: Reader, order: Order): Charge | null;
  /** Paid for, so that answers about it are not counted as free. */
  isPaid(order: Order): boolean;
  /** The newest request of this customer that was made in words and waits for its first payment, while its text is kept. */
  readonly waitingRequest?: (reader: Reader, owner: string) => WaitingRequest | undefined;
  /** How it stands, in one line for people. */
  statusLine(reader: Reader, order: Order): string;
  summary(order: Order): OrderSummary;
  /** The order that `<rpcName>.refund` without an id means; left out: it always takes one. */
  readonly meantForRefund?: (reader: Reader, owner: string) => string | undefined;
}

/** What somebody asked for in words and has not paid for yet. */
export interface WaitingRequest {
  /** Whose invoice pays for it. */
  readonly orderId: string;
  readonly text: string;
}

/** One line of a customer's history. */
export interface OrderSummary {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly createdAt: UnixSeconds;
  readonly updatedAt: UnixSeconds;
}
