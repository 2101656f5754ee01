/** The wallet that is used when no LNbits is configured, and `timmy pay` for its invoices. */
export { createStubWallet, type StubWalletOptions } from './wallet.ts';
export { payStubInvoice, type StubPayment } from './pay.ts';
