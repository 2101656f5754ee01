import { checkPayable } from '../bolt11/index.ts';
import { automaticDestination, customer, setPreferences, type Texts } from '../customers/index.ts';
import type { Database, Reader, Tx } from '../db/index.ts';
import type { Engine } from '../engine/index.ts';
import { withTimeout, type Clock } from '../lib/clock.ts';
import { OutsideError, refuse, type Refusal } from '../lib/errors.ts';
import { msats, plusSeconds, wholeSats, type Msats } from '../lib/units.ts';
import { failureOf, success } from '../messaging/dialects/jsonrpc/index.ts';
import { enqueue, loadInbound } from '../messaging/index.ts';
import { answerRpc } from '../messaging/rpc-answers.ts';
import {
  claimableDebts,
  commitPayout,
  feesSince,
  findInvoiceByHash,
  findPayout,
  type DebtRow,
} from '../payments/index.ts';
import type { LnurlPay } from '../ports/lnurl.ts';
import type { Wallet } from '../ports/wallet.ts';
import { RunAgain, schedule, type Commit, type TaskKind } from '../tasks/index.ts';
import { rpcPayout } from './refund-shapes.ts';

export interface AddressOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly texts: Texts;
  readonly engine: Engine;
  readonly wallet: Wallet;
  readonly lnurl: LnurlPay;
  readonly payee: () => string | null;
  readonly autoMinSats: number;
  readonly feeDailySats: number;
}

/** A refund to an address that a customer asked for. */
export interface AskedRefund {
  readonly owner: string;
  /** Null: everything owed. */
  readonly orderId: string | null;
  readonly destination: string;
  readonly replyTo: number;
}

/** A program is answered within this, or told to try later (protocol.md §1). */
const ANSWER_MS = 10_000;
/** An address that surely fails for so long frees the debt, and the customer is asked for another. Seconds. */
const GIVE_UP_AFTER = 3600;
const DAY = 86_400;

export function scheduleAsked(tx: Tx, asked: AskedRefund, clock: Clock): void {
  const now = clock.now();
  schedule(tx, { kind: 'refund.resolve', payload: asked, lane: `debts:${asked.owner}`, dueAt: now, now });
}

/** What a destination was found to give for what is owed now. */
interface Resolved {
  readonly bolt11: string;
  readonly paymentHash: string;
  readonly amountMsats: Msats;
  readonly debts: readonly DebtRow[];
  readonly invoiceExpiresAt: ReturnType<Clock['now']>;
}

/** @throws OutsideError: `rejected` when this destination cannot take this sum, `unavailable` when it did not answer. */
async function resolve(
  options: AddressOptions,
  owner: string,
  orderId: string | null,
  destination: string,
  signal: AbortSignal,
): Promise<Resolved | null> {
  const { database, clock, wallet, lnurl } = options;
  const debts = owed(database.read, owner, orderId);
  if (debts.length === 0) return null;
  const amountMsats = sumOf(debts);
  const bolt11 = await lnurl.invoice(destination, amountMsats, signal);
  const checked = checkPayable(bolt11, {
    expectedMsats: [amountMsats],
    network: wallet.network,
    now: clock.now(),
    isOurHash: (hash) =>
      findInvoiceByHash(database.read, hash) !== undefined || findPayout(database.read, hash) !== undefined,
    ourPayee: options.payee(),
  });
  if ('refused' in checked) throw new OutsideError('rejected', `invoice.${checked.refused}`);
  const { text, paymentHash, expiresAt } = checked.invoice;
  return { bolt11: text, paymentHash, amountMsats, debts, invoiceExpiresAt: expiresAt };
}

/** Commits the payout, unless what is owed has changed meanwhile. */
function commit(
  options: AddressOptions,
  tx: Tx,
  owner: string,
  orderId: string | null,
  destination: string,
  found: Resolved,
  replyTo: number | null,
): boolean {
  const now = options.clock.now();
  const debts = owed(tx, owner, orderId);
  const same = debts.length === found.debts.length && debts.every((debt, index) => debt.id === found.debts[index]?.id);
  if (!same) return false;
  commitPayout(tx, { ...found, owner, debts, destination, replyTo }, now);
  return true;
}

/**
 * Asks the address a customer named for an invoice of exactly what is owed, and commits the payout.
 *
 * Killed midway: an invoice may have been made there that nobody will pay; another is asked for.
 */
export function resolveTask(options: AddressOptions): TaskKind<AskedRefund> {
  const { clock, texts, engine } = options;
  return {
    kind: 'refund.resolve',
    pool: 'deliveries',
    leaseSeconds: 60,
    maxAttempts: 10,
    run: async (task, signal): Promise<Commit> => {
      const { owner, orderId, destination, replyTo } = task.payload;
      const limited = withTimeout(clock, ANSWER_MS, signal);
      let found: Resolved | null = null;
      let refusal: Refusal | null = null;
      try {
        found = await resolve(options, owner, orderId, destination, limited.signal);
      } catch (error) {
        if (!(error instanceof OutsideError)) throw error;
        refusal = refusalOf(error, destination);
      } finally {
        limited.done();
      }
      return (tx) => {
        const now = clock.now();
        const message = loadInbound(tx, replyTo);
        if (found === null)
          refusal ??= refuse('bad_state', 'Nothing is owed to you any more.', {
            state: 'none',
            reason: 'nothing is owed',
          });
        else if (!commit(options, tx, owner, orderId, destination, found, replyTo)) {
          return scheduleAsked(tx, task.payload, clock);
        }
        if (refusal === null)
          setPreferences(tx, owner, { lastDestination: destination, badDestination: null, failingSince: null });
        if (message.dialect !== 'rpc') {
          const amount = found === null ? 0 : wholeSats(found.amountMsats);
          const text = refusal?.text ?? `Paying out ${amount} sats to ${destination}. I say when it has arrived.`;
          enqueue(tx, texts, { to: owner, text, answering: message }, now);
          return;
        }
        const replayable = refusal?.refusal !== 'unavailable';
        answerRpc(
          tx,
          texts,
          message,
          refusal === null ? answer(tx, orderId, found?.paymentHash ?? '') : failureOf(message.rpcId, refusal),
          { replayable },
          now,
        );

        function answer(reader: Reader, id: string | null, hash: string): string {
          const order = id === null ? undefined : engine.owned(reader, id, owner);
          const payout = findPayout(reader, hash);
          const result =
            order === undefined
              ? { refund: payout === undefined ? null : rpcPayout(payout) }
              : { [order.product.rpcName]: order.product.rpc(reader, order.order.id, false) };
          return success(message.rpcId, result);
        }
      };
    },
  };
}

interface AutoTask {
  readonly owner: string;
}

/**
 * Pays a customer back unasked, where a destination is known, refunds are on, the sum is worth it and today's routing
 * fees allow it. All their debts together, so that small change joins the next refund.
 *
 * Killed midway: an invoice may have been made there that nobody will pay; another is asked for.
 */
export function autoRefundTask(options: AddressOptions): TaskKind<AutoTask> {
  const { database, clock, texts, wallet } = options;
  return {
    kind: 'refund.auto',
    pool: 'deliveries',
    leaseSeconds: 60,
    maxAttempts: Infinity,
    run: async (task, signal): Promise<Commit> => {
      const { owner } = task.payload;
      const destination = automaticDestination(customer(database.read, owner));
      const debts = owed(database.read, owner, null);
      if (destination === null || debts.length === 0) return () => {};
      if (wholeSats(sumOf(debts)) < options.autoMinSats) return () => {};
      if (!wallet.canPay) throw new RunAgain(600);
      const today = plusSeconds(clock.now(), -(clock.now() % DAY));
      if (feesSince(database.read, today) >= BigInt(options.feeDailySats) * 1000n) throw new RunAgain(3600);
      try {
        const found = await resolve(options, owner, null, destination, signal);
        if (found === null) return () => {};
        return (tx) => {
          // Another word of theirs wins until the invoice is committed.
          if (automaticDestination(customer(tx, owner)) !== destination) return again(tx, owner, clock);
          if (!commit(options, tx, owner, null, destination, found, null)) again(tx, owner, clock);
        };
      } catch (error) {
        if (!(error instanceof OutsideError)) throw error;
        const now = clock.now();
        const { failingSince } = customer(database.read, owner);
        if (failingSince === null) database.write((tx) => setPreferences(tx, owner, { failingSince: now }));
        if (now - (failingSince ?? now) < GIVE_UP_AFTER) throw new RunAgain(Math.min(600, 30 * task.tries));
        return (tx) => {
          setPreferences(tx, owner, {
            badDestination: destination,
            failingSince: null,
            askedAtMsats: Number(sumOf(debts)),
          });
          const sats = wholeSats(sumOf(debts));
          const text = `I could not pay your ${sats} sats to ${destination} for an hour. They are still yours: send an invoice for exactly ${sats} sats, or another Lightning address.`;
          if (isAPerson(tx, debts)) enqueue(tx, texts, { to: owner, text }, clock.now());
        };
      }
    },
  };

  /** Programs hear of refunds through their orders' notifications. */
  function isAPerson(reader: Reader, debts: readonly DebtRow[]): boolean {
    return debts.some((debt) => options.engine.product(debt.orderKind).find(reader, debt.orderId)?.dialect !== 'rpc');
  }
}

function again(tx: Tx, owner: string, clock: Clock): void {
  const now = clock.now();
  schedule(tx, {
    kind: 'refund.auto',
    payload: { owner },
    key: `refund.auto:${owner}`,
    lane: `debts:${owner}`,
    dueAt: now,
    now,
  });
}

function owed(reader: Reader, owner: string, orderId: string | null): DebtRow[] {
  return claimableDebts(reader, owner).filter((debt) => orderId === null || debt.orderId === orderId);
}

function sumOf(debts: readonly DebtRow[]): Msats {
  return msats(debts.reduce((sum, debt) => sum + BigInt(debt.amountMsats), 0n));
}

function refusalOf(error: OutsideError, destination: string): Refusal {
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
  'lnurl.bad_destination': 'is no Lightning address',
  'lnurl.no_such_address': 'does not exist',
  'lnurl.refused': 'refused it',
  'lnurl.amount_too_small': 'takes no sum as small as that',
  'lnurl.amount_too_large': 'takes no sum as large as that',
  'lnurl.bad_answer': 'gave an answer that I do not understand',
  'lnurl.wrong_amount': 'gave an invoice for another amount',
  'invoice.ours': 'leads back to me',
  'invoice.wrong_network': 'is on another network',
};
