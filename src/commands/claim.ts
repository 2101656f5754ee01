import { z } from 'zod';
import { mayTell, type Texts } from '../customers/index.ts';
import { statement, type Database, type Reader, type Tx } from '../db/index.ts';
import { rpcMethod, wordCommand, type CommandContext, type RpcMethod, type WordCommand } from '../engine/index.ts';
import type { Clock } from '../lib/clock.ts';
import { refuse } from '../lib/errors.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { failureOf, success } from '../messaging/dialects/jsonrpc/index.ts';
import { anyOf, hex32, shortId } from '../messaging/dialects/text/index.ts';
import { enqueue, loadInbound } from '../messaging/index.ts';
import { answerRpc } from '../messaging/rpc-answers.ts';
import { findInvoiceByHash, invoicesOf, settle, type InvoiceRow } from '../payments/index.ts';
import type { IncomingStatus, Wallet } from '../ports/wallet.ts';
import { rpcInvoice } from '../engine/rpc-shapes.ts';
import { schedule, type TaskKind } from '../tasks/index.ts';
import { noSuchOrder } from './orders.ts';

export interface ClaimOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly texts: Texts;
  readonly wallet: Wallet;
  readonly alert: (tx: Tx, what: string) => void;
}

interface ClaimTask {
  readonly inboxId: number;
  readonly hashes: readonly string[];
}

/** "I paid this": the wallet is asked at once. A word, or a preimage, credits nothing. */
export function claimCommands(): { words: WordCommand[]; methods: RpcMethod[] } {
  const word = wordCommand({
    word: 'paid',
    usage: 'paid [id]',
    parse: anyOf({ id: shortId, preimage: hex32 }),
    run: (tx, args: { id: string | null }, context) => claim(tx, args.id, context),
  });
  const method = rpcMethod({
    method: 'invoice.claim',
    params: z.strictObject({
      payment_hash: z.string().regex(/^[0-9a-f]{64}$/),
      preimage: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .optional(),
    }),
    changes: false,
    run: (tx, { payment_hash }, context) => {
      if (findInvoiceByHash(tx, payment_hash)?.owner !== context.message.sender)
        return refuse('not_found', 'There is no such invoice of yours.');
      file(tx, { inboxId: context.message.id, hashes: [payment_hash] }, context);
      return 'later';
    },
  });
  return { words: [word], methods: [method] };
}

function claim(tx: Tx, id: string | null, context: CommandContext): ReturnType<WordCommand['run']> {
  const { sender } = context.message;
  const rows = id === null ? unpaidOf(tx, sender) : invoicesOf(tx, id).filter((row) => row.owner === sender);
  if (id !== null && rows.length === 0) return noSuchOrder(id);
  const hashes = rows.filter((row) => row.state !== 'paid').map((row) => row.paymentHash ?? '');
  if (hashes.length === 0) {
    context.say(tx, 'All your invoices are paid as far as I can see. status shows how things stand.', { paid: true });
    return undefined;
  }
  file(tx, { inboxId: context.message.id, hashes: hashes.slice(0, 5) }, context);
  return undefined;
}

function file(tx: Tx, payload: ClaimTask, { now }: CommandContext): void {
  schedule(tx, { kind: 'invoice.claim', payload, dueAt: now, now });
}

/** Unpaid invoices of the last week, newest first. */
function unpaidOf(reader: Reader, owner: string): InvoiceRow[] {
  const hashes = statement(
    reader,
    `SELECT payment_hash AS hash FROM invoices WHERE owner = ? AND state IN ('open', 'lapsed', 'replaced') ORDER BY id DESC LIMIT 5`,
  ).all(owner) as { hash: string }[];
  return hashes.flatMap(({ hash }) => findInvoiceByHash(reader, hash) ?? []);
}

/**
 * Looks at the invoices a customer says they paid. What is paid is booked like any payment; what is not is kept as a
 * claim, and the operator hears how to settle it.
 *
 * Killed midway: nothing happened; it is asked again.
 */
export function claimTask(options: ClaimOptions): TaskKind<ClaimTask> {
  const { database, clock, texts, wallet } = options;
  return {
    kind: 'invoice.claim',
    pool: 'wallet',
    leaseSeconds: 120,
    maxAttempts: 10,
    run: async (task, signal) => {
      const { inboxId, hashes } = task.payload;
      const answers: { row: InvoiceRow; status: IncomingStatus | null }[] = [];
      for (const hash of hashes) {
        const row = findInvoiceByHash(database.read, hash);
        if (row === undefined) continue;
        // Unreachable is no answer: then the claim stands, and the watch goes on asking.
        const status = row.state === 'paid' ? null : await wallet.lookupInvoice(hash, signal).catch(() => null);
        answers.push({ row, status });
      }
      return (tx) => {
        const now = clock.now();
        const message = loadInbound(tx, inboxId);
        let settled = false;
        for (const { row, status } of answers) {
          if (status?.state === 'paid') settle(tx, row.id, status.amountMsats, now);
          settled ||= status?.state === 'paid' || row.state === 'paid';
        }
        const [first] = answers;
        if (!settled && first !== undefined) keepClaim(options, tx, first.row, now);
        if (message.dialect === 'rpc') {
          const row = first === undefined ? undefined : findInvoiceByHash(tx, first.row.paymentHash ?? '');
          const text =
            row === undefined
              ? failureOf(message.rpcId, refuse('not_found', 'There is no such invoice of yours.'))
              : success(message.rpcId, { invoice: rpcInvoice(row), claim: row.state === 'paid' ? 'settled' : 'open' });
          answerRpc(tx, texts, message, text, { replayable: false }, now);
        } else if (!settled) {
          const text =
            'My wallet does not see that payment yet. It can take a minute: I keep looking and say so at once. A person is told too. If your wallet says it failed, nothing was taken.';
          enqueue(tx, texts, { to: message.sender, text, answering: message }, now);
        }
      };
    },
  };
}

function keepClaim(options: ClaimOptions, tx: Tx, row: InvoiceRow, now: UnixSeconds): void {
  const { changes } = statement(
    tx,
    'INSERT INTO claims (payment_hash, owner, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  ).run(row.paymentHash, row.owner, now);
  // Claims are free to make: one alert an hour for each customer, and all of them in `timmy invoices`.
  if (changes === 1 && mayTell(tx, row.owner, 'claim_alert', 3600, now)) {
    options.alert(
      tx,
      `A customer says ${row.orderId} is paid; the wallet says it is not. Look at your node, then: timmy invoices recheck ${row.paymentHash} or timmy invoices credit ${row.paymentHash} --reason TEXT`,
    );
  }
}
