import { z } from 'zod';
import { mayTell, type Texts } from '../customers/index.ts';
import { statement, type Database, type Reader, type Tx } from '../db/index.ts';
import {
  rpcMethod,
  wordCommand,
  type CommandContext,
  type Engine,
  type RpcMethod,
  type WordCommand,
} from '../engine/index.ts';
import type { Clock } from '../lib/clock.ts';
import { refuse } from '../lib/errors.ts';
import { sha256Hex } from '../lib/hash.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { failureOf, success } from '../messaging/dialects/jsonrpc/index.ts';
import { anyOf, hex32, shortId } from '../messaging/dialects/text/index.ts';
import { enqueue, loadInbound } from '../messaging/index.ts';
import { answerRpc } from '../messaging/rpc-answers.ts';
import { findInvoiceByHash, invoicesOf, settle, type InvoiceRow } from '../payments/index.ts';
import type { IncomingStatus, Wallet } from '../ports/wallet.ts';
import { rpcInvoice } from '../engine/rpc-shapes.ts';
import { schedule, type TaskKind } from '../tasks/index.ts';
import { createLookShare } from './look-share.ts';
import { noSuchOrder } from './orders.ts';
import { tellStumbled } from './stumbled.ts';

export interface ClaimOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly texts: Texts;
  readonly wallet: Wallet;
  readonly engine: Engine;
  readonly alert: (tx: Tx, what: string) => void;
}

interface ClaimTask {
  readonly inboxId: number;
  readonly hashes: readonly string[];
  /** One that belongs to the only hash. */
  readonly preimage?: string | null;
  /** They sent one that belongs to none of their invoices. */
  readonly misfit?: boolean;
}

/** Invoices looked at for one word. */
const MAX_LOOKS = 5;
/** Claims that are kept: of one customer, and in all. More are answered, and the watch goes on looking. */
const OPEN_OF_ONE = 20;
const OPEN_IN_ALL = 1000;
/** One customer's claims make an alert no oftener. Seconds. */
const ALERT_EACH = 8 * 3600;
/** So many words of one customer are looked after at a time. */
const CLAIMS_OF_ONE = 2;

/**
 * "I paid this": the wallet is asked at once. A word credits nothing, and neither does a preimage: some wallets give it
 * to anybody who knows the hash. One that fits tells which invoice is meant, and is kept as evidence.
 */
export function claimCommands(engine: Engine): { words: WordCommand[]; methods: RpcMethod[] } {
  const word = wordCommand({
    word: 'paid',
    usage: 'paid [id]',
    parse: anyOf({ id: shortId, preimage: hex32 }),
    run: (tx, args: { id: string | null; preimage: string | null }, context) => claim(engine, tx, args, context),
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
    run: (tx, { payment_hash, preimage }, context) => {
      if (findInvoiceByHash(tx, payment_hash)?.owner !== context.message.sender)
        return refuse('not_found', 'There is no such invoice of yours.');
      if (preimage !== undefined && hashOf(preimage) !== payment_hash) {
        return refuse('invalid_params', 'That preimage is of another payment: its SHA-256 is not payment_hash.', {
          issues: [{ path: ['preimage'], message: 'its SHA-256 is not payment_hash' }],
        });
      }
      file(tx, { inboxId: context.message.id, hashes: [payment_hash], preimage: preimage ?? null }, context);
      return 'later';
    },
  });
  return { words: [word], methods: [method] };
}

/** BOLT 11: the payment hash is the SHA-256 of the preimage. */
function hashOf(preimage: string): string {
  return sha256Hex(Buffer.from(preimage, 'hex'));
}

const MISFIT = 'The preimage you sent belongs to no invoice that I sent you: look which payment it is of.';

function claim(
  engine: Engine,
  tx: Tx,
  { id, preimage }: { id: string | null; preimage: string | null },
  context: CommandContext,
): ReturnType<WordCommand['run']> {
  const { sender } = context.message;
  const inboxId = context.message.id;
  // A preimage names its invoice better than any id.
  const fitting = preimage === null ? undefined : findInvoiceByHash(tx, hashOf(preimage));
  if (fitting?.paymentHash != null && fitting.owner === sender && fitting.state !== 'paid') {
    file(tx, { inboxId, hashes: [fitting.paymentHash], preimage }, context);
    return undefined;
  }
  if (fitting?.owner === sender) {
    context.say(tx, `That payment has come: it paid ${fitting.orderId}. status shows how things stand.`, {
      paid: true,
    });
    return undefined;
  }
  const misfit = preimage !== null;
  const rows = id === null ? unpaidOf(engine, tx, sender) : invoicesOf(tx, id).filter((row) => row.owner === sender);
  if (id !== null && rows.length === 0) return noSuchOrder(id);
  const hashes = rows.filter((row) => row.state !== 'paid').map((row) => row.paymentHash ?? '');
  if (hashes.length === 0) {
    const text = 'All your invoices are paid as far as I can see. status shows how things stand.';
    context.say(tx, misfit ? `${text} ${MISFIT}` : text, { paid: true });
    return undefined;
  }
  file(tx, { inboxId, hashes: hashes.slice(-MAX_LOOKS).reverse(), misfit }, context);
  return undefined;
}

function file(tx: Tx, payload: ClaimTask, { message, now }: CommandContext): void {
  schedule(tx, { kind: 'invoice.claim', payload, lane: `claim:${message.sender}`, dueAt: now, now });
}

/** Unpaid invoices, the newest last; behind a program's come those of orders made in words, which a word means first. */
function unpaidOf(engine: Engine, reader: Reader, owner: string): InvoiceRow[] {
  const hashes = statement(
    reader,
    `SELECT payment_hash AS hash FROM invoices WHERE owner = ? AND state IN ('open', 'lapsed', 'replaced') ORDER BY id DESC LIMIT 20`,
  ).all(owner) as { hash: string }[];
  const rows = hashes.flatMap(({ hash }) => findInvoiceByHash(reader, hash) ?? []).reverse();
  const rank = (row: InvoiceRow): number => (isOfProgram(engine, reader, row) ? 0 : 1);
  return rows.sort((a, b) => rank(a) - rank(b));
}

function isOfProgram(engine: Engine, reader: Reader, { orderKind, orderId }: InvoiceRow): boolean {
  return engine.product(orderKind).find(reader, orderId)?.dialect === 'rpc';
}

/**
 * Looks at the invoices a customer says they paid. What is paid is booked like any payment; what is not is kept as a
 * claim, and the operator hears how to settle it.
 *
 * Killed midway: nothing happened; it is asked again.
 */
export function claimTask(options: ClaimOptions): TaskKind<ClaimTask> {
  const { database, clock, texts, wallet, engine } = options;
  const share = createLookShare(clock);
  return {
    kind: 'invoice.claim',
    pool: 'lookups',
    leaseSeconds: 120,
    maxAttempts: 10,
    parked: (tx, task) => tellStumbled(options, tx, task.payload.inboxId),
    lane: { width: CLAIMS_OF_ONE, whileRepeated: 'steps_aside' },
    run: async (task, signal) => {
      const { inboxId, hashes, preimage = null, misfit = false } = task.payload;
      const answers: { row: InvoiceRow; status: IncomingStatus | null }[] = [];
      for (const hash of hashes) {
        const row = findInvoiceByHash(database.read, hash);
        if (row === undefined) continue;
        // Unreachable, or asked too often, is no answer: then the claim stands, and the watch goes on asking.
        const isAsked = row.state !== 'paid' && share.take(row.owner);
        const status = !isAsked ? null : await wallet.lookupInvoice(hash, signal).catch(() => null);
        answers.push({ row, status });
      }
      return (tx) => {
        const now = clock.now();
        const message = loadInbound(tx, inboxId);
        const settled: InvoiceRow[] = [];
        for (const { row, status } of answers) {
          if (status?.state === 'paid') settle(tx, row.id, status.amountMsats, now);
          if (status?.state === 'paid' || row.state === 'paid') settled.push(row);
        }
        const [first] = answers;
        const isOpen = settled.length === 0 && first !== undefined;
        const isKept = isOpen && keepClaim(options, tx, first.row, preimage, now);
        if (message.dialect === 'rpc') {
          const row = first === undefined ? undefined : findInvoiceByHash(tx, first.row.paymentHash ?? '');
          const text =
            row === undefined
              ? failureOf(message.rpcId, refuse('not_found', 'There is no such invoice of yours.'))
              : success(message.rpcId, { invoice: rpcInvoice(row), claim: row.state === 'paid' ? 'settled' : 'open' });
          answerRpc(tx, texts, message, text, { replayable: false }, now);
          return;
        }
        const ofProgram = settled.find((row) => isOfProgram(engine, tx, row));
        const say = (text: string): void =>
          void enqueue(tx, texts, { to: message.sender, text, answering: message }, now);
        if (settled.length === 0 && first !== undefined) {
          const evidence = preimage === null ? '' : ` Your preimage fits ${first.row.orderId} and goes with it.`;
          say(
            `My wallet does not see that payment yet. It can take a minute: I keep looking and say so at once.${isKept ? ` A person is told too.${evidence}` : ''} If your wallet says it failed, nothing was taken.${misfit ? ` ${MISFIT}` : ''}`,
          );
        } else if (ofProgram !== undefined) {
          // An order made in words says "Paid" by itself; this one tells its program alone.
          say(`That paid ${ofProgram.orderId}. A program with your key ordered it, and hears the rest.`);
        }
      };
    },
  };
}

/** Is there room for a claim about this invoice? One that is kept already may be made better by its preimage. */
function hasRoom(reader: Reader, { paymentHash, owner }: InvoiceRow): boolean {
  if (statement(reader, 'SELECT 1 FROM claims WHERE payment_hash = ?').get(paymentHash) !== undefined) return true;
  const open = `SELECT count(*) FROM claims c JOIN invoices i ON i.payment_hash = c.payment_hash AND i.state <> 'paid'
    WHERE c.resolved_at IS NULL`;
  const ofOwner = statement(reader, `${open} AND c.owner = ?`).pluck().get(owner) as number;
  return ofOwner < OPEN_OF_ONE && (statement(reader, open).pluck().get() as number) < OPEN_IN_ALL;
}

/** A preimage that comes after a bare word is news; the bare word again is none. @returns whether the claim is kept. */
function keepClaim(options: ClaimOptions, tx: Tx, row: InvoiceRow, preimage: string | null, now: UnixSeconds): boolean {
  if (!hasRoom(tx, row)) return false;
  const { changes } = statement(
    tx,
    `INSERT INTO claims (payment_hash, owner, at, preimage) VALUES (?, ?, ?, ?) ON CONFLICT (payment_hash)
     DO UPDATE SET preimage = excluded.preimage WHERE preimage IS NULL AND excluded.preimage IS NOT NULL`,
  ).run(row.paymentHash, row.owner, now, preimage);
  // Claims are free to make: three alerts a day for each customer, and all that are kept in `timmy invoices`.
  if (
    changes === 1 &&
    mayTell(tx, row.owner, preimage === null ? 'claim_alert' : 'claim_evidence_alert', ALERT_EACH, now)
  ) {
    const evidence =
      preimage === null ? '' : 'They sent a preimage that fits it: evidence, no proof (timmy invoices show has it). ';
    options.alert(
      tx,
      `A customer says ${row.orderId} is paid; the wallet says it is not. ${evidence}Look at your node, then: timmy invoices recheck ${row.paymentHash} or timmy invoices credit ${row.paymentHash} --reason TEXT`,
    );
  }
  return true;
}
