import type { Texts } from '../../customers/index.ts';
import { unlessRefused, type Reader, type Tx } from '../../db/index.ts';
import { newOrderId, type CommandContext, type Engine, type Product, type WaitingRequest } from '../../engine/index.ts';
import type { Refusal } from '../../lib/errors.ts';
import type { Rng } from '../../lib/rng.ts';
import { sats } from '../../lib/units.ts';
import type { PriceBook } from '../../payments/index.ts';
import { countCharacters, quoteWork, tariffFrom } from '../../pricing/index.ts';
import type { JobSettings } from './config.ts';
import { openJob } from './machine.ts';
import type { Job, Offer } from './states.ts';
import { jobsInState } from './store.ts';

export interface SellingOptions {
  readonly texts: Texts;
  readonly rng: Rng;
  readonly settings: JobSettings;
  readonly prices: PriceBook;
}

export interface Request {
  readonly text: string;
  readonly length: 'long' | null;
  readonly format: 'plain' | 'markdown';
  readonly updates: 'all' | 'money' | 'end';
  readonly prepaid: boolean;
}

/** What the work on `request` would cost at this moment. */
export function offerFor(options: SellingOptions, reader: Reader, request: string, length: 'long' | null): Offer {
  const tariff = tariffFrom(options.settings, options.prices.now(reader));
  return { tariff, quote: quoteWork(request, tariff, options.settings, length ?? undefined) };
}

/** Opens a job for this request, or says why not. @returns the id. */
export function sellJob(
  options: SellingOptions,
  engine: Engine,
  product: Product,
  tx: Tx,
  request: Request,
  context: CommandContext,
): string | Refusal {
  const { message, now } = context;
  const { settings, texts } = options;
  return unlessRefused(tx, () => {
    const requestId = texts.keep(tx, message.sender, request.text, now);
    const id = newOrderId(tx, options.rng, product.face);
    const decision = openJob(
      {
        id,
        owner: message.sender,
        dialect: message.dialect ?? 'words',
        requestId,
        requestCharacters: countCharacters(request.text),
        length: request.length,
        format: request.format,
        updates: request.updates,
        evalFeeSats: sats(settings.EVAL_FEE_SATS),
        prepaid: request.prepaid,
        offer: offerFor(options, tx, request.text, request.length),
        expirySeconds: settings.INVOICE_EXPIRY_SECONDS,
        replyTo: message.id,
      },
      now,
    );
    return engine.open(tx, product, decision, message) ?? id;
  });
}

/** The newest unpaid request of this customer that was made in words, while its text is kept. */
export function waitingJob(texts: Texts, reader: Reader, owner: string): WaitingRequest | undefined {
  const job = jobsInState(reader, owner, ['awaiting_eval_payment']).find(({ dialect }) => dialect === 'words');
  const text = texts.read(reader, job?.requestId ?? null);
  return job === undefined || text === null ? undefined : { orderId: job.id, text };
}

const SAME_REQUEST_SECONDS = 600;

/** The unpaid job that this very request already opened within ten minutes. */
export function sameRequest(
  options: SellingOptions,
  tx: Tx,
  owner: string,
  request: Pick<Request, 'text' | 'length'>,
  now: number,
): Job | undefined {
  return jobsInState(tx, owner, ['awaiting_eval_payment']).find(
    (job) =>
      job.dialect === 'words' &&
      now - job.lastLineAt < SAME_REQUEST_SECONDS &&
      job.length === request.length &&
      options.texts.read(tx, job.requestId) === request.text,
  );
}

/** The unpaid job that a further line belongs to: the latest in words, written within `TEXT_JOIN_SECONDS`. */
export function joinable(options: SellingOptions, tx: Tx, owner: string, now: number): Job | undefined {
  const latest = jobsInState(tx, owner, ['awaiting_eval_payment']).find((job) => job.dialect === 'words');
  if (latest?.state !== 'awaiting_eval_payment' || latest.reopened) return undefined;
  return now - latest.lastLineAt < options.settings.TEXT_JOIN_SECONDS ? latest : undefined;
}
