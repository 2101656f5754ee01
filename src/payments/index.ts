/** Money in and money out: invoices and their watch, what is owed, how it is paid back, the price of bitcoin. */
export * from './order-events.ts';
export * from './invoices.ts';
export * from './debts.ts';
export * from './payouts.ts';
export { lateInvoiceTask, walletNewsTask, watchInvoiceTask } from './invoice-looks.ts';
export { createInvoiceTask, type WalletTaskOptions } from './invoice-tasks.ts';
export { type PayoutNews, type PayoutTaskOptions } from './payout-options.ts';
export { feesShutUntil, type FeeCaps } from './fees.ts';
export { sendPayoutTask } from './payout-send.ts';
export { watchPayoutTask } from './payout-watch.ts';
export { describeWait, isHeldUp, waitingPayouts, waitOf, type PayoutWait } from './payout-waits.ts';
export { createPriceBook, type PriceBook, type PriceBookOptions } from './price-book.ts';
export { lookUpProfileOf, profileLookupTask } from './profile-lookup.ts';
export { remakePaymentTasks, remakeRefundTasks, type Remade } from './remake.ts';
export { isKept } from './keep.ts';
export { createIssuing, hasPaidBefore, type Issuing, type IssuingOptions, type WantedStep } from './issuing.ts';
export { checkPayments, verifyPayments } from './verify.ts';
export {
  chargedFormerly,
  chargeReceipts,
  completeReceipts,
  countReceipts,
  createReceiptBook,
  keepSignature,
  placeOfReceipt,
  receiptChain,
  receiptsOf,
  signReceiptTask,
  type Receipt,
  type ReceiptBook,
} from './receipts.ts';
export { paymentInReceipt, sessionSoFar, type SessionSoFar } from './receipt-money.ts';
export { adoptSurplus } from './reconcile-suspense.ts';
export { adoptWallet, reconcileTask, type ReconcileOptions } from './reconcile.ts';
export { lastReconciliation, reconcileSoon, RECONCILE_KEY, type Reconciliation } from './reconcile-verdict.ts';
export { describeTrouble, walletTrouble, type WalletTrouble } from './wallet-trouble.ts';
export {
  aboutWrongInvoice,
  closures,
  closeOverBooks,
  describeWrongInvoice,
  mayLeave,
  reopenAfterWrongInvoice,
  wrongInvoice,
  type Closure,
} from './closures.ts';
export { askWallet, readWallet, type WalletReading } from './reconcile-reading.ts';
export {
  bookedByHand,
  byHandTask,
  decisionsAbout,
  fileDecision,
  findDecision,
  noteMend,
  noteOrderDecision,
  openClaims,
  type ClaimRow,
  type NewDecision,
} from './resolve.ts';
export { type DecisionRow } from './resolve-outcome.ts';
export { retryPayout } from './resolve-payout.ts';
