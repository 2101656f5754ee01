import type { Texts } from '../../customers/index.ts';
import { statement, unlessRefused, type Reader, type Tx } from '../../db/index.ts';
import type { CommandContext, Engine, Product, WaitingRequest } from '../../engine/index.ts';
import { refuse, type Refusal } from '../../lib/errors.ts';
import { newShortId } from '../../lib/ids.ts';
import type { Rng } from '../../lib/rng.ts';
import { sats } from '../../lib/units.ts';
import type { PriceBook } from '../../payments/index.ts';
import { countCharacters, quoteWork, tariffFrom } from '../../pricing/index.ts';
import type { JobSettings } from './config.ts';
import { openJob } from './machine.ts';
import type { Job, Offer } from './states.ts';
import { countJobsAtWork, countJobsAtWorkOf, jobsInState } from './store.ts';

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
    const id = freeId(tx, options.rng, product.prefix);
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

/** Paid requests of one customer that wait behind those at work. */
const MAX_WAITING = 20;

/** Why no more jobs are taken on now, from this customer or from anybody; null: there is room. `others`: what else of theirs is open. */
export function busyWithJobs(
  settings: Pick<JobSettings, 'LIMIT_RUNNING' | 'LIMIT_PAID_WAITING'>,
  reader: Reader,
  owner: string,
  others: number,
): Refusal | null {
  const own = countJobsAtWorkOf(reader, owner) + others;
  if (own >= settings.LIMIT_RUNNING + MAX_WAITING) {
    return refuse(
      'busy',
      `${own} paid requests of yours are still waiting or under way; I take the next when one of them is done. Nothing was charged. status shows how things stand.`,
    );
  }
  // Some of what was sold is still to be paid: the last quarter is kept for it.
  if (countJobsAtWork(reader) < Math.ceil(settings.LIMIT_PAID_WAITING * 0.75)) return null;
  return refuse('busy', 'I have all the work I can take just now. Nothing was charged. Please try again in an hour.');
}

/** The newest unpaid request of this customer that was made in words, while its text is kept. */
export function waitingJob(texts: Texts, reader: Reader, owner: string): WaitingRequest | undefined {
  const job = jobsInState(reader, owner, ['awaiting_eval_payment']).find(({ dialect }) => dialect === 'words');
  const text = texts.read(reader, job?.requestId ?? null);
  return job === undefined || text === null ? undefined : { orderId: job.id, text };
}

function freeId(tx: Tx, rng: Rng, prefix: string): string {
  for (;;) {
    const id = newShortId(rng, prefix);
    if (statement(tx, 'SELECT 1 FROM jobs WHERE id = ?').get(id) === undefined) return id;
  }
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
