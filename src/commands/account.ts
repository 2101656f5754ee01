import { z } from 'zod';
import { setPreferences, storeDestination } from '../customers/index.ts';
import { rpcMethod, wordCommand, type RpcMethod, type WordCommand } from '../engine/index.ts';
import type { Clock } from '../lib/clock.ts';
import { isRefusal } from '../lib/errors.ts';
import { nothing, onOff } from '../messaging/dialects/text/index.ts';
import { openInvoiceOf, payAutomatically } from '../payments/index.ts';
import { accountOf } from './account-shape.ts';
import { openOrders } from './orders.ts';
import { scheduleStoring, storable } from './store-destination.ts';
import type { Product } from '../engine/product.ts';

/** What a customer has with us beside orders: what is owed, how invoices are shown. */
export function accountCommands(
  products: readonly Product[],
  options: { readonly clock: Clock; readonly allowPrivateNetwork: boolean },
): { words: WordCommand[]; methods: RpcMethod[] } {
  const uri = wordCommand({
    word: 'uri',
    usage: 'uri',
    parse: nothing,
    run: (tx, _args, context) => {
      const { sender } = context.message;
      setPreferences(tx, sender, { uriForm: true });
      const invoices = openOrders(tx, products, sender)
        .filter((order) => order.dialect === 'words')
        .flatMap((order) => openInvoiceOf(tx, order.summary.id) ?? []);
      const bolt11 = invoices[0]?.bolt11;
      context.say(
        tx,
        bolt11 == null ? 'From now on invoices come as lightning: links. None is open now.' : `lightning:${bolt11}`,
      );
      return undefined;
    },
  });
  const refunds = wordCommand({
    word: 'refunds',
    usage: 'refunds on|off',
    parse: onOff,
    run: (tx, { on }, context) => {
      const { sender } = context.message;
      setPreferences(tx, sender, { refundsOn: on });
      if (on) payAutomatically(tx, sender, context.now, context.now);
      context.say(
        tx,
        on
          ? 'What is yours is paid out by itself, wherever I know an address of yours.'
          : 'Nothing is paid out by itself any more. What is yours stays yours: refund pays it out.',
      );
      return undefined;
    },
  });
  const keep = wordCommand({
    word: 'keep',
    usage: 'keep on|off',
    parse: onOff,
    run: (tx, { on }, context) => {
      const { sender } = context.message;
      setPreferences(tx, sender, { keepOn: on });
      if (!on) payAutomatically(tx, sender, context.now, context.now);
      context.say(
        tx,
        on
          ? 'What is yours stays here and pays your next step where it covers it whole; then no invoice comes. keep off stops that.'
          : 'Every step has its own invoice again. What is yours stays yours: refund pays it out.',
      );
      return undefined;
    },
  });
  const methods = [
    rpcMethod({
      method: 'account.set',
      nip17Only: 'Settings are taken by NIP-17 only: kind 4 can be changed on its way.',
      params: z.strictObject({
        refund_to: z.string().max(2100).nullable().optional(),
        refunds: z.boolean().optional(),
        keep: z.boolean().optional(),
      }),
      changes: true,
      run: (tx, params, { message, now }) => {
        if (params.refund_to != null) {
          const to = storable(params.refund_to, options);
          if (isRefusal(to)) return to;
          const { refunds: refundsOn = null, keep: keepOn = null } = params;
          const { sender: owner, id: replyTo } = message;
          scheduleStoring(tx, { owner, destination: to.value, refundsOn, keepOn, replyTo }, options.clock);
          return 'later';
        }
        if (params.refund_to === null) storeDestination(tx, message.sender, null);
        setPreferences(tx, message.sender, {
          ...(params.refunds === undefined ? {} : { refundsOn: params.refunds }),
          ...(params.keep === undefined ? {} : { keepOn: params.keep }),
        });
        payAutomatically(tx, message.sender, now, now);
        return { result: accountOf(tx, products, message.sender) };
      },
    }),
    rpcMethod({
      method: 'account.get',
      params: z.strictObject({}).optional(),
      changes: false,
      run: (tx, _params, { message }) => ({ result: accountOf(tx, products, message.sender) }),
    }),
  ];
  return { words: [uri, refunds, keep], methods };
}
