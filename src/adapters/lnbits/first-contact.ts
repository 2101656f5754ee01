import { OutsideError } from '../../lib/errors.ts';
import type { Secret } from '../../lib/secret.ts';
import type { LnbitsApi } from './api.ts';
import { issuedShape, lookupShape, openapiShape, pageShape, paymentShape, walletShape } from './shapes.ts';

/** Before 1.4 a failed invoice that is posted again is sent again, or a settled one is shown as unpaid. */
const MINIMUM_VERSION = [1, 4] as const;

/** The version of the LNbits, null when it does not tell. @throws OutsideError `rejected` `wallet.too_old`. */
export async function readVersion(api: LnbitsApi, signal: AbortSignal): Promise<string | null> {
  let version: string;
  try {
    version = (await api.read('/openapi.json', null, openapiShape, signal)).info.version;
  } catch (error) {
    // Some hide it; whether LNbits is there at all, the next call tells.
    if (error instanceof OutsideError && /^wallet\.(http_4|nonsense)/.test(error.message)) return null;
    throw error;
  }
  const [, major = '', minor = ''] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  const tooOld =
    major !== '' &&
    (Number(major) < MINIMUM_VERSION[0] ||
      (Number(major) === MINIMUM_VERSION[0] && Number(minor) < MINIMUM_VERSION[1]));
  if (tooOld) throw new OutsideError('rejected', 'wallet.too_old');
  return version;
}

export interface Keys {
  readonly invoiceKey: Secret;
  readonly adminKey: Secret | null;
}

/**
 * Which wallet the keys open, asked of one of its rows: the newest incoming one, or an invoice made for it.
 * @throws OutsideError `rejected` when it is a mirror of another wallet (it is shown no details of its owner's
 * rows), when the two keys open two wallets, or when the admin key is none.
 */
export async function identifyWallet(
  api: LnbitsApi,
  keys: Keys,
  idOfInvoiceKey: string | null,
  signal: AbortSignal,
): Promise<string> {
  const { invoiceKey, adminKey } = keys;
  let id = idOfInvoiceKey;
  if (adminKey !== null) {
    const wallet = await api.read('/api/v1/wallet', adminKey, walletShape, signal);
    if (wallet.id === undefined) throw new OutsideError('rejected', 'wallet.not_an_admin_key');
    if (id !== null && id !== wallet.id) throw new OutsideError('rejected', 'wallet.keys_of_two_wallets');
    id = wallet.id;
  }
  const found = await api.find(await someHash(api, invoiceKey, signal), false, invoiceKey, lookupShape, signal);
  if (found?.details === undefined) throw new OutsideError('rejected', 'wallet.shared');
  if (id !== null && found.details.wallet_id !== id) {
    throw new OutsideError('rejected', adminKey === null ? 'wallet.shared' : 'wallet.keys_of_two_wallets');
  }
  return found.details.wallet_id;
}

async function someHash(api: LnbitsApi, key: Secret, signal: AbortSignal): Promise<string> {
  // Incoming: a look at an outgoing payment in flight may take half a minute.
  const query = 'amount[gt]=0&sortby=time&direction=desc&limit=1';
  const page = await api.read(`/api/v1/payments/paginated?${query}`, key, pageShape, signal);
  const newest = paymentShape.safeParse(page.data[0]);
  if (newest.success && newest.data.amount > 0n) return newest.data.payment_hash;
  const greeting = { amount: 1, memo: 'Timmy: hello', expiry: 60, extra: { tag: 'timmy_probe' } };
  return (await api.create(greeting, key, issuedShape, signal)).paymentHash;
}
