import { askFor, automaticDestination, type Texts } from '../customers/index.ts';
import { statement, type Reader, type Tx } from '../db/index.ts';
import type { Engine } from '../engine/index.ts';
import type { Clock } from '../lib/clock.ts';
import { OutsideError, refuse, type Refusal } from '../lib/errors.ts';
import { wholeSats } from '../lib/units.ts';
import { failureOf, success } from '../messaging/dialects/jsonrpc/index.ts';
import { enqueue, loadInbound, type InboundMessage } from '../messaging/index.ts';
import { answerRpc } from '../messaging/rpc-answers.ts';
import { commitPayout, feesShutUntil, findPayout, payAutomatically, type FeeCaps } from '../payments/index.ts';
import { RunAgain, schedule, type Commit, type TaskKind } from '../tasks/index.ts';
import { askAddress, owedNow, sameDebts, type AddressInvoice, type AskingOptions } from './address-invoice.ts';
import { feesSpent, nothingOwed } from './refund-refusals.ts';
import { rpcPayout } from './refund-shapes.ts';
import { tellStumbled } from './stumbled.ts';

export interface AddressOptions extends AskingOptions, FeeCaps {
  readonly texts: Texts;
  readonly engine: Engine;
}

/** A refund to an address that a customer asked for. */
export interface AskedRefund {
  readonly owner: string;
  /** Null: everything owed. */
  readonly orderId: string | null;
  readonly destination: string;
  readonly replyTo: number;
}

/** A program is answered within this, or told to try later. */
const ANSWER_MS = 10_000;
/** The least time an address gets when the task was late itself. */
const LEAST_MS = 2000;
/** Addresses that one customer has asked at a time: they may be slow on purpose. */
const ADDRESSES_OF_ONE = 4;

/** Owes it at once, beside whatever else waits: a word of theirs waits for no more than their other words like it. */
export function scheduleAsked(tx: Tx, asked: AskedRefund, clock: Clock): void {
  const now = clock.now();
  schedule(tx, { kind: 'refund.resolve', payload: asked, lane: `resolve:${asked.owner}`, dueAt: now, now });
}

/** Has this customer asked for these debts (null: for all) to go to an address, later than with this message? */
export function isAskedLater(reader: Reader, owner: string, orderId: string | null, replyTo: number): boolean {
  const sql = `SELECT 1 FROM tasks WHERE kind = 'refund.resolve' AND state <> 'dead' AND payload ->> 'owner' = @owner
    AND payload ->> 'replyTo' > @replyTo
    AND (@orderId IS NULL OR payload ->> 'orderId' IS NULL OR payload ->> 'orderId' = @orderId)`;
  return statement(reader, sql).get({ owner, orderId, replyTo }) !== undefined;
}

/**
 * Asks the address a customer named for an invoice of exactly what is owed, and commits the payout. Of two words their
 * later one wins, until a payout is committed.
 *
 * Killed midway: an invoice may have been made there that nobody will pay; another is asked for.
 */
export function resolveTask(options: AddressOptions): TaskKind<AskedRefund> {
  const { database, clock } = options;
  return {
    kind: 'refund.resolve',
    pool: 'lookups',
    leaseSeconds: 60,
    maxAttempts: 10,
    parked: (tx, task) => tellStumbled(options, tx, task.payload.replyTo),
    lane: { width: ADDRESSES_OF_ONE, whileRepeated: 'steps_aside' },
    run: async (task, signal): Promise<Commit> => {
      const asked = task.payload;
      const { owner, orderId, destination, replyTo } = asked;
      const debts = owedNow(database.read, owner, orderId);
      const left = Math.max(LEAST_MS, ANSWER_MS - (clock.now() - task.createdAt) * 1000);
      // Nobody is asked for what a later word of theirs has overtaken.
      const isNeeded = debts.length > 0 && !isAskedLater(database.read, owner, orderId, replyTo);
      const found = !isNeeded ? null : await askAddress(options, debts, destination, left, signal);
      return (tx) => {
        const message = loadInbound(tx, replyTo);
        const now = owedNow(tx, owner, orderId);
        if (now.length === 0) return refuseAsked(options, tx, message, nothingOwed(tx, owner, orderId));
        if (found instanceof OutsideError) return refuseAsked(options, tx, message, refusalOf(found, destination));
        if (isAskedLater(tx, owner, orderId, replyTo)) {
          // In words the later one's answer says it all.
          return message.dialect === 'rpc' ? refuseAsked(options, tx, message, ASKED_LATER) : undefined;
        }
        // Another sum by now: ask for that one, within the time that is left.
        if (found === null || !sameDebts(now, debts)) throw new RunAgain(0);
        payOut(options, tx, asked, message, found);
      };
    },
  };
}

function payOut(
  options: AddressOptions,
  tx: Tx,
  { owner, orderId, destination, replyTo }: AskedRefund,
  message: InboundMessage,
  found: AddressInvoice,
): void {
  const { clock, texts, engine } = options;
  const now = clock.now();
  const shut = feesShutUntil(tx, options, owner, true, now);
  if (shut !== null) {
    askFor(tx, owner, destination);
    const goesByItself = automaticDestination(tx, owner) !== null;
    if (goesByItself) payAutomatically(tx, owner, shut, now);
    return refuseAsked(options, tx, message, feesSpent(found.amountMsats, shut, goesByItself));
  }
  commitPayout(tx, { ...found, owner, replyTo }, now);
  askFor(tx, owner, destination);
  if (message.dialect !== 'rpc') {
    const amount = wholeSats(found.amountMsats);
    const text = `Paying out ${amount} sats to ${destination}. I say when it has arrived.`;
    enqueue(tx, texts, { to: owner, text, answering: message, paid: true }, now);
    return;
  }
  const order = orderId === null ? undefined : engine.owned(tx, orderId, owner);
  const payout = findPayout(tx, found.paymentHash);
  const result =
    order === undefined
      ? { refund: payout === undefined ? null : rpcPayout(payout) }
      : { [order.product.rpcName]: order.product.rpc(tx, order.order.id, false, owner) };
  answerRpc(tx, texts, message, success(message.rpcId, result), { replayable: true }, now);
}

export function refuseAsked(
  { clock, texts }: Pick<AddressOptions, 'clock' | 'texts'>,
  tx: Tx,
  message: InboundMessage,
  refusal: Refusal,
): void {
  const now = clock.now();
  if (message.dialect !== 'rpc') {
    enqueue(tx, texts, { to: message.sender, text: refusal.text, answering: message }, now);
    return;
  }
  const replayable = refusal.refusal !== 'unavailable';
  answerRpc(tx, texts, message, failureOf(message.rpcId, refusal), { replayable }, now);
}

const ASKED_LATER = refuse('unavailable', 'You asked for it once more meanwhile: that one counts.');

export function refusalOf(error: OutsideError, destination: string): Refusal {
  if (error.fault !== 'rejected') {
    return refuse(
      'unavailable',
      `${destination} did not answer. The money is still yours. Try again later, or send an invoice.`,
    );
  }
  const why = REASONS[error.message] ?? 'cannot be used';
  return refuse(
    'bad_destination',
    `${destination} ${why}. The money is still yours. Send another address, or an invoice.`,
    { why: error.message },
  );
}

const REASONS: Readonly<Record<string, string>> = {
  'lnurl.bad_destination': 'is no Lightning address or LNURL',
  'lnurl.no_such_address': 'does not exist',
  'lnurl.refused': 'refused it',
  'lnurl.amount_too_small': 'takes no sum as small as that',
  'lnurl.amount_too_large': 'takes no sum as large as that',
  'lnurl.bad_answer': 'gave an answer that I do not understand',
  'lnurl.wrong_amount': 'gave an invoice for another amount',
  'invoice.ours': 'leads back to me',
  'invoice.wrong_network': 'is on another network',
};
