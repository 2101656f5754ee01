import { sha256Hex } from '../../lib/hash.ts';
import { msats, unixSeconds, type UnixSeconds } from '../../lib/units.ts';
import type { IncomingStatus, OutgoingStatus, SendAnswer, WalletRow } from '../../ports/wallet.ts';
import type { JsonAnswer } from '../http/index.ts';
import { paymentShape, problemShape, type Payment } from './shapes.ts';

/** A row of ours for this invoice: incoming, whatever else is true of it. */
export function incomingStatus(paid: boolean, row: Payment): IncomingStatus {
  if (row.status === 'failed') return { state: 'lapsed' };
  if (row.status !== 'success' || !paid) return { state: 'open' };
  return { state: 'paid', amountMsats: msats(row.amount), preimage: provenPreimage(row) };
}

/** A row of ours for this payment: outgoing. `pending` covers "the node did not say". */
export function outgoingStatus(paid: boolean, row: Payment): OutgoingStatus {
  if (row.status === 'failed') return { state: 'failed' };
  if (row.status !== 'success' || !paid) return { state: 'unknown' };
  return { state: 'paid', feeMsats: msats(absolute(row.fee)), preimage: provenPreimage(row) };
}

/** The preimage, if it is one: LNbits also says null, "" and 64 zeros. */
function provenPreimage(row: Payment): string | null {
  const preimage = row.preimage ?? '';
  if (!/^[0-9a-f]{64}$/.test(preimage)) return null;
  return sha256Hex(Buffer.from(preimage, 'hex')) === row.payment_hash ? preimage : null;
}

/**
 * What LNbits' answer to a pay call says, as far as it can be believed (its error texts, `core/services/payments.py`).
 * Null: nothing can be concluded, the outcome is unknown. Texts that mean "this hash has a history here" are refusals:
 * whoever then looks the hash up finds our own row and believes that, or finds none and knows it was not ours.
 */
export function sendAnswer(
  answer: Pick<JsonAnswer, 'status' | 'json'>,
  paymentHash: string,
  isOurs: (walletId: string) => boolean,
): SendAnswer | null {
  if (answer.status === 201 || answer.status === 200) {
    const row = paymentShape.safeParse(answer.json);
    if (!row.success) return null;
    const ours = row.data.amount < 0n && row.data.payment_hash === paymentHash && isOurs(row.data.wallet_id);
    // LNbits 1.6 may answer 201 with the row of the payee, when that is a wallet of the same instance.
    return ours ? { answer: 'accepted' } : { answer: 'refused', why: 'internal' };
  }
  if (answer.status !== 520 && answer.status !== 400) return null;
  const problem = problemShape.safeParse(answer.json);
  if (!problem.success) return null;
  const { detail } = problem.data;
  if (typeof detail !== 'string') return { answer: 'refused', why: 'invalid' };
  const known = REFUSALS.find(([text]) => detail.startsWith(text) || detail.includes(` ${text}`));
  if (known !== undefined) return { answer: 'refused', why: known[1] };
  return answer.status === 400 ? { answer: 'refused', why: 'invalid' } : { answer: 'accepted' };
}

/** The node's word on a payment that LNbits calls failed, out of the answer to posting it again. */
export function isConfirmedDead(answer: Pick<JsonAnswer, 'status' | 'json'>): boolean {
  const problem = problemShape.safeParse(answer.json);
  return answer.status === 520 && problem.success && problem.data.detail === CONFIRMED_DEAD;
}

const CONFIRMED_DEAD = 'Payment is failed node, retrying is not possible.';

type Refused = Extract<SendAnswer, { answer: 'refused' }>['why'];

const REFUSALS: readonly (readonly [string, Refused])[] = [
  ['Insufficient balance', 'insufficient'],
  ['You must reserve at least', 'insufficient'],
  ['between payments has been reached', 'limit'],
  ['Daily withdrawal limit', 'limit'],
  ['Invoice amount', 'limit'],
  ['Only incoming payments allowed', 'forbidden'],
  ['Bolt11 decoding failed', 'invalid'],
  ['Amountless invoices not supported', 'invalid'],
  ['Missing BOLT11 invoice', 'invalid'],
  ['Invalid invoice. Bolt11 changed', 'invalid'],
  ['Internal invoice already paid', 'internal'],
  ['Payment already paid', 'internal'],
  ['Failed payment was already paid', 'internal'],
  [CONFIRMED_DEAD, 'internal'],
];

/** One row for reconciliation, or null when it is none that we can read (amount zero, no time). */
export function walletRow(row: Payment): WalletRow | null {
  const createdAt = timeOf(row.time);
  if (row.amount === 0n || createdAt === null) return null;
  const label = row.extra?.['timmy_debts'] ?? row.extra?.['timmy_intent'];
  return {
    paymentHash: row.payment_hash,
    direction: row.amount > 0n ? 'in' : 'out',
    state: row.status === 'success' ? 'paid' : row.status === 'pending' ? 'open' : 'failed',
    amountMsats: msats(absolute(row.amount)),
    feeMsats: msats(absolute(row.fee)),
    createdAt,
    changedAt: timeOf(row.updated_at ?? row.time) ?? createdAt,
    label: typeof label === 'string' ? label : null,
  };
}

function timeOf(time: string | number): UnixSeconds | null {
  const seconds = typeof time === 'number' ? time : Date.parse(time) / 1000;
  return Number.isFinite(seconds) && seconds >= 0 ? unixSeconds(Math.floor(seconds)) : null;
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}
