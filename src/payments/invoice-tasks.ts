import { checkIssued } from '../bolt11/index.ts';
import { statement, type Database, type Reader, type Tx } from '../db/index.ts';
import type { Clock } from '../lib/clock.ts';
import { OutsideError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { plusSeconds, sats, toMsats, type UnixSeconds } from '../lib/units.ts';
import type { Wallet } from '../ports/wallet.ts';
import { hasten, RunAgain, type Commit, type TaskKind } from '../tasks/index.ts';
import {
  aboutWrongInvoice,
  closeOverWrongInvoice,
  describeWrongInvoice,
  wrongInvoice,
  type WrongInvoice,
} from './closures.ts';
import { findInvoice, giveUpInvoice, keepIssued, noteInvoiceDelay, type InvoiceRow } from './invoices.ts';
import { RECONCILE_KEY } from './reconcile-verdict.ts';
import { noteUnissued, TROUBLE_SECONDS } from './wallet-trouble.ts';

export interface WalletTaskOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly wallet: Wallet;
  /** Our node's key once an invoice of it was seen: it must not change silently, or somebody else is being paid. */
  readonly payee: { get(): string | null; pin(payee: string): void };
  /** Something a person must look at, in plain words without secrets. */
  readonly alert: (tx: Tx, what: string) => void;
}

/** A create answers within this, or nothing was created (docs/rpc.md). Seconds. */
const ISSUE_WITHIN = 30;
/** The wallet is asked for so many invoices of one customer at a time: a slow one leaves places for others. */
const INVOICES_OF_ONE = 3;

const CLOCKS_DIFFER =
  "The wallet's node dates its invoices more than five minutes from our clock: one of the two machines has the wrong time. Nothing is sold until they agree.";

/** `wrong`: how many of the wallet's answers were not what was asked. */
interface CreateInvoice {
  readonly invoiceId: number;
  readonly wrong?: number;
}

/**
 * Has the wallet issue an invoice that is wanted, and checks that it is the one asked for. A wrong one is asked for
 * once more; a second wrong one stops sales and payments until the operator has looked, and till then nothing is asked.
 *
 * Killed midway: the wallet may hold an invoice that nobody was ever shown, so nobody can pay it; a new one is made.
 */
export function createInvoiceTask(options: WalletTaskOptions): TaskKind<CreateInvoice> {
  const { database, clock } = options;
  return {
    kind: 'invoice.create',
    pool: 'issuing',
    leaseSeconds: 90,
    maxAttempts: Infinity,
    lane: { width: INVOICES_OF_ONE, whileRepeated: 'steps_aside' },
    run: async (task, signal): Promise<Commit> => {
      const { invoiceId, wrong = 0 } = task.payload;
      const row = findInvoice(database.read, invoiceId);
      if (row?.state !== 'wanted') return () => {};
      const late = (): boolean => clock.now() - row.createdAt >= ISSUE_WITHIN;
      if (row.mayFail && late()) return (tx) => giveUpInvoice(tx, invoiceId, clock.now());
      const notYet = (seconds: number, payload?: CreateInvoice): Commit => {
        if (row.mayFail && late()) return (tx) => giveUpInvoice(tx, invoiceId, clock.now());
        if (!row.mayFail && late()) database.write((tx) => noteInvoiceDelay(tx, invoiceId, clock.now()));
        throw new RunAgain(seconds, payload);
      };
      if (wrongInvoice(database.read) !== null) return notYet(row.mayFail ? 5 : 30);
      try {
        const issued = await issue(options, row, signal);
        if ('mismatch' in issued) {
          // Dated wrongly by our clock or the node's: no other invoice would be dated better, and no thief is at work.
          if (issued.mismatch === 'expired') database.write((tx) => options.alert(tx, CLOCKS_DIFFER));
          else if (wrong >= 1) closeOver(options, issued);
          return notYet(1, { invoiceId, wrong: wrong === 0 ? 1 : 0 });
        }
        return (tx) => {
          if (row.mayFail && late()) giveUpInvoice(tx, invoiceId, clock.now());
          else keepIssued(tx, invoiceId, issued, clock.now());
        };
      } catch (error) {
        if (!(error instanceof OutsideError)) throw error;
        if (!signal.aborted) noteFailure(options, error);
        return notYet(Math.min(30, 2 ** Math.min(5, task.tries - 1)));
      }
    },
  };
}

function noteFailure({ database, clock, log }: WalletTaskOptions, error: OutsideError): void {
  const now = clock.now();
  database.write((tx) => {
    noteUnissued(tx, log, error, now);
    hasten(tx, RECONCILE_KEY, plusSeconds(now, TROUBLE_SECONDS));
  });
}

function closeOver({ database, log, alert }: WalletTaskOptions, wrong: WrongInvoice): void {
  if (wrongInvoice(database.read) !== null) return;
  log.error('invoice.mismatch', { why: wrong.mismatch });
  database.write((tx) => {
    closeOverWrongInvoice(tx, wrong);
    alert(tx, `${describeWrongInvoice(wrong)} Nobody was shown it; sales and payments are stopped.`);
  });
}

/** Within these seconds so few invoices, this one included: its owner goes before those who ask again and again. */
const FEW_WITHIN = 600;
const FEW = 2;

function asksForFew(reader: Reader, { owner }: InvoiceRow, now: UnixSeconds): boolean {
  const sql = `SELECT count(*) FROM (SELECT 1 FROM invoices WHERE owner = ? AND created_at > ? AND state <> 'paid' LIMIT ${FEW + 1})`;
  return (
    (statement(reader, sql)
      .pluck()
      .get(owner, now - FEW_WITHIN) as number) <= FEW
  );
}

async function issue(
  options: WalletTaskOptions,
  row: InvoiceRow,
  signal: AbortSignal,
): Promise<{ bolt11: string; paymentHash: string; expiresAt: UnixSeconds } | WrongInvoice> {
  const { wallet, clock, payee, log } = options;
  const amountSats = sats(row.amountSats);
  const asked = {
    amountSats,
    description: row.description,
    expirySeconds: row.expirySeconds,
    intentId: `${row.orderId}.${row.id}`,
    isUrgent: !row.mayFail || asksForFew(options.database.read, row, clock.now()),
  };
  const issued = await wallet.createInvoice(asked, signal);
  const checked = checkIssued(issued.bolt11, {
    amountMsats: toMsats(amountSats),
    network: wallet.network,
    paymentHash: issued.paymentHash,
    expirySeconds: row.expirySeconds,
    now: clock.now(),
    payee: payee.get(),
  });
  if ('mismatch' in checked) {
    log.warn('invoice.mismatch', { order: row.orderId, why: checked.mismatch });
    return aboutWrongInvoice(checked.mismatch, issued.bolt11, payee.get(), clock.now());
  }
  payee.pin(checked.invoice.payee);
  return { bolt11: issued.bolt11, paymentHash: issued.paymentHash, expiresAt: checked.invoice.expiresAt };
}
