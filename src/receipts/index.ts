/** Receipts that a stranger can recompute (docs/receipts.md). Pure. */
export { buildChargeReceipt, buildRefundReceipt, idOfCharge, saysOffer } from './build.ts';
export type {
  BootstrapCharge,
  Charge,
  JobCharge,
  PaidRefund,
  ReceiptPayment,
  ReceiptPlace,
  SessionCharge,
  SessionEnd,
  SettledDebt,
} from './build.ts';
export type { OrderAccount } from './accounts.ts';
export { readChain, verifyChain, type Chain } from './chain.ts';
export { partsOf } from './parts.ts';
export { RECEIPT_KIND, type ChargeContent, type ReceiptContent, type RefundContent } from './content.ts';
export { createHistory, type History } from './history.ts';
export {
  readContent,
  readReceipt,
  sumProblems,
  verifyReceipt,
  type ReadReceipt,
  type VerifyOptions,
} from './verify.ts';
