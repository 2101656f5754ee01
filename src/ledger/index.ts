/** The books: double entry in msats, append-only, hash-chained, overdrafts refused by the database itself. */
export * from './accounts.ts';
export {
  post,
  balance,
  balances,
  hasMoney,
  transfersOf,
  type Posting,
  type AccountBalance,
  type TransferRow,
} from './ledger.ts';
export {
  atOnce,
  brokenRows,
  checkBooks,
  verifyBooks,
  type Broken,
  type BrokenKind,
  type Slices,
  type SqlInvariant,
} from './verify.ts';
