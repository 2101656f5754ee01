import { encodeInvoice } from '../../bolt11/index.ts';
import { sha256Hex } from '../../lib/hash.ts';
import type { Rng } from '../../lib/rng.ts';
import type { UnixSeconds } from '../../lib/units.ts';

const EXPIRY_SECONDS = 3600;

/** A regtest invoice as a customer's own wallet would make it, to which the stub wallet can pay out. Nobody holds its preimage. */
export function customerInvoice(amountSats: number, description: string, now: UnixSeconds, rng: Rng): string {
  return encodeInvoice(
    {
      network: 'regtest',
      amountMsats: BigInt(amountSats) * 1000n,
      timestamp: now,
      expirySeconds: EXPIRY_SECONDS,
      description,
      paymentHash: sha256Hex(rng.bytes(32)),
      paymentSecret: sha256Hex(rng.bytes(32)),
    },
    rng.bytes(32),
  );
}
