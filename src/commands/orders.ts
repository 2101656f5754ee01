import { z } from 'zod';
import type { Reader, Tx } from '../db/index.ts';
import {
  ordersOf,
  placeOf,
  rpcMethod,
  wordCommand,
  type CommandContext,
  type Engine,
  type ListedOrder,
  type OrderRow,
  type Product,
  type ProductFace,
  type RpcMethod,
  type WordCommand,
} from '../engine/index.ts';
import { isRefusal, refuse, type Refusal } from '../lib/errors.ts';
import { wholeSats } from '../lib/units.ts';
import { anyOf, nothing, one, optional, shortId } from '../messaging/dialects/text/index.ts';
import { debtsOf, invoicesOf, isHeldUp, owedInAll, payoutsTo } from '../payments/index.ts';

/** Commands that concern orders whatever their product: status, invoice, cancel, history. */
export function orderWords(engine: Engine, products: readonly Product[]): WordCommand[] {
  const deliver =
    (type: 'cancel' | 'invoice') =>
    (tx: Tx, { id }: { id: string | null }, context: CommandContext) => {
      const wanted = id ?? meantOrder(tx, products, context.message.sender, type);
      if (isRefusal(wanted)) return wanted;
      const found = engine.owned(tx, wanted, context.message.sender);
      if (found === undefined) return noSuchOrder(wanted);
      const event = { type: 'command' as const, command: { type }, replyTo: context.message.id };
      return engine.deliver(tx, { kind: found.product.kind, id: wanted }, event);
    };
  return [
    wordCommand({
      word: 'status',
      usage: 'status [id]',
      parse: anyOf({ id: shortId }),
      run: (tx, { id }: { id: string | null }, context) => {
        const { sender } = context.message;
        if (id === null) {
          context.say(tx, statusText(tx, products, sender), {
            paid: openOrders(tx, products, sender).some((order) => order.isPaid),
          });
          return undefined;
        }
        const found = engine.owned(tx, id, sender);
        const order = found?.product.look(tx, id);
        if (order === undefined) return noSuchOrder(id);
        context.say(tx, order.statusLine, { paid: order.isPaid });
        return undefined;
      },
    }),
    wordCommand({
      word: 'invoice',
      usage: 'invoice <id>',
      parse: optional('id', one('id', shortId)),
      needsPrice: true,
      run: deliver('invoice'),
    }),
    wordCommand({
      word: 'cancel',
      usage: 'cancel <id>',
      parse: optional('id', one('id', shortId)),
      run: deliver('cancel'),
    }),
    wordCommand({
      word: 'history',
      usage: 'history',
      parse: nothing,
      run: (tx, _args, context) => {
        const found = history(tx, products, context.message.sender, 10, null);
        if (isRefusal(found)) return found;
        const lines = found.entries.map((entry) => {
          const owed = entry.owed_sats > 0 ? `, ${entry.owed_sats} yours` : '';
          const refunded = entry.refunded_sats > 0 ? `, ${entry.refunded_sats} paid back` : '';
          return `${entry.id} ${entry.state.replaceAll('_', ' ')}: ${entry.paid_sats} sats paid${owed}${refunded}`;
        });
        context.say(
          tx,
          lines.length === 0 ? 'You have bought nothing yet. Write what you want done.' : lines.join('\n'),
        );
        return undefined;
      },
    }),
  ];
}

export function historyMethod(products: readonly Product[]): RpcMethod {
  return rpcMethod({
    method: 'history',
    params: z
      .strictObject({ limit: z.int().min(1).max(10).optional(), before: z.string().max(16).optional() })
      .optional(),
    changes: false,
    run: (tx, params, { message }) => {
      const found = history(tx, products, message.sender, params?.limit ?? 10, params?.before ?? null);
      return isRefusal(found) ? found : { result: found };
    },
  });
}

/** One line of `history` in JSON-RPC (docs/rpc.md). */
interface Entry {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly paid_sats: number;
  readonly owed_sats: number;
  readonly refunded_sats: number;
}

function history(
  reader: Reader,
  products: readonly Product[],
  owner: string,
  limit: number,
  before: string | null,
): { entries: Entry[]; next?: string } | Refusal {
  const faces = listedFaces(products);
  const place = before === null ? null : placeOf(reader, faces, owner, before);
  if (place === undefined) return refuse('not_found', `There is no ${before} of yours to go on from.`);
  const all = ordersOf(reader, faces, owner, limit + 1, place);
  const entries = all.slice(0, limit).map((order) => entryOf(reader, order));
  const last = entries.at(-1);
  return all.length > limit && last !== undefined ? { entries, next: last.id } : { entries };
}

function entryOf(reader: Reader, { id, kind, state, createdAt, updatedAt }: OrderRow): Entry {
  const debts = debtsOf(reader, id);
  const sum = (states: readonly string[]): number =>
    Math.floor(
      debts.filter((debt) => states.includes(debt.state)).reduce((total, debt) => total + debt.amountMsats, 0) / 1000,
    );
  return {
    id,
    kind,
    state,
    created_at: createdAt,
    updated_at: updatedAt,
    paid_sats: Math.floor(
      invoicesOf(reader, id).reduce((total, invoice) => total + (invoice.paidMsats ?? 0), 0) / 1000,
    ),
    owed_sats: sum(['owed', 'paying']),
    refunded_sats: sum(['paid']),
  };
}

function listedFaces(products: readonly Product[]): ProductFace[] {
  return products.map(({ face }) => face).filter((face) => face.listed);
}

/** Orders of this customer that wait for something, newest first. */
export function openOrders(reader: Reader, products: readonly Product[], owner: string): ListedOrder[] {
  return products
    .flatMap((product) => product.openOf(reader, owner))
    .sort((a, b) => b.summary.createdAt - a.summary.createdAt);
}

/**
 * The order that a word without an id means: the newest open one that was made in words. A program with the same key
 * is not to be disturbed by a person who thinks of something else: its orders are named, and touched only by their id.
 */
function meantOrder(reader: Reader, products: readonly Product[], owner: string, word: string): string | Refusal {
  // What is paid from another order has no invoice of its own.
  const invoiced = new Set(listedFaces(products).map(({ kind }) => kind));
  const open = openOrders(reader, products, owner).filter(
    (order) => !order.isFree && (word !== 'invoice' || invoiced.has(order.summary.kind)),
  );
  const meant = open.find((order) => order.dialect === 'words' && !(word === 'cancel' && order.cancelNamed));
  if (meant !== undefined) return meant.summary.id;
  const [first] = open;
  if (first === undefined) return refuse('not_found', 'Nothing of yours is open. Write what you want done.');
  const { id } = first.summary;
  const others = open.length === 1 ? '' : ` (and ${open.length - 1} more: status shows them)`;
  const why = first.cancelNamed ? 'what is on it would be lost' : 'a program with your key ordered that';
  const text = `Only ${id}${others} is open, and ${why}. If you mean it, send: ${word} ${id}`;
  return refuse('bad_state', text, { state: first.summary.state, reason: text });
}

/** What is open, what was last, and what is theirs. */
export function statusText(reader: Reader, products: readonly Product[], owner: string): string {
  const open = openOrders(reader, products, owner);
  const shown = open.length > 0 ? open : lastOrder(reader, products, owner);
  const lines = shown.slice(0, 5).map((order) => order.statusLine);
  const owed = wholeSats(owedInAll(reader, owner));
  const paying = payoutsTo(reader, owner).filter((payout) => payout.state === 'committed' || payout.state === 'sent');
  if (owed > 0) lines.push(`${owed} sats are yours: refund pays them out.`);
  for (const payout of paying) {
    const stands = isHeldUp(reader, payout) ? 'go out to you as soon as my wallet can pay' : 'are on their way to you';
    lines.push(`${payout.amountMsats / 1000} sats ${stands}.`);
  }
  return lines.length === 0 ? 'Nothing of yours is open. Write what you want done.' : lines.join('\n');
}

function lastOrder(reader: Reader, products: readonly Product[], owner: string): ListedOrder[] {
  const [row] = ordersOf(reader, listedFaces(products), owner, 1, null);
  const order = products.find(({ kind }) => kind === row?.kind)?.look(reader, row?.id ?? '');
  return order === undefined ? [] : [order];
}

export function noSuchOrder(id: string): Refusal {
  return refuse('not_found', `There is no ${id} of yours. status shows what is open, history what you bought.`);
}
