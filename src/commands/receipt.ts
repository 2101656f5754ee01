import { z } from 'zod';
import type { Texts } from '../customers/index.ts';
import type { Database, Tx } from '../db/index.ts';
import {
  rpcMethod,
  wordCommand,
  type CommandContext,
  type Engine,
  type RpcMethod,
  type WordCommand,
} from '../engine/index.ts';
import type { Clock } from '../lib/clock.ts';
import { refuse, type Refusal } from '../lib/errors.ts';
import { success } from '../messaging/dialects/jsonrpc/index.ts';
import { one, shortId } from '../messaging/dialects/text/index.ts';
import { enqueue, loadInbound } from '../messaging/index.ts';
import { answerRpc } from '../messaging/rpc-answers.ts';
import type { NostrEvent } from '../nostr/event.ts';
import type { Signer } from '../nostr/signer.ts';
import { completeReceipts, keepSignature, receiptsOf } from '../payments/index.ts';
import type { ChargeContent } from '../receipts/index.ts';
import { schedule, type TaskKind } from '../tasks/index.ts';
import { noSuchOrder } from './orders.ts';

interface GiveTask {
  readonly inboxId: number;
  readonly orderId: string;
}

/** Receipts, given to their customer on request. */
export function receiptCommands(engine: Engine): { words: WordCommand[]; methods: RpcMethod[] } {
  function give(tx: Tx, id: string, { message, now }: CommandContext): Refusal | undefined {
    const found = engine.owned(tx, id, message.sender);
    if (found === undefined) return noSuchOrder(id);
    if (receiptsOf(tx, id).charge === null) {
      return refuse('bad_state', `Nothing was charged for ${id} so far, so there is no receipt yet.`, {
        state: found.order.state,
        reason: 'nothing charged',
      });
    }
    schedule(tx, {
      kind: 'receipt.give',
      payload: { inboxId: message.id, orderId: id } satisfies GiveTask,
      dueAt: now,
      now,
    });
    return undefined;
  }
  const word = wordCommand({
    word: 'receipt',
    usage: 'receipt <id>',
    parse: one('id', shortId),
    run: (tx, args: { id: string }, context) => give(tx, args.id, context),
  });
  const methods = ['receipt', 'job.receipt'].map((method) =>
    rpcMethod({
      method,
      params: z.strictObject({ id: z.string().max(16) }),
      changes: false,
      run: (tx, { id }, context) => {
        if (method === 'job.receipt' && !id.startsWith('J-')) return noSuchOrder(id);
        return give(tx, id, context) ?? 'later';
      },
    }),
  );
  return { words: [word], methods };
}

/**
 * Gives the receipts of an order, signed.
 *
 * Killed midway: nothing was given; they are signed again, which is as good.
 */
export function giveReceiptTask(options: {
  database: Database;
  clock: Clock;
  texts: Texts;
  signer: Signer;
}): TaskKind<GiveTask> {
  const { database, clock, texts, signer } = options;
  return {
    kind: 'receipt.give',
    pool: 'orders',
    leaseSeconds: 30,
    maxAttempts: 10,
    run: async (task) => {
      const { inboxId, orderId } = task.payload;
      const { charge, earlier, refunds } = receiptsOf(database.read, orderId);
      if (charge === null) return () => {};
      const [[receipt], earlier_receipts, refund_receipts] = await Promise.all([
        completeReceipts(signer, [charge]),
        completeReceipts(signer, earlier),
        completeReceipts(signer, refunds),
      ]);
      return (tx) => {
        if (receipt === undefined) return;
        for (const event of [receipt, ...earlier_receipts, ...refund_receipts]) keepSignature(tx, event);
        const message = loadInbound(tx, inboxId);
        const now = clock.now();
        if (message.dialect === 'rpc') {
          return answerRpc(
            tx,
            texts,
            message,
            success(message.rpcId, { receipt, refund_receipts, earlier_receipts }),
            { replayable: false, orderId },
            now,
          );
        }
        enqueue(
          tx,
          texts,
          { to: message.sender, text: inWords(receipt, refund_receipts.length), answering: message, orderId },
          now,
        );
        // Oldest first, as a chain is checked.
        for (const event of [...earlier_receipts, receipt, ...refund_receipts]) {
          enqueue(
            tx,
            texts,
            { to: message.sender, text: JSON.stringify(event), answering: message, reference: false, orderId },
            now,
          );
        }
      };
    },
  };
}

/** The figures of a receipt for people; the signed event follows. */
function inWords(receipt: NostrEvent, refunds: number): string {
  const content = JSON.parse(receipt.content) as ChargeContent;
  const { bill, quote, tariff } = content;
  const paid = content.payments.map(({ purpose, amount_sats }) => `${amount_sats} (${purpose})`).join(' + ');
  const tokens = content.items.map((item) => `${item.role}: ${item.input_tokens} tokens in, ${item.output_tokens} out`);
  const lines = [
    `${content.id}: ${content.outcome.replaceAll('_', ' ')}.`,
    `Paid: ${paid === '' ? 0 : paid} sats. Charged: ${bill.charged_sats}. Yours: ${bill.owed_sats}.`,
    content.fee_sats > 0 ? `The look: ${content.fee_sats} sats.` : '',
    quote === null
      ? ''
      : `The work: quoted ${quote.amount_sats}, ${bill.actual_sats > 0 ? `came to ${bill.actual_sats}` : 'not done'}.`,
    ...tokens,
    bill.actual_sats > 0 ? `Model $${bill.token_usd}, server $${bill.infra_usd}, margin $${bill.margin_usd}.` : '',
    tariff === null ? '' : `Bitcoin at $${tariff.btc_price_usd} (${tariff.btc_price_source}).`,
    `Below: the receipt${refunds > 0 ? ` and ${refunds} of refunds` : ''}, signed. Anybody can check it with: timmy verify`,
  ];
  return lines.filter((line) => line !== '').join('\n');
}
