import { z } from 'zod';
import { unlessRefused, type Tx } from '../../../src/db/index.ts';
import {
  newOrderId,
  rpcMethod,
  wordCommand,
  type CommandContext,
  type Engine,
  type Product,
  type ProductCommands,
  type RpcMethod,
} from '../../../src/engine/index.ts';
import { isRefusal, refuse, type Refusal } from '../../../src/lib/errors.ts';
import { freeText } from '../../../src/messaging/dialects/text/index.ts';
import type { Shop } from '../../../src/products/_shared/shop.ts';
import { echoFace } from './face.ts';
import { openEcho } from './machine.ts';
import { rpcEcho } from './rpc.ts';
import { PRICE } from './states.ts';
import { loadEcho } from './store.ts';

/** How an echo is bought: in words, by JSON-RPC, and by whoever begins a sentence with "backwards". */
export function echoCommands({ texts, rng, settings }: Shop, engine: Engine, product: Product): ProductCommands {
  /** Opens an order, or leaves nothing behind. The engine answers when its invoice exists. */
  function sell(tx: Tx, text: string, { message, now }: CommandContext): Refusal | undefined {
    return unlessRefused(tx, () => {
      const decision = openEcho(
        {
          id: newOrderId(tx, rng, echoFace),
          owner: message.sender,
          dialect: message.dialect ?? 'words',
          requestId: texts.keep(tx, message.sender, text, now),
          expirySeconds: settings.INVOICE_EXPIRY_SECONDS,
          replyTo: message.id,
        },
        now,
      );
      return engine.open(tx, product, decision, message);
    });
  }

  const noSuchEcho = (id: string): Refusal => refuse('not_found', `There is no ${id} of yours.`);
  const id = z.string().max(16);
  const onOrder = (type: 'cancel' | 'invoice'): RpcMethod =>
    rpcMethod({
      method: `echo.${type}`,
      params: z.strictObject({ id }),
      changes: true,
      run: (tx, params, { message }) => {
        if (loadEcho(tx, params.id)?.owner !== message.sender) return noSuchEcho(params.id);
        const event = { type: 'command', command: { type }, replyTo: message.id } as const;
        return engine.deliver(tx, { kind: product.kind, id: params.id }, event) ?? 'later';
      },
    });

  return {
    words: [
      wordCommand({
        word: 'echo',
        usage: 'echo <your words>',
        parse: freeText,
        run: (tx, { text }, context) => sell(tx, text, context),
      }),
    ],
    methods: [
      rpcMethod({
        method: 'echo.create',
        params: z.strictObject({ request: z.string().trim().min(1).max(1000) }),
        changes: true,
        run: (tx, { request }, context) => {
          const refused = sell(tx, request, context);
          return isRefusal(refused) ? refused : 'later';
        },
      }),
      rpcMethod({
        method: 'echo.get',
        params: z.strictObject({ id }),
        changes: false,
        run: (tx, params, { message }) => {
          const echo = loadEcho(tx, params.id);
          if (echo?.owner !== message.sender) return noSuchEcho(params.id);
          return { result: { echo: rpcEcho(tx, texts, echo, false) } };
        },
      }),
      onOrder('cancel'),
      onOrder('invoice'),
    ],
    help: ['echo <text>: your words back to front'],
    prices: { echo_sats: PRICE },
    limits: {},
    freeText: {
      isMine: (_reader, text) => /^backwards\b/i.test(text),
      take: (tx, text, context) => sell(tx, text.replace(/^backwards[:,]?\s*/i, ''), context),
    },
  };
}
