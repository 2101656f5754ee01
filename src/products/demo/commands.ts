import { z } from 'zod';
import type { Texts } from '../../customers/index.ts';
import { unlessRefused, type Tx } from '../../db/index.ts';
import {
  newOrderId,
  rpcMethod,
  wordCommand,
  type CommandContext,
  type Engine,
  type Product,
  type ProductCommands,
} from '../../engine/index.ts';
import { refuse, type Refusal } from '../../lib/errors.ts';
import type { Rng } from '../../lib/rng.ts';
import { optionalText } from '../../messaging/dialects/text/index.ts';
import { tellPurseOnce } from '../_shared/model-purse.ts';
import { demoFace } from './face.ts';
import { isDemoOffered, whyNotFree, type DemoLimits } from './limits.ts';
import { openDemo } from './machine.ts';

export interface DemoCommandOptions {
  readonly texts: Texts;
  readonly rng: Rng;
  readonly limits: DemoLimits;
  /** Tells the operators. */
  readonly alert: (tx: Tx, what: string) => void;
}

/** How free answers are asked for: `demo [text]`, and `demo.run`. */
export function demoCommands(options: DemoCommandOptions, engine: Engine, product: Product): ProductCommands {
  const { texts, rng, limits, alert } = options;

  function ask(tx: Tx, text: string, waitingId: string | null, { message, now }: CommandContext): Refusal | undefined {
    const owner = message.sender;
    const why = whyNotFree(limits, tx, { owner, text, waitingId }, now);
    if (why?.isSpent === true && tellPurseOnce(tx, limits.purse, now)) alert(tx, PURSE_IS_EMPTY);
    if (why !== null) return why;
    return unlessRefused(tx, () => {
      const requestId = texts.keep(tx, owner, text, now);
      const id = newOrderId(tx, rng, demoFace);
      const dialect = message.dialect ?? 'words';
      return engine.open(
        tx,
        product,
        openDemo({ id, owner, dialect, requestId, replyTo: message.id, waitingId }, now),
        message,
      );
    });
  }

  const demo = wordCommand({
    word: 'demo',
    usage: 'demo [text]',
    parse: optionalText,
    run: (tx, { text }, context) => {
      if (text !== null) return ask(tx, text, null, context);
      const waiting = engine.waitingRequest(tx, context.message.sender);
      if (waiting === undefined) return refuse('bad_state', NOTHING_WAITS);
      return ask(tx, waiting.text, waiting.orderId, context);
    },
  });
  const run = rpcMethod({
    method: 'demo.run',
    params: z.strictObject({ request: z.string().trim().min(1) }),
    changes: true,
    run: (tx, { request }, context) => ask(tx, request, null, context) ?? 'later',
  });
  const isOffered = isDemoOffered(limits);
  return {
    words: [demo],
    methods: [run],
    help: isOffered ? ['demo <text>: a short answer, free'] : [],
    inShort: isOffered ? ['A short answer for nothing: demo and your question.'] : [],
    prices: {},
    limits: {
      demo_per_hour: isOffered ? limits.settings.DEMO_REQUESTS_PER_HOUR : 0,
      demo_chars: limits.settings.DEMO_MAX_CHARS,
    },
  };
}

const NOTHING_WAITS =
  'No new request of yours waits to be paid. For a short answer, free, send: demo and your question. Nothing was charged.';

const PURSE_IS_EMPTY =
  'What free answers may cost today (DEMO_DAILY_BUDGET_USD) is spent: there are no more until 00:00 UTC. Sales go on; nothing for you to do.';
