import * as secp from 'tiny-secp256k1';
import type { CurveEngine } from './engine.ts';

/** libsecp256k1, the library of Bitcoin Core, as WebAssembly: constant time on secrets, and about ten times faster. */
export const wasmEngine: CurveEngine = {
  name: 'wasm',
  signSchnorr: (hash, secretKey, aux) => secp.signSchnorr(hash, secretKey, aux),
  verifySchnorr(hash, publicKey, signature) {
    try {
      return secp.verifySchnorr(hash, publicKey, signature);
    } catch {
      return false; // no point of the curve, or numbers out of range
    }
  },
  recover(hash, signature, recoveryId) {
    if (!isRecoveryId(recoveryId)) return null;
    try {
      return secp.recover(hash, signature, recoveryId, true);
    } catch {
      return null;
    }
  },
};

function isRecoveryId(id: number): id is secp.RecoveryIdType {
  return id === 0 || id === 1 || id === 2 || id === 3;
}
