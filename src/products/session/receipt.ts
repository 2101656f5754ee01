import type { Reader } from '../../db/index.ts';
import { sats } from '../../lib/units.ts';
import { findInvoice } from '../../payments/index.ts';
import type { UsageItem } from '../../pricing/index.ts';
import type { ReceiptPayment, SessionCharge } from '../../receipts/index.ts';
import type { Request } from './request-states.ts';
import { balanceOf } from './request-store.ts';

/** What the receipt of the charge just made is built from; null in states that charge nothing. Read after its money moved. */
export function requestReceipt(reader: Reader, request: Request): SessionCharge | null {
  if (request.state !== 'complete' && request.state !== 'rejected' && request.state !== 'failed') return null;
  const outcome =
    request.state === 'failed' ? (request.step === 'eval' ? 'eval_failed' : 'work_failed') : request.state;
  const items: UsageItem[] = [];
  if (request.verdict !== null) items.push({ role: 'eval', ...request.verdict.usage });
  if (request.state === 'complete') items.push({ role: 'work', ...request.usage });
  const { freeSats, heldSats } = balanceOf(reader, request.sessionId);
  return {
    product: 'session',
    id: request.id,
    session: request.sessionId,
    outcome,
    tariff: request.need.tariff,
    payments: request.payments.flatMap((id) => payment(reader, id)),
    items,
    cut: request.state === 'complete' && request.cut,
    balanceBeforeSats: sats(freeSats + heldSats + request.chargedSats),
  };
}

function payment(reader: Reader, invoiceId: number): ReceiptPayment[] {
  const row = findInvoice(reader, invoiceId);
  if (row === undefined) return [];
  const purpose = row.purpose === 'deposit' ? 'deposit' : 'topup';
  return [{ purpose, amountSats: sats(row.amountSats), paymentHash: row.paymentHash }];
}
