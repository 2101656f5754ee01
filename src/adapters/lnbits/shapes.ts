import { z } from 'zod';
import { MAX_MSATS } from '../../lib/units.ts';

/** Whole msats as a bigint; LNbits writes integers, and anything else is not an amount. */
const wholeMsats = z
  .number()
  .int()
  .refine((value) => Math.abs(value) <= Number(MAX_MSATS))
  .transform(BigInt);
const hex64 = z.string().regex(/^[0-9a-f]{64}$/);

/** The Payment object, as much of it as we use. Incoming `amount` > 0, outgoing < 0, both msats; fields we do not know are welcome. */
export const paymentShape = z.object({
  payment_hash: hex64,
  wallet_id: z.string().min(1),
  amount: wholeMsats,
  fee: wholeMsats,
  status: z.enum(['success', 'pending', 'failed']),
  preimage: z.string().nullish(),
  extra: z.record(z.string(), z.unknown()).nullish(),
  /** ISO 8601 with zone everywhere (only `expiry` may come without one, and we read expiries from the invoice). */
  time: z.union([z.string(), z.number()]),
  updated_at: z.union([z.string(), z.number()]).nullish(),
});
export type Payment = z.infer<typeof paymentShape>;

/** Answer to a POST that creates: `bolt11` since 1.0, `payment_request` before and beside it. */
export const issuedShape = z
  .object({
    payment_hash: hex64,
    wallet_id: z.string().min(1),
    bolt11: z.string().nullish(),
    payment_request: z.string().nullish(),
  })
  .transform(({ payment_hash, wallet_id, bolt11, payment_request }) => ({
    paymentHash: payment_hash,
    walletId: wallet_id,
    bolt11: bolt11 ?? payment_request ?? '',
  }))
  .refine(({ bolt11 }) => bolt11 !== '');

/** Answer to GET /payments/{hash}. Without `details` we were not recognised as the owner. */
export const lookupShape = z.object({ paid: z.boolean(), details: paymentShape.optional() });

export const walletShape = z.object({ id: z.string().min(1).optional(), balance: wholeMsats });

export const pageShape = z.object({ data: z.array(z.unknown()) });

export const openapiShape = z.object({ info: z.object({ version: z.string() }) });

/** An error: `detail` is a text, or a list when the request did not validate. `status` where it is about a payment. */
export const problemShape = z.object({
  detail: z.union([z.string(), z.array(z.unknown())]),
  status: z.string().optional(),
});
