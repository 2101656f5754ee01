/** Money in and money out: invoices and their watch, what is owed, how it is paid back, the price of bitcoin. */
export * from './order-events.ts';
export * from './invoices.ts';
export * from './debts.ts';
export * from './payouts.ts';
export { createInvoiceTask, watchInvoiceTask, type WalletTaskOptions } from './invoice-tasks.ts';
export { sendPayoutTask, watchPayoutTask, type PayoutNews, type PayoutTaskOptions } from './payout-tasks.ts';
export { createPriceBook, type PriceBook, type PriceBookOptions } from './price-book.ts';
export { lookUpProfileOf, profileLookupTask } from './profile-lookup.ts';
export { isKept, payFromOwed } from './keep.ts';
export { verifyPayments } from './verify.ts';
export {
  completeReceipts,
  createReceiptBook,
  keepSignature,
  receiptChain,
  receiptsOf,
  signReceiptTask,
  type Receipt,
  type ReceiptBook,
} from './receipts.ts';
export { type Surplus } from './reconcile-rows.ts';
export { adoptSurplus } from './reconcile-suspense.ts';
export {
  adoptWallet,
  lastReconciliation,
  readWallet,
  reconcileSoon,
  reconcileTask,
  RECONCILE_KEY,
  type ReconcileOptions,
  type Reconciliation,
  type WalletReading,
} from './reconcile.ts';
export {
  bookedByHand,
  byHandTask,
  decisionsAbout,
  fileDecision,
  findDecision,
  openClaims,
  type ClaimRow,
  type NewDecision,
} from './resolve.ts';
export { type DecisionRow } from './resolve-outcome.ts';
export { retryPayout } from './resolve-payout.ts';
