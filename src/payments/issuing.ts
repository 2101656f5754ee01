import { statement, type Reader, type Tx } from '../db/index.ts';
import { refuse, type Refusal } from '../lib/errors.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { payFromOwed } from './keep.ts';
import { wantInvoice, type WantedInvoice } from './want-invoice.ts';

export interface IssuingLimits {
  readonly LIMIT_OPEN_INVOICES: number;
  readonly LIMIT_ALL_OPEN_INVOICES: number;
  readonly LIMIT_NEW_PER_HOUR: number;
}

export interface IssuingOptions {
  readonly limits: IssuingLimits;
  /** Why nothing is sold now, in a customer's words ("I sell nothing just now: …"); null: open. */
  readonly closedBecause: (reader: Reader) => string | null;
  /** Why no more work is taken on now, from this customer or from anybody; null: there is room. */
  readonly busyBecause: (reader: Reader, owner: string) => Refusal | null;
}

/** The next payment of an order. */
export interface WantedStep extends Omit<WantedInvoice, 'opens'> {
  /** It takes up again what had lapsed: the order gave its place back, and passes what a new one passes. */
  readonly reopens: boolean;
  /** What is owed to the customer pays it, whatever they said of `keep`. */
  readonly fromOwed?: boolean;
}

/** The one door to an unpaid invoice, whoever asks for it. */
export interface Issuing {
  /**
   * Lets what is owed to the customer pay this step (`keep on`), or records that an invoice is wanted; or says why not,
   * and then the caller undoes what it did for it. Invoices of this order that the step replaces are replaced before:
   * their places are free.
   */
  issue(tx: Tx, step: WantedStep, now: UnixSeconds): Refusal | undefined;
}

/** Of all open unpaid invoices so many are kept for top-ups, and for keys that have paid before (product.md: Limits). */
const KEPT_FOR_TOPUPS = 60;
const KEPT_FOR_KNOWN = 120;
const STRANGERS_EXPIRY_SECONDS = 600;
const HOUR = 3600;
/** Unpaid invoices of one step of an order: what an order carries must fit into a message. */
const MAX_UNPAID_OF_STEP = 20;

/** Every invoice passes the same closures, limits and shares; see `judge`. */
export function createIssuing(options: IssuingOptions): Issuing {
  return {
    issue: (tx, step, now) => {
      const { reopens, fromOwed = false, ...wanted } = step;
      const past = pastOf(tx, step.order.id);
      const opens = past.newest === null || reopens;
      const verdict = judge(options, tx, step, past, opens, now);
      if ('refusal' in verdict) return verdict;
      if (payFromOwed(tx, { ...wanted, opens, fromOwed }, now)) return undefined;
      if (fromOwed) return refuse('bad_state', 'Less is owed to you than that by now: nothing changed.');
      wantInvoice(tx, { ...wanted, opens, expirySeconds: verdict.expirySeconds }, now);
      return undefined;
    },
  };
}

interface Past {
  /** The state of the order's newest invoice; null: there was none. */
  readonly newest: string | null;
  readonly paid: number;
  /** Invoices shown since the last payment. */
  readonly unpaidSincePaid: number;
  /** Open, or on their way. */
  readonly open: number;
}

/**
 * Cheapest first. A paid order's next invoice always fits, whatever is closed or full: the customer has paid for the
 * way there. It waits only for a wallet that issues what was not asked (`createInvoiceTask`).
 */
function judge(
  options: IssuingOptions,
  tx: Tx,
  step: WantedStep,
  past: Past,
  opens: boolean,
  now: UnixSeconds,
): Refusal | { readonly expirySeconds: number } {
  const { limits } = options;
  const { owner, order, expirySeconds } = step;
  const tooMany = step.purpose === 'topup' ? tooManyTopups(tx, order.id, now) : tooManyOfStep(order.id, past);
  if (tooMany !== null) return tooMany;
  const isNext = past.paid > 0 && past.open === 0 && !step.reopens && step.purpose !== 'topup';
  if (isNext) return { expirySeconds };
  const closed = options.closedBecause(tx);
  if (closed !== null)
    return refuse('unavailable', `I sell nothing just now: ${closed}. Nothing was charged. Please try again later.`);
  if (opens) {
    const tooFast = hourlyRefusal(tx, owner, limits.LIMIT_NEW_PER_HOUR, now);
    if (tooFast !== null) return tooFast;
  }
  const busy = options.busyBecause(tx, owner);
  if (busy !== null) return busy;
  const open = countOpenInvoices(tx, owner);
  if (open.ofOwner >= limits.LIMIT_OPEN_INVOICES) {
    const text = `You have ${open.ofOwner} unpaid invoices open. Pay one, or send: cancel, then ask again. status shows them.`;
    return refuse('busy', text);
  }
  if (step.purpose === 'topup') {
    return open.all >= limits.LIMIT_ALL_OPEN_INVOICES ? crowded() : { expirySeconds };
  }
  const known = hasPaidBefore(tx, owner);
  const room = limits.LIMIT_ALL_OPEN_INVOICES - KEPT_FOR_TOPUPS - (known ? 0 : KEPT_FOR_KNOWN);
  // One that stood open until now was just replaced by this: its place is taken over.
  if (open.all >= room && past.newest !== 'replaced') return crowded();
  const isShort = !known && open.all >= room / 2;
  return { expirySeconds: isShort ? Math.min(STRANGERS_EXPIRY_SECONDS, expirySeconds) : expirySeconds };
}

function tooManyOfStep(orderId: string, { unpaidSincePaid }: Past): Refusal | null {
  if (unpaidSincePaid < MAX_UNPAID_OF_STEP) return null;
  const text = `${orderId} has had ${MAX_UNPAID_OF_STEP} invoices that were not paid. Nothing changed. Please send it as a new request.`;
  return refuse('bad_state', text, { state: 'too_many_invoices', reason: text });
}

/** What holds a customer's money is not shut to them for good: so many top-ups unpaid in an hour, and then the next. */
function tooManyTopups(reader: Reader, orderId: string, now: UnixSeconds): Refusal | null {
  const sql = `SELECT created_at AS at FROM invoices WHERE order_id = @orderId AND state IN ('open', 'lapsed', 'replaced')
    AND id > (SELECT coalesce(max(id), 0) FROM invoices WHERE order_id = @orderId AND state IN ('paid', 'kept'))
    ORDER BY id DESC LIMIT 1 OFFSET ${MAX_UNPAID_OF_STEP - 1}`;
  const oldest = statement(reader, sql).get({ orderId }) as { at: number } | undefined;
  const retryAfter = (oldest?.at ?? -HOUR) + HOUR - now;
  if (retryAfter <= 0) return null;
  const text = `You asked for ${MAX_UNPAID_OF_STEP} top-ups of ${orderId} within an hour and paid none. Nothing was charged. The last one can still be paid, as long as it is good (invoice ${orderId} shows it); the next can be had in ${duration(retryAfter)}.`;
  return refuse('rate_limited', text, { retry_after: retryAfter });
}

function duration(seconds: number): string {
  return seconds <= 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
}

function crowded(): Refusal {
  return refuse('busy', 'Too many people are buying just now. Nothing was charged. Please try again in a few minutes.');
}

function hourlyRefusal(reader: Reader, owner: string, limit: number, now: UnixSeconds): Refusal | null {
  const sql =
    'SELECT created_at AS at FROM invoices WHERE owner = ? AND opens ORDER BY created_at DESC LIMIT 1 OFFSET ?';
  // The oldest of as many as are allowed: when it is an hour old, there is room for one more.
  const oldest = statement(reader, sql).get(owner, limit - 1) as { at: number } | undefined;
  const retryAfter = (oldest?.at ?? -HOUR) + HOUR - now;
  if (retryAfter <= 0) return null;
  return refuse(
    'rate_limited',
    `That is more than ${limit} new requests in an hour. Nothing was charged. Please send it again in ${duration(retryAfter)}.`,
    { retry_after: retryAfter },
  );
}

function pastOf(reader: Reader, orderId: string): Past {
  return statement(
    reader,
    `SELECT (SELECT state FROM invoices WHERE order_id = @orderId ORDER BY id DESC LIMIT 1) AS newest,
       coalesce(sum(state IN ('paid', 'kept')), 0) AS paid,
       coalesce(sum(state IN ('wanted', 'open')), 0) AS open,
       coalesce(sum(state IN ('open', 'lapsed', 'replaced') AND id > (
         SELECT coalesce(max(id), 0) FROM invoices WHERE order_id = @orderId AND state IN ('paid', 'kept'))), 0) AS unpaidSincePaid
     FROM invoices WHERE order_id = @orderId`,
  ).get({ orderId }) as Past;
}

/** Has this key ever paid an invoice of ours? */
export function hasPaidBefore(reader: Reader, owner: string): boolean {
  const sql = `SELECT 1 FROM invoices WHERE owner = ? AND state = 'paid' LIMIT 1`;
  return statement(reader, sql).get(owner) !== undefined;
}

/** Unpaid invoices that still can be paid in time, the wanted ones included. */
function countOpenInvoices(reader: Reader, owner: string): { readonly ofOwner: number; readonly all: number } {
  return statement(
    reader,
    `SELECT count(*) AS "all", coalesce(sum(owner = ?), 0) AS ofOwner FROM invoices WHERE state IN ('wanted', 'open')`,
  ).get(owner) as { ofOwner: number; all: number };
}
