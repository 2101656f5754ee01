import { createECDH, ECDH, type ECDH as EcdhKey } from 'node:crypto';
import { hashes, schnorr } from '@noble/secp256k1';
import { verifyEvent as verifyWithNostrTools } from 'nostr-tools/pure';
import { sha256 } from '../lib/hash.ts';
import type { NostrEvent } from './event.ts';

/**
 * The one place that computes on secp256k1, so that a faster engine has one file to replace. ECDH and public
 * keys come from OpenSSL (several times faster than JavaScript); BIP 340 signatures from libraries, for
 * OpenSSL has none.
 */
hashes.sha256 = (message) => new Uint8Array(sha256(message));

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
  return Buffer.from(schnorr.sign(Buffer.from(hashHex, 'hex'), secretKey, aux)).toString('hex');
}

/**
 * Whether `event.sig` is `event.pubkey`'s on the event's hash. Copies the event: nostr-tools remembers its verdict
 * in a hidden property that survives an object spread, and a remembered verdict is worth nothing here.
 */
export function hasValidSignature({ id, pubkey, created_at, kind, tags, content, sig }: NostrEvent): boolean {
  return verifyWithNostrTools({ id, pubkey, created_at, kind, tags: tags.map((tag) => [...tag]), content, sig });
}
