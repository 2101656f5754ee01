import { z } from 'zod';
import type { Texts } from '../customers/index.ts';
import type { Database, Tx } from '../db/index.ts';
import {
  rpcMethod,
  wordCommand,
  type CommandContext,
  type Engine,
  type Product,
  type RpcMethod,
  type WordCommand,
} from '../engine/index.ts';
import type { Clock } from '../lib/clock.ts';
import { refuse, type Refusal } from '../lib/errors.ts';
import { success } from '../messaging/dialects/jsonrpc/index.ts';
import { anyOf, shortId } from '../messaging/dialects/text/index.ts';
import { enqueue, loadInbound, type InboundMessage } from '../messaging/index.ts';
import { answerRpc } from '../messaging/rpc-answers.ts';
import type { NostrEvent } from '../nostr/event.ts';
import type { Signer } from '../nostr/signer.ts';
import {
  chargedFormerly,
  completeReceipts,
  countReceipts,
  keepSignature,
  placeOfReceipt,
  receiptChain,
  receiptsOf,
} from '../payments/index.ts';
import { schedule, type Commit, type TaskKind } from '../tasks/index.ts';
import { noSuchOrder } from './orders.ts';
import { chainInWords, chargesInWords, formerlyInWords, refundsInWords } from './receipt-text.ts';
import { tellStumbled } from './stumbled.ts';

/** The receipts of one order, or the customer's whole chain from a place on. */
type Wish = { readonly orderId: string } | { readonly from: number };
type GiveTask = Wish & { readonly inboxId: number };

/** So many receipts of a chain go out for one asking, in words; then a person asks for the next. */
const CHAIN_PAGE = 12;
/** Bytes of receipts in one message: in words as results are, in JSON-RPC what surely fits once it is escaped. */
const MAX_WORDS_BYTES = 6000;
const MAX_RPC_BYTES = 36_000;

/** Receipts, given to their customer on request: those of an order, or all of them, a chain. */
export function receiptCommands(
  engine: Engine,
  products: readonly Product[],
): { words: WordCommand[]; methods: RpcMethod[] } {
  function later(tx: Tx, wish: Wish, { message, now }: CommandContext): void {
    const lane = `receipt:${message.sender}`;
    schedule(tx, { kind: 'receipt.give', payload: { inboxId: message.id, ...wish }, lane, dueAt: now, now });
  }
  function give(tx: Tx, id: string, context: CommandContext): Refusal | undefined {
    const found = engine.owned(tx, id, context.message.sender);
    if (found === undefined) return noSuchOrder(id);
    const { charge, refunds } = receiptsOf(tx, id);
    if (charge === null && refunds.length === 0) {
      const formerly = chargedFormerly(tx, id);
      if (formerly !== null)
        return refuse('bad_state', formerlyInWords(id, formerly), {
          state: found.order.state,
          reason: 'charged by an earlier version',
          charged_sats: formerly,
        });
      return refuse('bad_state', `Nothing was charged for ${id} so far, so there is no receipt yet.`, {
        state: found.order.state,
        reason: 'nothing charged',
      });
    }
    later(tx, { orderId: id }, context);
    return undefined;
  }
  const word = wordCommand({
    word: 'receipt',
    usage: 'receipt [id] (without an id: all of yours)',
    parse: (rest) => {
      const args = anyOf({ id: shortId, from: place })(rest);
      return args === null || (args.id !== null && args.from !== null) ? null : args;
    },
    run: (tx, { id, from }: { id: string | null; from: number | null }, context) => {
      if (id !== null) return give(tx, id, context);
      const count = countReceipts(tx, context.message.sender);
      if (count === 0)
        return refuse('bad_state', 'Nothing was charged or paid out so far, so there is no receipt yet.');
      if ((from ?? 1) > count) return refuse('not_found', `You have ${count} receipts. receipt shows them.`);
      later(tx, { from: from ?? 1 }, context);
      return undefined;
    },
  });
  const ofOrders = products
    .filter(({ face }) => face.listed && face.receipts !== null)
    .map(({ rpcName, prefix }) =>
      rpcMethod({
        method: `${rpcName}.receipt`,
        params: z.strictObject({ id: z.string().max(16) }),
        changes: false,
        run: (tx, { id }, context) =>
          (id.startsWith(`${prefix}-`) ? give(tx, id, context) : noSuchOrder(id)) ?? 'later',
      }),
    );
  const ofAll = rpcMethod({
    method: 'receipt',
    params: z.strictObject({ id: z.string().max(16).optional(), after: z.string().max(64).optional() }),
    changes: false,
    run: (tx, { id, after }, context) => {
      if (id !== undefined && after !== undefined) {
        return refuse('invalid_params', 'id gives the receipts of one order, after the chain from there on: not both.');
      }
      if (id !== undefined) return give(tx, id, context) ?? 'later';
      const last = after === undefined ? 0 : placeOfReceipt(tx, context.message.sender, after);
      if (last === undefined) return refuse('not_found', 'after takes the event id of a receipt of yours.');
      later(tx, { from: last + 1 }, context);
      return 'later';
    },
  });
  return { words: [word], methods: [ofAll, ...ofOrders] };
}

/** The place of a receipt in a chain, from 1. */
function place(token: string): number | null {
  return /^[1-9]\d{0,5}$/.test(token) ? Number(token) : null;
}

export interface GiveReceiptOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly texts: Texts;
  readonly signer: Signer;
}

/**
 * Gives receipts, signed.
 *
 * Killed midway: nothing was given; they are signed again, which is as good.
 */
export function giveReceiptTask(options: GiveReceiptOptions): TaskKind<GiveTask> {
  return {
    kind: 'receipt.give',
    pool: 'receipts',
    leaseSeconds: 30,
    maxAttempts: 10,
    run: (task) => {
      const message = loadInbound(options.database.read, task.payload.inboxId);
      return 'orderId' in task.payload
        ? giveOfOrder(options, message, task.payload.orderId)
        : giveChain(options, message, task.payload.from);
    },
    parked: (tx, task) => tellStumbled(options, tx, task.payload.inboxId),
  };
}

async function giveOfOrder(options: GiveReceiptOptions, message: InboundMessage, orderId: string): Promise<Commit> {
  const { database, signer, texts, clock } = options;
  const found = receiptsOf(database.read, orderId);
  const [charges, earlier, refunds] = await Promise.all([
    completeReceipts(signer, found.charge === null ? [] : [found.charge]),
    completeReceipts(signer, found.earlier),
    completeReceipts(signer, found.refunds),
  ]);
  const receipt = charges[0] ?? null;
  // Oldest first, as a chain is read.
  const before = [...earlier, ...charges];
  // A session that was topped up without end has many; the newest of them are wanted first.
  const earlier_receipts = fitting(before.toReversed(), MAX_RPC_BYTES).slice(1).toReversed();
  const told = [...earlier_receipts, ...charges];
  const refund_receipts = fitting(refunds, MAX_RPC_BYTES - escapedBytes(told));
  return (tx) => {
    for (const event of [...before, ...refunds]) keepSignature(tx, event);
    const now = clock.now();
    if (message.dialect === 'rpc') {
      const isAll = refund_receipts.length === refunds.length && told.length === before.length;
      const more = isAll ? {} : { more: true };
      const result = { receipt, refund_receipts, earlier_receipts, ...more };
      return answerRpc(tx, texts, message, success(message.rpcId, result), { replayable: false, orderId }, now);
    }
    const to = message.sender;
    const words =
      receipt === null
        ? refundsInWords(orderId, refunds, chargedFormerly(tx, orderId))
        : chargesInWords(before, refunds);
    enqueue(tx, texts, { to, text: words, answering: message, orderId }, now);
    for (const event of [...told, ...refund_receipts]) {
      const text = JSON.stringify(event);
      enqueue(tx, texts, { to, text, answering: message, reference: false, orderId }, now);
    }
  };
}

async function giveChain(options: GiveReceiptOptions, message: InboundMessage, from: number): Promise<Commit> {
  const { database, signer, texts, clock } = options;
  const to = message.sender;
  const page = await completeReceipts(signer, receiptChain(database.read, to, from, CHAIN_PAGE));
  return (tx) => {
    for (const event of page) keepSignature(tx, event);
    const now = clock.now();
    const count = countReceipts(tx, to);
    if (message.dialect === 'rpc') {
      const receipts = fitting(page, MAX_RPC_BYTES);
      const last = receipts.at(-1);
      const next = last !== undefined && from - 1 + receipts.length < count ? { next: last.id } : {};
      return answerRpc(tx, texts, message, success(message.rpcId, { receipts, ...next }), { replayable: false }, now);
    }
    enqueue(tx, texts, { to, text: chainInWords(from, page.length, count), answering: message }, now);
    for (const text of inMessages(page)) enqueue(tx, texts, { to, text, answering: message, reference: false }, now);
  };
}

/** As many of the first receipts as fit, one at least. */
function fitting(receipts: readonly NostrEvent[], bytes: number): readonly NostrEvent[] {
  let count = receipts.length;
  while (count > 1 && escapedBytes(receipts.slice(0, count)) > bytes) count--;
  return receipts.slice(0, count);
}

/** What they come to inside a rumor, which escapes them once more. */
function escapedBytes(receipts: readonly NostrEvent[]): number {
  return Buffer.byteLength(JSON.stringify(JSON.stringify(receipts)));
}

/** Receipts as JSON lines, some in one message: what is pasted below each other is what `timmy verify` reads. */
function inMessages(receipts: readonly NostrEvent[]): readonly string[] {
  const messages: string[] = [];
  for (const line of receipts.map((event) => JSON.stringify(event))) {
    const joined = `${messages.at(-1) ?? ''}\n${line}`;
    if (messages.length > 0 && Buffer.byteLength(joined) <= MAX_WORDS_BYTES) messages[messages.length - 1] = joined;
    else messages.push(line);
  }
  return messages;
}
