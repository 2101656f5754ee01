import type { Purse } from '../../builders/daemon-purchase.ts';
import type { RealLnbits, RealWallet } from './server.ts';

/** One payment of a wallet, as LNbits lists it. Amounts in msats, below 0 for outgoing. */
export interface Row {
  readonly payment_hash: string;
  readonly amount: number;
  readonly fee: number;
  readonly status: string;
  readonly tag: string | null;
}

/** A wallet of a real LNbits in the hands of a person: its HTTP, with no code of the adapter's. */
export interface RealPurse extends Purse {
  /** `internal`: payable within this LNbits alone, and not issued by its node. */
  receiveInvoice(amountMsats: number, internal?: boolean): Promise<string>;
  /** The hashes it paid and the invoices it made, in order. */
  readonly paid: string[];
  readonly made: string[];
  balanceMsats(): Promise<number>;
  /** All rows, the oldest first. */
  rows(): Promise<readonly Row[]>;
}

export function openPurse(lnbits: RealLnbits, wallet: RealWallet): RealPurse {
  const call = async <T>(method: string, path: string, body?: object): Promise<{ status: number; body: T }> => {
    const answer = await fetch(`${lnbits.url}/api/v1/${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-api-key': wallet.adminkey, connection: 'close' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as T };
  };
  const paid: string[] = [];
  const made: string[] = [];
  return {
    paid,
    made,
    payInvoice: async (bolt11) => {
      const { status, body } = await call<Row>('POST', 'payments', { out: true, bolt11 });
      if (status !== 201 || body.status !== 'success' || body.amount >= 0) return false;
      paid.push(body.payment_hash);
      return true;
    },
    receiveInvoice: async (amountMsats, internal = true) => {
      const order = { out: false, amount: amountMsats / 1000, memo: 'my change', internal };
      const { body } = await call<Row & { bolt11: string }>('POST', 'payments', order);
      made.push(body.payment_hash);
      return body.bolt11;
    },
    balanceMsats: async () => (await call<{ balance: number }>('GET', 'wallet')).body.balance,
    rows: async () =>
      (await call<{ data: Row[] }>('GET', 'payments/paginated?sortby=time&direction=asc&limit=1000')).body.data,
  };
}
