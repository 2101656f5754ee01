/** The accounts by name (docs/decisions/007-the-books.md). An account's kind follows from its name alone. */
export type AccountKind = 'asset' | 'equity' | 'liability' | 'income' | 'expense';

declare const account: unique symbol;
/** The name of an account in the books. */
export type Account = string & { readonly [account]: true };

const of = (name: string): Account => name as Account;

export const WALLET = of('wallet');
export const OPERATOR = of('operator');
/** Arrived without, beyond, or after a claim; no owner known yet. */
export const SUSPENSE = of('suspense');
export const ROUTING_FEES = of('exp:fees');

/** Paid for an order and not yet earned (`job:J-4KQ7M`). */
export const heldFor = (orderKind: string, orderId: string): Account => of(`${orderKind}:${orderId}`);
/** Owed back to the customer because of this order. */
export const owedFor = (orderId: string): Account => of(`owed:${orderId}`);
/** Sent to the customer with this payment hash; the outcome is not known yet. */
export const payingWith = (paymentHash: string): Account => of(`paying:${paymentHash}`);
/** Earned (`rev:eval`, `rev:work`, …). */
export const revenue = (of_: string): Account => of(`rev:${of_}`);

/** @throws when the name belongs to no chart of ours. */
export function accountKind(name: Account): AccountKind {
  if (name === WALLET) return 'asset';
  if (name === OPERATOR) return 'equity';
  if (name.startsWith('rev:')) return 'income';
  if (name.startsWith('exp:')) return 'expense';
  // What is held for an order, whatever its product; what is owed because of it, or being paid.
  if (name === SUSPENSE || /^(?:[a-z]+:[A-Z]-[0-9A-Z]+|(?:owed|paying):.+)$/.test(name)) return 'liability';
  throw new Error('no such account');
}
