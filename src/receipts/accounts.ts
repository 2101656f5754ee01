import type { ChargeContent, ContentDebt } from './content.ts';

/**
 * The money of one order or session by a customer's receipts so far: `paid + fromOwed` is always
 * `charged + refunded + used + owed + held`. Sats.
 */
export interface OrderAccount {
  /** Of the order; of the session for all its requests. */
  readonly id: string;
  /** By invoices, what came late, twice or too much included once it went back. */
  readonly paid: number;
  /** Out of what was owed to the customer. */
  readonly fromOwed: number;
  /** In a session also what holders of its token were charged. */
  readonly charged: number;
  readonly refunded: number;
  /** Of what it owed: used for other orders of the customer. */
  readonly used: number;
  readonly owed: number;
  /** A session's balance. */
  readonly held: number;
}

type Editable = { -readonly [key in keyof OrderAccount]: OrderAccount[key] };

export interface Accounts {
  /** Books a charge after its payments' debts were drawn; sentences where a session's balance is not what was left. */
  charge(content: ChargeContent): string[];
  /** Takes a debt: paid out, or used for a next step. Sentences where nobody owes it. */
  draw(debt: ContentDebt, as: 'used' | 'refunded'): string[];
  all(): readonly OrderAccount[];
}

export function createAccounts(): Accounts {
  const accounts = new Map<string, Editable>();

  function of(id: string): Editable {
    const known = accounts.get(id);
    if (known !== undefined) return known;
    const account: Editable = { id, paid: 0, fromOwed: 0, charged: 0, refunded: 0, used: 0, owed: 0, held: 0 };
    accounts.set(id, account);
    return account;
  }

  function charge(content: ChargeContent): string[] {
    const { bill, session, payments, spent_by_token_sats: spent, balance_before_sats: before } = content;
    // Another's money paid for it: its owner's receipts say of which balance.
    if (session !== null && before === null) return [];
    const account = of(session ?? content.id);
    let came = 0;
    for (const { amount_sats: amount, payment_hash } of payments) {
      came += amount;
      account[payment_hash === null ? 'fromOwed' : 'paid'] += amount;
    }
    account.charged += bill.charged_sats + spent;
    account.owed += bill.owed_sats;
    if (before === null) return [];
    const expected = account.held + came - spent;
    account.held = bill.balance_after_sats ?? 0;
    if (before === expected) return [];
    return [`${account.id} should have held ${expected} sats before it, and it says ${before}.`];
  }

  function draw({ id, amount_sats: amount, payment_hash: hash }: ContentDebt, as: 'used' | 'refunded'): string[] {
    const account = of(id);
    account[as] += amount;
    if (hash !== null) {
      account.paid += amount;
      return [];
    }
    const { owed } = account;
    account.owed = Math.max(0, owed - amount);
    return owed >= amount
      ? []
      : [`It takes ${amount} sats that ${id} owes; by the receipts before it, it owes ${owed}.`];
  }

  return { charge, draw, all: () => [...accounts.values()] };
}
