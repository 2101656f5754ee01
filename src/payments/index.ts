/** Money in and money out: invoices and their watch, what is owed, how it is paid back, the price of bitcoin. */
export * from './order-events.ts';
export * from './invoices.ts';
export * from './debts.ts';
export * from './payouts.ts';
export { createInvoiceTask, nextLookIn, watchInvoiceTask, type WalletTaskOptions } from './invoice-tasks.ts';
export { sendPayoutTask, watchPayoutTask, type PayoutNews, type PayoutTaskOptions } from './payout-tasks.ts';
export { createPriceBook, type PriceBook, type PriceBookOptions } from './price-book.ts';
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
