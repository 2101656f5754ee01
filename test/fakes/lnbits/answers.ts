import type { Row } from './books.ts';

export type Profile = '1.5' | '1.6';

/** A finished HTTP answer of the fake. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A business error: a string `detail`, and `status` where it is about a payment. */
export const problem = (status: number, detail: string, paymentStatus?: 'failed' | 'pending' | 'success'): Answer => ({
  status,
  body: paymentStatus === undefined ? { detail } : { detail, status: paymentStatus },
});

/** A validation error: 400 with a list. */
export const invalid = (field: string, message: string, type = 'value_error'): Answer => ({
  status: 400,
  body: { detail: [{ loc: ['body', field], msg: message, type }] },
});

const iso = (seconds: number): string => {
  const whole = Math.floor(seconds);
  const micros = Math.round((seconds - whole) * 1_000_000) % 1_000_000;
  return `${new Date(whole * 1000).toISOString().slice(0, 19)}.${String(micros).padStart(6, '0')}+00:00`;
};

/** `extra.tag`, which LNbits copies into a column of its own. */
export function tagOf(row: Row): string | null {
  return typeof row.extra['tag'] === 'string' ? row.extra['tag'] : null;
}

/** The Payment object: 21 fields, 22 in 1.6. `expiry` has no zone in the answer to a POST, alone. */
export function paymentJson(row: Row, profile: Profile, fromPost: boolean): Record<string, unknown> {
  const expiry = row.expiry === null ? null : new Date(row.expiry * 1000).toISOString().slice(0, 19);
  return {
    checking_id: row.checkingId,
    payment_hash: row.paymentHash,
    wallet_id: row.walletId,
    amount: row.amount,
    fee: row.fee,
    bolt11: row.bolt11,
    payment_request: row.bolt11,
    fiat_provider: null,
    status: row.status,
    memo: row.memo,
    expiry: expiry === null ? null : fromPost ? expiry : `${expiry}+00:00`,
    webhook: row.webhook,
    webhook_status: null,
    preimage: row.preimage,
    tag: tagOf(row),
    extension: null,
    time: iso(row.time),
    created_at: iso(row.time),
    updated_at: iso(row.updatedAt),
    labels: row.labels,
    extra: row.extra,
    ...(profile === '1.6' ? { external_id: row.externalId } : {}),
  };
}
