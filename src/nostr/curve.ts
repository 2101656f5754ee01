import { createECDH, ECDH, type ECDH as EcdhKey } from 'node:crypto';
import { curve } from '../curve/index.ts';

// ECDH and public keys come from OpenSSL; BIP 340 signatures, which it does not know, from the engine in src/curve.
const CURVE = 'secp256k1';

/** A secret key loaded once, for many ECDHs. */
export interface KeyPair {
  /** x-only public key, 64 lower-case hex (BIP 340). */
  readonly publicKey: string;
  /** x of the shared point, unhashed, 32 bytes (NIP-04, NIP-44). Throws when `peer` is no key on the curve. */
  sharedX(peer: string): Uint8Array;
}

/** @throws Error (saying nothing of the input) when `secretKey` is not 32 bytes in 1 … n − 1. */
export function loadKeyPair(secretKey: Uint8Array): KeyPair {
  const ecdh: EcdhKey = createECDH(CURVE);
  let publicKey: string;
  try {
    if (secretKey.length !== 32) throw new Error('length');
    ecdh.setPrivateKey(secretKey);
    publicKey = ecdh.getPublicKey('hex', 'compressed').slice(2);
  } catch {
    throw new Error('not a secret key');
  }
  return {
    publicKey,
    sharedX(peer) {
      try {
        return ecdh.computeSecret(Buffer.from(`02${peer}`, 'hex'));
      } catch {
        throw new Error('not a public key');
      }
    },
  };
}

/** True when `hex` (64 lower-case hex characters) is the x of a point, and so can be somebody's key. */
export function isPublicKey(hex: string): boolean {
  if (!/^[0-9a-f]{64}$/.test(hex)) return false;
  try {
    ECDH.convertKey(`02${hex}`, CURVE, 'hex', 'hex', 'compressed');
    return true;
  } catch {
    return false;
  }
}

/** BIP 340 signature of a 32-byte hash, 128 hex characters. `aux` is 32 fresh random bytes. */
export function signHash(hashHex: string, secretKey: Uint8Array, aux: Uint8Array): string {
  return Buffer.from(curve.signSchnorr(Buffer.from(hashHex, 'hex'), secretKey, aux)).toString('hex');
}

/** Whether `signature` (128 hex) is that of `publicKey` (64 hex) on the hash (64 hex), by BIP 340. */
export function verifiesHash(hashHex: string, publicKey: string, signature: string): boolean {
  return curve.verifySchnorr(Buffer.from(hashHex, 'hex'), Buffer.from(publicKey, 'hex'), Buffer.from(signature, 'hex'));
}
