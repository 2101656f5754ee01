import { createHmac } from 'node:crypto';
import * as secp from '@noble/secp256k1';
import { curve } from '../curve/index.ts';
import { sha256 } from '../lib/hash.ts';
import { wordsToBytes, wordsToPaddedBytes, bytesToWords } from './words.ts';

// The library's synchronous calls want their hashes from outside.
secp.hashes.sha256 = (message) => Uint8Array.from(sha256(message));
secp.hashes.hmacSha256 = (key, message) => Uint8Array.from(createHmac('sha256', key).update(message).digest());

/** A signature in an invoice: 64 bytes and a recovery id, in 104 words. */
export const SIGNATURE_WORDS = 104;

/**
 * Whose invoice this is: the key that the signature recovers to, or `claimed` (the `n` field) if it verifies, low-S
 * as BOLT 11 demands then. Null when there is none. **Recovery succeeds on tampered invoices too** and only yields
 * another key: without `claimed` this proves nothing unless the caller knows which payee to expect.
 */
export function recoverPayee(
  prefix: string,
  data: readonly number[],
  signature: readonly number[],
  claimed: string | null,
): string | null {
  const hash = signedHash(prefix, data);
  const bytes = wordsToBytes(signature);
  if (claimed === null) {
    const payee = curve.recover(hash, bytes.subarray(0, 64), bytes[64] ?? 255);
    return payee === null ? null : Buffer.from(payee).toString('hex');
  }
  try {
    const valid = secp.verify(bytes.subarray(0, 64), hash, Buffer.from(claimed, 'hex'), { prehash: false });
    return valid ? claimed : null;
  } catch {
    return null;
  }
}

/** The 104 words of a (deterministic, low-S) signature over prefix and data. */
export function signWords(prefix: string, data: readonly number[], secretKey: Uint8Array): number[] {
  const signed = secp.sign(signedHash(prefix, data), secretKey, { prehash: false, format: 'recovered' });
  return bytesToWords(Uint8Array.of(...signed.subarray(1), signed[0] ?? 0));
}

/** The compressed public key of `secretKey`, 66 hex characters: what invoices signed with it recover to. */
export function payeeOf(secretKey: Uint8Array): string {
  return Buffer.from(secp.getPublicKey(secretKey)).toString('hex');
}

function signedHash(prefix: string, data: readonly number[]): Uint8Array {
  return Uint8Array.from(sha256(Buffer.concat([Buffer.from(prefix), wordsToPaddedBytes(data)])));
}
