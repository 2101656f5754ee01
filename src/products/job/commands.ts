import { z } from 'zod';
import {
  findKeyUse,
  keepKeyUse,
  rpcMethod,
  wordCommand,
  type CommandContext,
  type Engine,
  type ProductCommands,
  type RpcMethod,
  type WordCommand,
} from '../../engine/index.ts';
import type { Product } from '../../engine/product.ts';
import { askFor } from '../../customers/index.ts';
import { unlessRefused, type Tx } from '../../db/index.ts';
import { isRefusal, refuse, type Refusal } from '../../lib/errors.ts';
import { freeText, hasLink, nothing, optionalText } from '../../messaging/dialects/text/index.ts';
import { notification, paramsDigest } from '../../messaging/dialects/jsonrpc/index.ts';
import { enqueue } from '../../messaging/index.ts';
import { countCharacters, showUsd } from '../../pricing/index.ts';
import { dropHeldText, heldTextOf } from '../_shared/held-text.ts';
import { destinationParam } from '../_shared/destination-param.ts';
import { partNotifications, rpcJob, rpcQuote } from './rpc.ts';
import { joinable, offerFor, sameRequest, sellJob, type Request, type SellingOptions } from './selling.ts';
import { jobsInState, jobsOfOwner, loadJob } from './store.ts';

const PLAIN: Omit<Request, 'text' | 'prepaid'> = { length: null, format: 'plain', updates: 'all' };

/** How customers buy jobs: in words and by JSON-RPC. */
export function jobCommands(options: SellingOptions, engine: Engine, product: Product): ProductCommands {
  const { settings, texts } = options;

  function sell(tx: Tx, text: string, length: 'long' | null, context: CommandContext): Refusal | undefined {
    const tooLong = lengthRefusal(text, settings.LIMIT_MESSAGE_CHARS);
    if (tooLong !== undefined) return tooLong;
    const known = sameRequest(options, tx, context.message.sender, { text, length }, context.now);
    if (known !== undefined) return deliver(tx, known.id, { type: 'invoice' }, context);
    const prepaid = settings.JOB_ONE_INVOICE === 'always';
    const sold = sellJob(options, engine, product, tx, { ...PLAIN, text, length, prepaid }, context);
    if (isRefusal(sold)) return sold;
    if (hasLink(text))
      context.say(tx, 'I do not open links: this is answered from your words alone.', { reference: false });
    return undefined;
  }

  /** `job` alone answers what was asked about a text that is held. */
  function sellHeld(tx: Tx, context: CommandContext): Refusal | undefined {
    const { sender } = context.message;
    const text = texts.read(tx, heldTextOf(tx, sender)?.textId ?? null);
    if (text === null) {
      context.say(tx, 'That is written: job <your request>');
      return undefined;
    }
    dropHeldText(tx, sender);
    return sell(tx, text, null, context);
  }

  function deliver(tx: Tx, id: string, command: unknown, { message }: CommandContext): Refusal | undefined {
    return engine.deliver(tx, { kind: product.kind, id }, { type: 'command', command, replyTo: message.id });
  }

  function request(tx: Tx, text: string, context: CommandContext): Refusal | undefined {
    const { message, now } = context;
    const open = joinable(options, tx, message.sender, now);
    const before = open === undefined ? null : texts.read(tx, open.requestId);
    if (open?.requestId == null || before === null || before === text) return sell(tx, text, null, context);
    const joined = `${before}\n${text}`;
    const tooLong = lengthRefusal(joined, settings.LIMIT_MESSAGE_CHARS);
    if (tooLong !== undefined) return tooLong;
    const { id, requestId } = open;
    return unlessRefused(tx, () => {
      texts.replace(tx, requestId, joined);
      return deliver(tx, id, { type: 'join', requestCharacters: countCharacters(joined) }, context);
    });
  }

  const words: WordCommand[] = [
    wordCommand({
      word: 'job',
      usage: 'job <your request>',
      parse: optionalText,
      needsPrice: true,
      run: (tx, { text }, context) => (text === null ? sellHeld(tx, context) : sell(tx, text, null, context)),
    }),
    wordCommand({
      word: 'long',
      usage: 'long <your request>',
      parse: freeText,
      needsPrice: true,
      run: (tx, { text }, context) => sell(tx, text, 'long', context),
    }),
    wordCommand({
      word: 'quote',
      usage: 'quote <your request>',
      parse: freeText,
      needsPrice: true,
      run: (tx, { text }, context) => {
        const { quote, tariff } = offerFor(options, tx, text, null);
        const usd = showUsd(quote.amountSats, tariff);
        context.say(
          tx,
          `That would be ${settings.EVAL_FEE_SATS} sats for a look, then about ${quote.amountSats} (${usd}) for an answer of up to ${quote.words} words. Nothing is ordered. To order it, send: job and your request.`,
        );
        return undefined;
      },
    }),
    wordCommand({
      word: 'one',
      usage: 'one',
      parse: nothing,
      needsPrice: true,
      run: (tx, _args, context) => {
        if (settings.JOB_ONE_INVOICE === 'off')
          return refuse('bad_state', 'Paying all at once is not offered here. The invoice you have is good.');
        const unpaid = jobsInState(tx, context.message.sender, ['awaiting_eval_payment']);
        const latest = unpaid.find((job) => job.dialect === 'words');
        if (latest === undefined)
          return refuse('bad_state', 'There is no unpaid request to pay all at once. Write what you want done first.');
        return deliver(tx, latest.id, { type: 'prepay' }, context);
      },
    }),
  ];

  const createParams = z.strictObject({
    request: z.string().trim().min(1),
    refund_to: z.string().max(2100).optional(),
    prepay: z.boolean().optional(),
    length: z.literal('long').optional(),
    format: z.literal('markdown').optional(),
    updates: z.enum(['all', 'money', 'end']).optional(),
    key: z.string().min(1).max(64).optional(),
  });
  const idParams = z.strictObject({ id: z.string().max(16) });
  const listParams = z.strictObject({
    limit: z.int().min(1).max(10).optional(),
    before: z.string().max(16).optional(),
  });

  const methods: RpcMethod[] = [
    rpcMethod({
      method: 'job.create',
      params: createParams,
      changes: true,
      needsPrice: true,
      run: (tx, params, context) => {
        const { message, now } = context;
        const { key, refund_to, prepay, ...rest } = params;
        const refundTo = destinationParam('refund_to', refund_to, settings.TIMMY_ALLOW_PRIVATE_NETWORK);
        if (isRefusal(refundTo)) return refundTo;
        if (prepay === true && settings.JOB_ONE_INVOICE === 'off') {
          return refuse('invalid_params', 'prepay is not offered here.', {
            issues: [{ path: ['prepay'], message: 'not offered here' }],
          });
        }
        const use =
          key === undefined
            ? null
            : { owner: message.sender, method: 'job.create', key, paramsHash: paramsDigest(params) };
        const known = use === null ? null : findKeyUse(tx, use, now);
        if (known?.use === 'other_params') {
          return refuse('invalid_params', 'This key was used with other params within 24 hours.', {
            issues: [{ path: ['key'], message: 'used with other params' }],
          });
        }
        const job = known?.use === 'same' ? loadJob(tx, known.orderId) : undefined;
        if (job !== undefined) return { result: { job: product.rpc(tx, job.id, false, message.sender) } };
        const request: Request = {
          text: rest.request,
          length: rest.length ?? null,
          format: rest.format ?? 'plain',
          updates: rest.updates ?? 'all',
          prepaid: settings.JOB_ONE_INVOICE === 'always' || prepay === true,
        };
        const sold = sellJob(options, engine, product, tx, request, context);
        if (isRefusal(sold)) return sold;
        if (use !== null) keepKeyUse(tx, { ...use, orderId: sold }, now);
        if (refundTo !== null) askFor(tx, message.sender, refundTo);
        return 'later';
      },
    }),
    rpcMethod({
      method: 'job.get',
      params: idParams,
      changes: false,
      run: (tx, { id }, { message, now }) => {
        const job = loadJob(tx, id);
        if (job?.owner !== message.sender) return noSuchJob(id);
        const after = (): void => {
          for (const { method, params } of partNotifications(tx, texts, job)) {
            enqueue(tx, texts, { to: message.sender, text: notification(method, params), orderId: id }, now);
          }
        };
        return { result: { job: product.rpc(tx, id, false, message.sender) }, after };
      },
    }),
    ...(['cancel', 'invoice'] as const).map((type) =>
      rpcMethod({
        method: `job.${type}`,
        params: idParams,
        changes: true,
        needsPrice: type === 'invoice',
        run: (tx, { id }, context) => {
          if (loadJob(tx, id)?.owner !== context.message.sender) return noSuchJob(id);
          return deliver(tx, id, { type }, context) ?? 'later';
        },
      }),
    ),
    rpcMethod({
      method: 'job.list',
      params: listParams.optional(),
      changes: false,
      run: (tx, params, { message }) => {
        const limit = params?.limit ?? 10;
        const found = jobsOfOwner(tx, message.sender, limit + 1, params?.before ?? null);
        const jobs = found.slice(0, limit);
        const next = found.length > limit ? { next: jobs.at(-1)?.id } : {};
        return {
          result: {
            jobs: jobs.map((job) => ({
              ...rpcJob(tx, texts, job, { brief: true, result: false, invoices: 'all' }),
              invoices: [],
            })),
            ...next,
          },
        };
      },
    }),
    rpcMethod({
      method: 'quote',
      params: z.strictObject({ request: z.string().trim().min(1), length: z.literal('long').optional() }),
      changes: false,
      needsPrice: true,
      run: (tx, { request, length }) => ({
        result: rpcQuote(offerFor(options, tx, request, length ?? null), settings.EVAL_FEE_SATS),
      }),
    }),
  ];

  return {
    words,
    methods,
    help: [
      'job <text>: a request of its own',
      'long <text>: a longer answer',
      'quote <text>: only the price',
      'one: pay look and work at once',
    ],
    prices: { eval_fee_sats: settings.EVAL_FEE_SATS, one_invoice: settings.JOB_ONE_INVOICE },
    limits: {},
    priceInWords: (reader) => {
      const { quote, tariff } = offerFor(options, reader, '', null);
      const usd = showUsd(quote.amountSats, tariff);
      return `${settings.EVAL_FEE_SATS} sats for a look, then about ${quote.amountSats} (${usd}) for a short answer`;
    },
    // What nobody else takes is a request.
    freeText: { isMine: () => true, take: request },
  };
}

function noSuchJob(id: string): Refusal {
  return refuse('not_found', `There is no job ${id} of yours.`);
}

function lengthRefusal(text: string, limit: number): Refusal | undefined {
  const characters = countCharacters(text);
  if (characters <= limit) return undefined;
  return refuse(
    'too_large',
    `That is ${characters} characters; I take ${limit} at most. Nothing was charged. Please send a shorter text.`,
  );
}
