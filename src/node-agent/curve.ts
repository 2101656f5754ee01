import * as secp from '@noble/secp256k1';
import type { CurveEngine } from '../curve/engine.ts';
import { sha256 } from '../lib/hash.ts';

// The library's synchronous calls want their hash from outside.
secp.hashes.sha256 = (message) => Uint8Array.from(sha256(message));

/**
 * The curve of the bundle, in the place of `curve/index.ts` (`scripts/build-agent.mjs`): no WebAssembly, no top-level
 * await, no recovery of keys from ECDSA, so that it fits into user_data.
 */
export const curve: Omit<CurveEngine, 'recover' | 'name'> = {
  signSchnorr: (hash, secretKey, aux) => secp.schnorr.sign(hash, secretKey, aux),
  verifySchnorr(hash, publicKey, signature) {
    try {
      return secp.schnorr.verify(signature, hash, publicKey);
    } catch {
      return false; // no point of the curve, or numbers out of range
    }
  },
};
