import type { Reader, Tx } from '../db/index.ts';
import { isRefusal, type Refusal } from '../lib/errors.ts';
import type { InboundMessage } from '../messaging/index.ts';
import type { Charge } from '../receipts/index.ts';
import type { ProductFace } from './face.ts';
import { openIdsOf } from './order-rows.ts';
import type {
  Activity,
  AtWork,
  Decision,
  Dialect,
  Effect,
  OrderBase,
  OrderEvent,
  OrderSummary,
  ProductDefinition,
  WaitingRequest,
} from './types.ts';

/** What one delivered event came to, with the product's own types folded away. */
export interface Delivered {
  readonly order: OrderBase | null;
  readonly changed: boolean;
  readonly effects: readonly Effect<unknown>[];
  /** Renders as of after the effects were applied. */
  words(tx: Tx, notice: unknown): readonly string[];
  rpcParts(reader: Reader, notice: unknown): readonly { method: string; params: Readonly<Record<string, unknown>> }[];
  rpc(reader: Reader, brief: boolean, to: string): Readonly<Record<string, unknown>>;
  /** Undefined: the order itself is the answer. `event: null`: now, which was said to come later. */
  answer(
    reader: Reader,
    event: OrderEvent<unknown> | null,
    asked: InboundMessage,
  ): Readonly<Record<string, unknown>> | Refusal | 'later' | undefined;
  receipt(reader: Reader): Charge | null;
  readonly wantsUpdate: boolean;
}

/** A product as the engine and the registry see it. */
export interface Product {
  readonly kind: string;
  readonly prefix: string;
  readonly face: ProductFace;
  readonly rpcName: string;
  readonly activities: Readonly<Record<string, Activity>>;
  atWork(reader: Reader): readonly AtWork[];
  /** Decides and saves; the effects are still to be applied. Undefined: there is no such order. */
  deliver(tx: Tx, id: string, event: OrderEvent<unknown>): Delivered | Refusal | undefined;
  /** Saves a new order together with its first decision. */
  open(tx: Tx, decision: Decision<OrderBase, unknown>): Delivered;
  find(reader: Reader, id: string): OrderBase | undefined;
  rpc(reader: Reader, id: string, brief: boolean, to: string): Readonly<Record<string, unknown>> | undefined;
  look(reader: Reader, id: string): ListedOrder | undefined;
  waitingRequest(reader: Reader, owner: string): WaitingRequest | undefined;
  /** This owner's orders that are not finished, newest first. */
  openOf(reader: Reader, owner: string): readonly ListedOrder[];
  /** Undefined: `<rpcName>.refund` always takes an id. */
  readonly meantForRefund: ((reader: Reader, owner: string) => string | undefined) | undefined;
}

/** One order as lists, status and history show it. */
export interface ListedOrder {
  readonly summary: OrderSummary;
  /** How it was made: a word without an id never means a program's. */
  readonly dialect: Dialect;
  readonly isOpen: boolean;
  readonly isPaid: boolean;
  /** Nothing to pay, nothing to cancel. */
  readonly isFree: boolean;
  /** `cancel` without an id does not mean it. */
  readonly cancelNamed: boolean;
  readonly statusLine: string;
}

/**
 * Makes a product out of its definition. The only place where its types are folded away: inside, everything is
 * checked; outside, the registry can hold products of every kind.
 */
export function product<Order extends OrderBase, Command, Notice, Facts>(
  definition: ProductDefinition<Order, Command, Notice, Facts>,
): Product {
  const { face } = definition;

  function delivered(
    order: Order | null,
    changed: boolean,
    effects: readonly Effect<Notice>[],
    event: OrderEvent<Command> | null,
  ): Delivered {
    const existing = (): Order => {
      if (order === null) throw new Error('engine.no_order');
      return order;
    };
    return {
      order,
      changed,
      effects,
      words: (tx, notice) => definition.words(tx, existing(), notice as Notice),
      rpcParts: (reader, notice) => definition.rpcParts?.(reader, existing(), notice as Notice) ?? [],
      rpc: (reader, brief, to) => definition.rpc(reader, existing(), brief, to),
      answer: (reader, erased, asked) => definition.answer?.(reader, existing(), erased as OrderEvent<Command>, asked),
      receipt: (reader) => definition.receipt(reader, existing()),
      wantsUpdate: order !== null && (event === null || definition.wantsUpdate(order, event)),
    };
  }

  function listed(reader: Reader, order: Order): ListedOrder {
    return {
      summary: definition.summary(order),
      dialect: order.dialect,
      isOpen: face.states.open.includes(order.state),
      isPaid: definition.isPaid(order),
      isFree: face.isFree === true,
      cancelNamed: face.cancelNamed === true && definition.isPaid(order),
      statusLine: definition.statusLine(reader, order),
    };
  }

  return {
    kind: face.kind,
    prefix: face.prefix,
    face,
    rpcName: definition.rpcName,
    activities: definition.activities,
    atWork: (reader) => definition.atWork(reader),
    deliver: (tx, id, erased) => {
      const event = erased as OrderEvent<Command>;
      const before = definition.load(tx, id);
      if (before === undefined) return undefined;
      const decision = definition.decide(before, event, definition.facts(tx, before, event));
      if (isRefusal(decision)) return decision;
      if (decision.order === null) {
        definition.remove(tx, before);
        return delivered(null, true, decision.effects, event);
      }
      if (decision.order === before) return delivered(before, false, decision.effects, event);
      const after = { ...decision.order, seq: before.seq + 1 };
      definition.save(tx, after, before.seq);
      return delivered(after, true, decision.effects, event);
    },
    open: (tx, decision) => {
      const order = decision.order as Order;
      definition.insert(tx, order);
      return delivered(order, true, decision.effects as readonly Effect<Notice>[], null);
    },
    find: (reader, id) => definition.load(reader, id),
    rpc: (reader, id, brief, to) => {
      const order = definition.load(reader, id);
      return order === undefined ? undefined : definition.rpc(reader, order, brief, to);
    },
    waitingRequest: (reader, owner) => definition.waitingRequest?.(reader, owner),
    look: (reader, id) => {
      const order = definition.load(reader, id);
      return order === undefined ? undefined : listed(reader, order);
    },
    openOf: (reader, owner) =>
      openIdsOf(reader, face, owner).flatMap((id) => {
        const order = definition.load(reader, id);
        return order === undefined ? [] : [listed(reader, order)];
      }),
    meantForRefund: definition.meantForRefund,
  };
}
