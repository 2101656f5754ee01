import type { Texts } from '../customers/index.ts';
import { tellNews, unlessRefused, type Database, type Reader, type Tx } from '../db/index.ts';
import { heldFor, post, revenue } from '../ledger/index.ts';
import { assertNever } from '../lib/assert-never.ts';
import type { Clock } from '../lib/clock.ts';
import { isRefusal, refuse, type Refusal } from '../lib/errors.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { failureOf, isReplayable, notification, success } from '../messaging/dialects/jsonrpc/index.ts';
import { enqueue, loadInbound, type InboundMessage } from '../messaging/index.ts';
import { answerRpc } from '../messaging/rpc-answers.ts';
import {
  lookUpProfileOf,
  owe,
  replaceInvoices,
  tellOrder,
  type Issuing,
  type OrderRef,
  type PlatformEvent,
  type ReceiptBook,
} from '../payments/index.ts';
import { cancelTask, schedule, type Commit, type TaskKind } from '../tasks/index.ts';
import { activityTasks, remakeActivities, scheduleActivity } from './activity-tasks.ts';
import { askInvoice } from './invoice-effect.ts';
import type { Delivered, Product } from './product.ts';
import type { Decision, Effect, OrderBase, OrderEvent, WaitingRequest } from './types.ts';

export interface EngineOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly texts: Texts;
  readonly products: readonly Product[];
  readonly receipts: ReceiptBook;
  /** The gate that every invoice passes. */
  readonly issuing: Issuing;
  readonly alert: (tx: Tx, what: string) => void;
  /** What the customer sees on an invoice of this order ("Timmy J-4KQ7M look"). */
  readonly describeInvoice: (orderId: string, purpose: string) => string;
}

/** Runs orders: every event of an order, whatever its product, comes through here, one transaction each. */
export interface Engine {
  product(kind: string): Product;
  /** The product of a short id, by its letter. */
  productOf(id: string): Product | undefined;
  /** The order of this id if it is this owner's; foreign and absent are the same answer. */
  owned(reader: Reader, id: string, owner: string): { product: Product; order: OrderBase } | undefined;
  /** What this customer asked for in words and has not paid anything for yet, of whatever product. */
  waitingRequest(reader: Reader, owner: string): WaitingRequest | undefined;
  /** Delivers an event to an existing order. A refusal changes nothing. */
  deliver(tx: Tx, order: OrderRef, event: OrderEvent<unknown>): Refusal | undefined;
  /** Opens a new order with its first decision; `message` is the request it answers. A refusal leaves nothing behind. */
  open(tx: Tx, product: Product, decision: Decision<OrderBase, unknown>, message: InboundMessage): Refusal | undefined;
  /** The task kinds of the engine. */
  taskKinds(): readonly TaskKind<never>[];
  /** Owes anew what orders at work have lost. @returns how many tasks of each kind were missing. */
  remakeTasks(tx: Tx, now: UnixSeconds): Readonly<Record<string, number>>;
}

type NotifyEffect = Extract<Effect<unknown>, { type: 'notify' }>;

interface EventTask {
  readonly order: OrderRef;
  readonly event: PlatformEvent;
}

export function createEngine(options: EngineOptions): Engine {
  const { clock, texts } = options;
  const byKind = new Map(options.products.map((product) => [product.kind, product]));

  function product(kind: string): Product {
    const found = byKind.get(kind);
    if (found === undefined) throw new Error('engine.no_such_product');
    return found;
  }

  function deliver(tx: Tx, order: OrderRef, event: OrderEvent<unknown>): Refusal | undefined {
    const of = product(order.kind);
    return unlessRefused(tx, () => {
      const before = of.find(tx, order.id)?.state;
      const result = of.deliver(tx, order.id, event);
      if (result === undefined || isRefusal(result)) return result;
      const refused = apply(tx, of, order, result, event);
      const state = result.order?.state;
      if (refused === undefined && state !== before && of.look(tx, order.id)?.isOpen === false)
        tellNews(tx, 'order.ended', { order: order.id, state });
      return refused;
    });
  }

  function apply(
    tx: Tx,
    of: Product,
    ref: OrderRef,
    result: Delivered,
    event: OrderEvent<unknown> | InboundMessage,
  ): Refusal | undefined {
    const now = clock.now();
    for (const effect of result.effects) {
      if (effect.type === 'invoice') {
        const refused = askInvoice(tx, options, ref, result.order, effect, event, now);
        if (refused !== undefined) return refused;
      } else if (effect.type !== 'notify' && effect.type !== 'answer') applyEffect(tx, of, ref, result, effect, now);
    }
    const answerTo = 'type' in event ? ('replyTo' in event ? event.replyTo : null) : event.id;
    const message = answerTo === null ? null : loadInbound(tx, answerTo);
    for (const effect of result.effects) {
      if (effect.type === 'notify') notify(tx, of, ref, result, { ...effect, answered: answerTo }, now);
    }
    tellProgram(tx, of, ref, result, event, message, now);
    // A long result in parts follows the object that announces it.
    for (const effect of result.effects) {
      if (effect.type === 'notify') notifyInParts(tx, ref, result, effect, now);
    }
    return undefined;
  }

  /** Answers a request in JSON-RPC, or notifies a program of the change. */
  function tellProgram(
    tx: Tx,
    of: Product,
    ref: OrderRef,
    result: Delivered,
    event: OrderEvent<unknown> | InboundMessage,
    message: InboundMessage | null,
    now: UnixSeconds,
  ): void {
    const waits = result.effects.some(
      (effect) => effect.type === 'invoice' && effect.mayFail && effect.replyTo !== null,
    );
    const asked = message?.dialect === 'rpc' ? message : null;
    if (asked !== null && !waits) {
      const failed = 'type' in event && event.type === 'invoice_failed';
      const own = result.order === null ? undefined : result.answer(tx, 'type' in event ? event : null, asked);
      if (own !== 'later') {
        const answer = own ?? (failed ? NO_INVOICE : { [of.rpcName]: result.rpc(tx, false, asked.sender) });
        give(tx, ref, asked, answer, now);
      }
      if (failed || asked.sender === result.order?.owner) return;
    }
    for (const effect of result.effects) {
      if (effect.type === 'answer') answerNow(tx, ref, result, effect.replyTo, now);
    }
    const quiet = waits && asked !== null;
    if (result.order?.dialect !== 'rpc' || !result.changed || quiet || !result.wantsUpdate) return;
    const { owner } = result.order;
    const text = notification(`${of.rpcName}.updated`, { [of.rpcName]: result.rpc(tx, true, owner) });
    enqueue(tx, texts, { to: owner, text, orderId: ref.id }, now);
  }

  function give(
    tx: Tx,
    ref: OrderRef,
    asked: InboundMessage,
    answer: Readonly<Record<string, unknown>> | Refusal,
    now: UnixSeconds,
  ): void {
    const isNo = isRefusal(answer);
    const text = isNo ? failureOf(asked.rpcId, answer) : success(asked.rpcId, answer);
    const replayable = !isNo || isReplayable(answer.refusal);
    answerRpc(tx, texts, asked, text, { replayable, orderId: ref.id }, now);
  }

  /** A request that was said to be answered later. */
  function answerNow(tx: Tx, ref: OrderRef, result: Delivered, replyTo: number, now: UnixSeconds): void {
    const asked = loadInbound(tx, replyTo);
    const answer = result.answer(tx, null, asked);
    if (asked.dialect !== 'rpc' || answer === undefined || answer === 'later') return;
    give(tx, ref, asked, answer, now);
  }

  /** `answered`: the message to which this event is the answer; a program has it from `tellProgram`. */
  function notify(
    tx: Tx,
    of: Product,
    ref: OrderRef,
    result: Delivered,
    effect: NotifyEffect & { readonly answered: number | null },
    now: UnixSeconds,
  ): void {
    const order = result.order;
    const message = effect.replyTo == null ? null : loadInbound(tx, effect.replyTo);
    const dialect = message?.dialect ?? order?.dialect ?? 'words';
    const to = message?.sender ?? order?.owner;
    if (to === undefined) return;
    if (dialect === 'rpc') {
      // The owner's program hears of every change of what it ordered. Another key that has a part in the order, and a
      // program that asked for something in one made in words, hears of what came of that.
      if (message === null || order === null) return;
      if (to === order.owner && (order.dialect === 'rpc' || message.id === effect.answered)) return;
      const text = notification(`${of.rpcName}.updated`, { [of.rpcName]: result.rpc(tx, true, to) });
      return void enqueue(tx, texts, { to, text, orderId: ref.id }, now);
    }
    // A removed order has nothing left to render: its last words are fixed.
    const lines =
      order === null
        ? [
            'Sorry, no invoice could be made just now, so nothing was created and nothing was charged. Please send it again in a few minutes.',
          ]
        : result.words(tx, effect.notice);
    for (const [index, text] of lines.entries()) {
      enqueue(tx, texts, { to, text, answering: message, reference: index === 0, orderId: ref.id }, now);
    }
  }

  function notifyInParts(tx: Tx, ref: OrderRef, result: Delivered, { notice }: NotifyEffect, now: UnixSeconds): void {
    const { order } = result;
    if (order?.dialect !== 'rpc') return;
    for (const part of result.rpcParts(tx, notice)) {
      enqueue(tx, texts, { to: order.owner, text: notification(part.method, part.params), orderId: ref.id }, now);
    }
  }

  function applyEffect(
    tx: Tx,
    of: Product,
    ref: OrderRef,
    result: Delivered,
    effect: Exclude<Effect<unknown>, { type: 'notify' | 'invoice' | 'answer' }>,
    now: UnixSeconds,
  ): void {
    const owner = result.order?.owner ?? '';
    switch (effect.type) {
      case 'replace_invoices':
        return replaceInvoices(tx, ref, now);
      case 'owe':
        return owe(
          tx,
          {
            order: ref,
            owner,
            amountMsats: effect.amountMsats,
            because: effect.because,
            cause: effect.cause,
            invoiceId: effect.invoiceId,
          },
          now,
        );
      case 'earn':
        post(tx, {
          debit: heldFor(ref.kind, ref.id),
          credit: revenue(effect.as),
          amountMsats: effect.amountMsats,
          kind: `earned:${effect.as}`,
          cause: effect.cause,
          at: now,
        });
        return;
      case 'give_back':
        post(tx, {
          debit: revenue(effect.as),
          credit: heldFor(ref.kind, ref.id),
          amountMsats: effect.amountMsats,
          kind: `returned:${effect.as}`,
          cause: effect.cause,
          at: now,
        });
        return;
      case 'move': {
        const { from, to, amountMsats, because, cause } = effect;
        const [debit, credit] = [heldFor(from.kind, from.id), heldFor(to.kind, to.id)];
        post(tx, { debit, credit, amountMsats, kind: `moved:${because}`, cause, at: now });
        return;
      }
      case 'tell':
        return tellOrder(tx, effect.order, { type: 'news', from: ref, news: effect.news }, now);
      case 'run':
        return scheduleActivity(tx, of, ref.id, owner, { activity: effect.activity, input: effect.input }, now);
      case 'timer':
        return schedule(tx, {
          kind: 'order.event',
          payload: { order: ref, event: { type: 'timer', name: effect.name } } satisfies EventTask,
          key: timerKey(ref, effect.name),
          dueAt: effect.at,
          now,
        });
      case 'cancel_timer':
        return cancelTask(tx, timerKey(ref, effect.name), now);
      case 'receipt': {
        const charge = result.receipt(tx);
        if (charge !== null) options.receipts.fileCharge(tx, owner, charge, now);
        return;
      }
      case 'alert':
        return options.alert(tx, effect.what);
      default:
        return assertNever(effect);
    }
  }

  /**
   * An event finds what the one before it left, so one that is repeated holds up those behind it. It never waits.
   *
   * Killed midway: there is no act; the event is delivered in the commit.
   */
  const eventTask: TaskKind<EventTask> = {
    kind: 'order.event',
    pool: 'orders',
    leaseSeconds: 30,
    maxAttempts: 10,
    lane: { width: 1, whileRepeated: 'holds' },
    run: (task) => {
      const { order, event } = task.payload;
      const commit: Commit = (tx) => void deliver(tx, order, event);
      return Promise.resolve(commit);
    },
  };

  return {
    product,
    productOf: (id) => options.products.find((candidate) => id.startsWith(`${candidate.prefix}-`)),
    owned: (reader, id, owner) => {
      const of = options.products.find((candidate) => id.startsWith(`${candidate.prefix}-`));
      const order = of?.find(reader, id);
      return of !== undefined && order?.owner === owner ? { product: of, order } : undefined;
    },
    waitingRequest: (reader, owner) => {
      for (const of of options.products) {
        const waiting = of.waitingRequest(reader, owner);
        if (waiting !== undefined) return waiting;
      }
      return undefined;
    },
    deliver,
    open: (tx, of, decision, message) =>
      unlessRefused(tx, () => {
        const result = of.open(tx, decision);
        const ref = { kind: of.kind, id: result.order?.id ?? '' };
        lookUpProfileOf(tx, message.sender, clock.now());
        const refused = apply(tx, of, ref, result, message);
        if (refused === undefined) tellNews(tx, 'order.opened', { order: ref.id, npub: message.sender.slice(0, 8) });
        return refused;
      }),
    taskKinds: () => [
      eventTask,
      ...options.products.flatMap((of) => activityTasks(of, { clock, database: options.database, deliver })),
    ],
    remakeTasks: (tx, now) =>
      Object.fromEntries(options.products.map((of) => [`${of.kind}.*`, remakeActivities(tx, of, now)])),
  };
}

const NO_INVOICE = refuse(
  'unavailable',
  'No invoice could be made within 30 seconds: nothing was created, nothing was charged. Try again later.',
);

function timerKey(ref: OrderRef, name: string): string {
  return `timer:${ref.kind}:${ref.id}:${name}`;
}
