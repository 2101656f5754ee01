import { z } from 'zod';
import { checkPayable, decodeInvoice } from '../bolt11/index.ts';
import { automaticDestination, knownDestination } from '../customers/index.ts';
import type { Reader, Tx } from '../db/index.ts';
import {
  rpcMethod,
  wordCommand,
  type CommandContext,
  type Product,
  type RpcMethod,
  type WordCommand,
} from '../engine/index.ts';
import { isRefusal, refuse, type Refusal } from '../lib/errors.ts';
import type { InboundMessage } from '../messaging/index.ts';
import { msats, wholeSats, type Msats } from '../lib/units.ts';
import {
  anyOf,
  destination,
  parseDestination,
  shortId,
  type TypedDestination,
} from '../messaging/dialects/text/index.ts';
import {
  claimableDebts,
  commitPayout,
  feesShutUntil,
  findInvoiceByHash,
  findPayout,
  owedByOrder,
  type PayoutRow,
} from '../payments/index.ts';
import { noSuchOrder } from './orders.ts';
import { scheduleAsked } from './pay-address.ts';
import { destinationRefused, exactly, feesSpent, nothingOwed, payoutRefusal } from './refund-refusals.ts';
import { rpcPayout } from './refund-shapes.ts';
import type { CommandOptions } from './registry.ts';

/** Paying out what is owed, to an invoice for exactly one debt or for all. */
export interface Refunds {
  readonly words: readonly WordCommand[];
  readonly methods: readonly RpcMethod[];
  /** A bare invoice or address is the refund that is due. */
  pay(tx: Tx, to: TypedDestination, context: CommandContext): Refusal | undefined;
  /**
   * Pays what is owed because of one order, asked by a program. `now`: to an invoice, and the caller answers; `later`:
   * an address is asked first, and its task answers with the order.
   */
  payOrder(tx: Tx, orderId: string, destination: string, message: InboundMessage): Refusal | 'now' | 'later';
}

interface Started {
  readonly payout: PayoutRow;
  readonly amountMsats: Msats;
  /** The orders whose debts it pays; all of the customer's, or one. */
  readonly orders: readonly string[];
}

export function refundCommands(options: CommandOptions, products: readonly Product[]): Refunds {
  const { engine, clock, wallet } = options;

  /** Commits one payout to `bolt11`, or says why not; nothing else happens. */
  function start(tx: Tx, owner: string, bolt11: string, orderId: string | null, replyTo: number): Started | Refusal {
    const now = clock.now();
    const debts = claimableDebts(tx, owner).filter((debt) => orderId === null || debt.orderId === orderId);
    const decoded = decodeInvoice(bolt11);
    const hash = 'invalid' in decoded ? null : decoded.paymentHash;
    const known = hash === null ? undefined : findPayout(tx, hash);
    if (known?.owner === owner) return payoutRefusal(tx, known);
    if (debts.length === 0) return nothingOwed(tx, owner, orderId);
    const perOrder = owedByOrder(tx, owner).filter((row) => orderId === null || row.orderId === orderId);
    const all = msats(perOrder.reduce((sum, row) => sum + row.amountMsats, 0n));
    const payable = checkPayable(bolt11, {
      expectedMsats: [all, ...perOrder.map((row) => row.amountMsats)],
      network: wallet.network,
      now,
      isOurHash: (candidate) =>
        findInvoiceByHash(tx, candidate) !== undefined || findPayout(tx, candidate) !== undefined,
      ourPayee: options.payee(),
    });
    if ('refused' in payable) {
      const one = perOrder.length > 1 ? perOrder : [];
      return destinationRefused(payable.refused, all, one);
    }
    const { invoice } = payable;
    const amountMsats = msats(invoice.amountMsats ?? 0n);
    // All together before one alone: where both fit, everything is paid.
    const chosen =
      amountMsats === all
        ? debts
        : debts.filter((debt) => debt.orderId === perOrder.find((row) => row.amountMsats === amountMsats)?.orderId);
    const shut = feesShutUntil(tx, options, owner, true, now);
    if (shut !== null) return feesSpent(amountMsats, shut, automaticDestination(tx, owner) !== null);
    const { paymentHash, expiresAt } = invoice;
    commitPayout(
      tx,
      {
        paymentHash,
        bolt11,
        owner,
        amountMsats,
        debts: chosen,
        destination: null,
        invoiceExpiresAt: expiresAt,
        replyTo,
      },
      now,
    );
    const payout = findPayout(tx, paymentHash);
    if (payout === undefined) throw new Error('payout.missing');
    return { payout, amountMsats, orders: [...new Set(chosen.map((debt) => debt.orderId))] };
  }

  /** The address is asked outside; its task answers. */
  function payAddress(tx: Tx, owner: string, orderId: string | null, to: string, replyTo: number): Refusal | undefined {
    if (!claimableDebts(tx, owner).some((debt) => orderId === null || debt.orderId === orderId)) {
      return nothingOwed(tx, owner, orderId);
    }
    scheduleAsked(tx, { owner, orderId, destination: to, replyTo }, clock);
    return undefined;
  }

  function pay(
    tx: Tx,
    to: TypedDestination,
    context: CommandContext,
    orderId: string | null = null,
  ): Refusal | undefined {
    const { sender, id } = context.message;
    if (to.kind !== 'bolt11') return payAddress(tx, sender, orderId, to.value, id);
    const own = ownInvoice(tx, to.value, sender);
    if (own !== undefined) {
      context.say(tx, own);
      return undefined;
    }
    const started = start(tx, sender, to.value, orderId, id);
    if (isRefusal(started)) return started;
    const what = started.orders.length === 1 ? started.orders[0] : `all: ${started.orders.join(', ')}`;
    context.say(tx, `Paying out ${wholeSats(started.amountMsats)} sats (${what}). I say when it has arrived.`, {
      paid: true,
    });
    return undefined;
  }

  function payOrder(
    tx: Tx,
    orderId: string,
    destinationText: string,
    message: InboundMessage,
  ): Refusal | 'now' | 'later' {
    const to = parseDestination(destinationText);
    if (to === null) return NO_DESTINATION;
    if (to.kind !== 'bolt11') return payAddress(tx, message.sender, orderId, to.value, message.id) ?? 'later';
    const started = start(tx, message.sender, to.value, orderId, message.id);
    return isRefusal(started) ? started : 'now';
  }

  const words = [
    wordCommand({
      word: 'refund',
      usage: 'refund [id] <invoice or Lightning address>',
      parse: anyOf({ id: shortId, destination }),
      run: (tx, args: { id: string | null; destination: TypedDestination | null }, context) => {
        const { sender } = context.message;
        if (args.id !== null && engine.owned(tx, args.id, sender) === undefined) return noSuchOrder(args.id);
        if (args.destination !== null) return pay(tx, args.destination, context, args.id);
        const owed = owedByOrder(tx, sender).filter((row) => args.id === null || row.orderId === args.id);
        if (owed.length === 0) return nothingOwed(tx, sender, args.id);
        const known = knownDestination(tx, sender);
        if (known !== null) return payAddress(tx, sender, args.id, known, context.message.id);
        const sum = msats(owed.reduce((total, row) => total + row.amountMsats, 0n));
        context.say(tx, `${exactly(sum, owed.length > 1 ? owed : [])}.`, { paid: true });
        return undefined;
      },
    }),
  ];

  /** `job.refund` and its like: what is owed because of one order. */
  const ofOrder = (product: Product): RpcMethod => {
    const { rpcName, kind, meantForRefund } = product;
    const id = z.string().max(16);
    return rpcMethod({
      method: `${rpcName}.refund`,
      params: z.strictObject({
        id: meantForRefund === undefined ? id : id.optional(),
        destination: z.string().max(4200),
      }),
      changes: true,
      run: (tx, params, { message }) => {
        const meant = params.id ?? meantForRefund?.(tx, message.sender) ?? '';
        const found = engine.owned(tx, meant, message.sender);
        if (found?.product.kind !== kind)
          return meant === '' ? nothingOwed(tx, message.sender, null) : noSuchOrder(meant);
        const paid = payOrder(tx, meant, params.destination, message);
        return paid === 'now' ? { result: { [rpcName]: product.rpc(tx, meant, false, message.sender) } } : paid;
      },
    });
  };
  const methods = [
    ...products.filter(({ face }) => face.listed).map(ofOrder),
    rpcMethod({
      method: 'account.refund',
      params: z.strictObject({ destination: z.string().max(4200) }),
      changes: true,
      run: (tx, params, { message }) => {
        const to = parseDestination(params.destination);
        if (to === null) return NO_DESTINATION;
        if (to.kind !== 'bolt11') return payAddress(tx, message.sender, null, to.value, message.id) ?? 'later';
        const started = start(tx, message.sender, to.value, null, message.id);
        return isRefusal(started) ? started : { result: { refund: rpcPayout(started.payout) } };
      },
    }),
  ];

  return { words, methods, pay, payOrder };
}

const NO_DESTINATION = refuse('bad_destination', 'The destination is no invoice, Lightning address or LNURL.', {
  why: 'malformed',
});

/** An invoice of ours sent back is not for us to pay. */
function ownInvoice(reader: Reader, bolt11: string, owner: string): string | undefined {
  const decoded = decodeInvoice(bolt11);
  const row = 'invalid' in decoded ? undefined : findInvoiceByHash(reader, decoded.paymentHash);
  if (row === undefined) return undefined;
  if (row.owner !== owner) return 'That is my invoice: pay it in your wallet.';
  const state =
    row.state === 'open' ? 'It is still open' : row.state === 'paid' ? 'It is paid already' : 'It has run out';
  return `That is my invoice: pay it in your wallet. ${state} (${row.orderId}).`;
}
