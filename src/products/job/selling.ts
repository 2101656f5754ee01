import type { Texts } from '../../customers/index.ts';
import { statement, type Reader, type Tx } from '../../db/index.ts';
import type { CommandContext, Engine, Product } from '../../engine/index.ts';
import { isRefusal, refuse, type Refusal } from '../../lib/errors.ts';
import { newShortId } from '../../lib/ids.ts';
import type { Rng } from '../../lib/rng.ts';
import { sats } from '../../lib/units.ts';
import { countOpenInvoices, type PriceBook } from '../../payments/index.ts';
import { countCharacters, quoteWork, tariffFrom } from '../../pricing/index.ts';
import { isBudgetLeft } from '../_shared/model-budget.ts';
import type { JobSettings } from './config.ts';
import { openJob } from './machine.ts';
import type { Job, Offer } from './states.ts';
import { countJobsAtWork, countJobsAtWorkOf, jobsInState, nthNewestJobAt } from './store.ts';

export interface SellingOptions {
  readonly texts: Texts;
  readonly rng: Rng;
  readonly settings: JobSettings;
  readonly prices: PriceBook;
  /** Why nothing is sold now (recovery, broken invariants, wallet mismatch), or null. */
  readonly closedBecause: () => string | null;
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
  const refusal = mayBuy(options, tx, context);
  if (isRefusal(refusal)) return refusal;
  const { settings, texts } = options;
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
      expirySeconds: refusal.expirySeconds,
      replyTo: message.id,
    },
    now,
  );
  engine.open(tx, product, decision, message);
  return id;
}

/** Of all open unpaid invoices so many are kept for top-ups, and for keys that have paid before. */
const KEPT_FOR_TOPUPS = 60;
const KEPT_FOR_KNOWN = 120;
const STRANGERS_EXPIRY_SECONDS = 600;
const HOUR = 3600;
/** Paid requests of one customer that wait behind those at work. */
const MAX_WAITING = 20;

/** The limits on new orders, cheapest first; otherwise how long their invoice lives. */
function mayBuy(
  options: SellingOptions,
  tx: Tx,
  { message, now }: CommandContext,
): Refusal | { expirySeconds: number } {
  const { settings } = options;
  const closed = options.closedBecause();
  if (closed !== null)
    return refuse('unavailable', `I sell nothing just now: ${closed}. Nothing was charged. Please try again later.`);
  const limit = settings.LIMIT_NEW_PER_HOUR;
  // The oldest of as many as are allowed: when it is an hour old, there is room for one more.
  const retryAfter = (nthNewestJobAt(tx, message.sender, limit) ?? -HOUR) + HOUR - now;
  if (retryAfter > 0) {
    const wait = retryAfter <= 90 ? `${retryAfter} seconds` : `${Math.ceil(retryAfter / 60)} minutes`;
    return refuse(
      'rate_limited',
      `That is more than ${limit} new requests in an hour. Nothing was charged. Please send it again in ${wait}.`,
      { retry_after: retryAfter },
    );
  }
  const ownAtWork = countJobsAtWorkOf(tx, message.sender);
  if (ownAtWork >= settings.LIMIT_RUNNING + MAX_WAITING) {
    return refuse(
      'busy',
      `${ownAtWork} paid requests of yours are still waiting or under way; I take the next when one of them is done. Nothing was charged. status shows how things stand.`,
    );
  }
  const open = countOpenInvoices(tx, message.sender);
  if (open.ofOwner >= settings.LIMIT_OPEN_INVOICES) {
    return refuse(
      'busy',
      `You have ${open.ofOwner} unpaid invoices open. Pay one, or send: cancel, then ask again. status shows them.`,
    );
  }
  if (
    countJobsAtWork(tx) >= settings.LIMIT_PAID_WAITING ||
    !isBudgetLeft(tx, Number(settings.MODEL_DAILY_BUDGET_USD), now)
  ) {
    return refuse('busy', 'I have all the work I can take just now. Nothing was charged. Please try again in an hour.');
  }
  const known =
    statement(tx, `SELECT 1 FROM invoices WHERE owner = ? AND state = 'paid' LIMIT 1`).get(message.sender) !==
    undefined;
  const room = settings.LIMIT_ALL_OPEN_INVOICES - KEPT_FOR_TOPUPS - (known ? 0 : KEPT_FOR_KNOWN);
  if (open.all >= room)
    return refuse(
      'busy',
      'Too many people are buying just now. Nothing was charged. Please try again in a few minutes.',
    );
  const crowded = !known && open.all >= room / 2;
  return {
    expirySeconds: crowded
      ? Math.min(STRANGERS_EXPIRY_SECONDS, settings.INVOICE_EXPIRY_SECONDS)
      : settings.INVOICE_EXPIRY_SECONDS,
  };
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
