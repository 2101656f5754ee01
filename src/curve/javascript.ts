import * as secp from '@noble/secp256k1';
import { sha256 } from '../lib/hash.ts';
import type { CurveEngine } from './engine.ts';

// The library's synchronous calls want their hash from outside.
secp.hashes.sha256 = (message) => Uint8Array.from(sha256(message));

/** The curve in JavaScript: runs everywhere, slowly. */
export const javascriptEngine: CurveEngine = {
  name: 'javascript',
  signSchnorr: (hash, secretKey, aux) => secp.schnorr.sign(hash, secretKey, aux),
  verifySchnorr(hash, publicKey, signature) {
    try {
      return secp.schnorr.verify(signature, hash, publicKey);
    } catch {
      return false; // no point of the curve, or numbers out of range
    }
  },
  recover(hash, signature, recoveryId) {
    try {
      return secp.recoverPublicKey(Uint8Array.of(recoveryId, ...signature), hash, { prehash: false });
    } catch {
      return null;
    }
  },
};
