/** Receipts that a stranger can recompute (product.md: Promise 6; docs/receipts.md). Pure. */
export { buildChargeReceipt, buildRefundReceipt } from './build.ts';
export type {
  BootstrapCharge,
  Charge,
  JobCharge,
  PaidRefund,
  ReceiptPayment,
  ReceiptPlace,
  SessionCharge,
} from './build.ts';
export { verifyChain } from './chain.ts';
export { RECEIPT_KIND, type ChargeContent, type ReceiptContent, type RefundContent } from './content.ts';
export { verifyReceipt, type ReadReceipt, type VerifyOptions } from './verify.ts';
