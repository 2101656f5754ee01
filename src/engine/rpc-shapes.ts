import { failingOf, knownDestination } from '../customers/index.ts';
import type { Reader } from '../db/index.ts';
import {
  debtsOf,
  isUnsent,
  invoicesOf,
  openInvoiceOf,
  payoutsOf,
  type DebtRow,
  type InvoiceRow,
  type PayoutRow,
} from '../payments/index.ts';

/** An invoice in JSON-RPC (docs/rpc.md). */
export interface RpcInvoice {
  readonly purpose: string;
  readonly bolt11: string;
  readonly payment_hash: string;
  readonly amount_sats: number;
  readonly created_at: number;
  readonly expires_at: number;
  readonly paid_at: number | null;
}

/** A refund in JSON-RPC (docs/rpc.md). */
export interface RpcRefund {
  readonly state: 'pending' | 'paying' | 'paid' | 'failed';
  readonly amount_sats: number;
  readonly destination: string | null;
  readonly payment_hash: string | null;
  readonly preimage: string | null;
  readonly error: string | null;
}

export function rpcInvoice(row: InvoiceRow): RpcInvoice {
  return {
    purpose: row.purpose,
    bolt11: row.bolt11 ?? '',
    payment_hash: row.paymentHash ?? '',
    amount_sats: row.amountSats,
    created_at: row.createdAt,
    expires_at: row.expiresAt ?? row.createdAt,
    paid_at: row.paidAt,
  };
}

export interface RpcMoney {
  readonly invoice: RpcInvoice | null;
  readonly invoices: readonly RpcInvoice[];
  /** How many were left out, so that the object fits into a message. */
  readonly invoices_left_out?: number;
  /** The one still open, else the newest. */
  readonly refund: RpcRefund | null;
  readonly refunds: readonly RpcRefund[];
}

/**
 * The invoices and refunds of an order as programs see them. `only: 'open and paid'`: for an object that would not fit
 * into a message (protocol.md).
 */
export function rpcMoney(reader: Reader, orderId: string, only: 'all' | 'open and paid'): RpcMoney {
  const all = invoicesOf(reader, orderId);
  const shown = only === 'all' ? all : all.filter(({ state }) => state === 'open' || state === 'paid');
  const open = openInvoiceOf(reader, orderId);
  const attempts = payoutsOf(reader, orderId);
  const refunds = debtsOf(reader, orderId).flatMap((debt) => rpcRefund(reader, debt, attempts));
  return {
    invoice: open === undefined ? null : rpcInvoice(open),
    invoices: shown.map(rpcInvoice),
    ...(shown.length === all.length ? {} : { invoices_left_out: all.length - shown.length }),
    refund: refunds.find((refund) => refund.state !== 'paid') ?? refunds.at(-1) ?? null,
    refunds,
  };
}

/** What paid a next step (`keep on`) is no refund any more. */
function rpcRefund(reader: Reader, debt: DebtRow, attempts: readonly PayoutRow[]): RpcRefund[] {
  if (debt.state === 'kept') return [];
  const payout = attempts.find((attempt) => attempt.paymentHash === debt.payoutHash);
  const died = debt.state === 'owed' ? attempts.filter((attempt) => attempt.state === 'dead').at(-1) : undefined;
  const givenUp = debt.state === 'owed' ? givenUpFor(reader, debt) : undefined;
  if (givenUp !== undefined && givenUp.at >= (died?.endedAt ?? 0)) {
    return [
      {
        state: 'failed',
        amount_sats: Math.floor(debt.amountMsats / 1000),
        destination: givenUp.destination,
        payment_hash: null,
        preimage: null,
        error: 'given_up',
      },
    ];
  }
  return [
    {
      state: refundState(debt.state, payout, died !== undefined),
      amount_sats: Math.floor(debt.amountMsats / 1000),
      destination: (payout ?? died)?.destination ?? (payout ?? died)?.bolt11 ?? null,
      payment_hash: (payout ?? died)?.paymentHash ?? null,
      preimage: payout?.preimage ?? null,
      error: died?.error ?? null,
    },
  ];
}

/** What is not sent yet waits for its turn. */
function refundState(
  debt: Exclude<DebtRow['state'], 'kept'>,
  payout: PayoutRow | undefined,
  hasDied: boolean,
): RpcRefund['state'] {
  if (debt === 'owed') return hasDied ? 'failed' : 'pending';
  return payout !== undefined && isUnsent(payout) ? 'pending' : debt;
}

/** The address this debt could not be paid to for an hour, while no other is known. */
function givenUpFor(reader: Reader, debt: DebtRow): { destination: string; at: number } | undefined {
  if (knownDestination(reader, debt.owner) !== null) return undefined;
  const { destination, givenUpAt } = failingOf(reader, debt.owner)[0] ?? { destination: '', givenUpAt: null };
  return givenUpAt === null || givenUpAt < debt.createdAt ? undefined : { destination, at: givenUpAt };
}
