import { z } from 'zod';
import { customer, eraseTextsOf, setPreferences } from '../customers/index.ts';
import { statement, type Reader, type Tx } from '../db/index.ts';
import { rpcMethod, wordCommand, type RpcMethod, type WordCommand } from '../engine/index.ts';
import { wholeSats } from '../lib/units.ts';
import { nothing } from '../messaging/dialects/text/index.ts';
import { openInvoiceOf, owedByOrder, owedInAll } from '../payments/index.ts';
import { openOrders } from './orders.ts';
import type { Product } from '../engine/product.ts';

/** What a customer has with us beside orders: what is owed, how invoices are shown, and their texts. */
export function accountCommands(products: readonly Product[]): { words: WordCommand[]; methods: RpcMethod[] } {
  const uri = wordCommand({
    word: 'uri',
    usage: 'uri',
    parse: nothing,
    run: (tx, _args, context) => {
      const { sender } = context.message;
      setPreferences(tx, sender, { uriForm: true });
      const invoices = openOrders(tx, products, sender).flatMap((order) => openInvoiceOf(tx, order.summary.id) ?? []);
      const bolt11 = invoices[0]?.bolt11;
      context.say(
        tx,
        bolt11 == null ? 'From now on invoices come as lightning: links. None is open now.' : `lightning:${bolt11}`,
      );
      return undefined;
    },
  });
  const forget = wordCommand({
    word: 'forget',
    usage: 'forget (erases the texts of all that is finished)',
    parse: nothing,
    careful: true,
    run: (tx, _args, context) => {
      const erased = forgetTexts(tx, context.message.sender);
      context.say(
        tx,
        `Erased: ${erased} texts. Amounts, ids and receipts stay, for they are the books. Texts of open requests stay until those end.`,
      );
      return undefined;
    },
  });
  const methods = [
    rpcMethod({
      method: 'account.get',
      params: z.strictObject({}).optional(),
      changes: false,
      run: (tx, _params, { message }) => ({ result: account(tx, message.sender) }),
    }),
    rpcMethod({
      method: 'forget',
      params: z.strictObject({}).optional(),
      changes: false,
      run: (tx, _params, { message }) => ({ result: { erased: forgetTexts(tx, message.sender) } }),
    }),
  ];
  return { words: [uri, forget], methods };
}

function account(reader: Reader, owner: string): Record<string, unknown> {
  const { refundTo, refundsOn, keepOn } = customer(reader, owner);
  return {
    owed_sats: wholeSats(owedInAll(reader, owner)),
    debts: owedByOrder(reader, owner).map((row) => ({ id: row.orderId, amount_sats: wholeSats(row.amountMsats) })),
    refund_to: refundTo,
    refunds: refundsOn,
    keep: keepOn,
    session: null,
  };
}

/** Erases what this customer wrote and was answered, but for what open orders and messages on their way still need. */
export function forgetTexts(tx: Tx, owner: string): number {
  const needed = statement(
    tx,
    `SELECT request_id AS id FROM jobs WHERE owner = @owner AND request_id IS NOT NULL
       AND state IN ('awaiting_eval_payment', 'evaluating', 'awaiting_work_payment', 'executing')
     UNION SELECT text_id FROM outbox WHERE recipient = @owner AND state IN ('waiting', 'sealed') AND text_id IS NOT NULL
     UNION SELECT text_id FROM inbox i WHERE sender = @owner AND text_id IS NOT NULL
       AND EXISTS (SELECT 1 FROM tasks t WHERE t.kind = 'dm.handle' AND t.payload ->> 'inboxId' = i.id)`,
  ).all({ owner }) as { id: number }[];
  return eraseTextsOf(
    tx,
    owner,
    needed.map((row) => row.id),
  );
}
