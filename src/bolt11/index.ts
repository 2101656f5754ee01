/** Lightning invoices as pure functions: reading, writing, and the two judgements that money depends on (BOLT 11). */
export { decodeInvoice, type Invoice, type InvalidInvoice, type InvalidCode } from './decode.ts';
export { encodeInvoice, type InvoiceDraft } from './encode.ts';
export { payeeOf } from './signature.ts';
export { checkIssued, type AskedInvoice, type IssuedMismatch } from './check-issued.ts';
export { checkPayable, MIN_SECONDS_LEFT, type PayableRules, type PayableRefusal } from './check-payable.ts';
