import { createCipheriv, createDecipheriv } from 'node:crypto';
import { MAX_NIP44_PLAINTEXT_BYTES } from './nip44.ts';

/**
 * NIP-04, which Damus and Primal still speak: AES-256-CBC keyed with the bare x of the ECDH. It has no MAC, so
 * nothing secret and no standing order may travel by it.
 */
const PAYLOAD = /^([A-Za-z0-9+/]+={0,2})\?iv=([A-Za-z0-9+/]{22}==)$/;
/** Base64 of the largest plaintext we read, padded to the AES block. */
const MAX_PAYLOAD_CHARS = 87_500;

/** Whether `text` has the form of a NIP-04 payload. */
export function looksLikeNip04(text: string): boolean {
  return text.length <= MAX_PAYLOAD_CHARS && PAYLOAD.test(text);
}

/** `iv`: 16 random bytes. @throws RangeError when `plaintext` is empty or over 65,535 bytes of UTF-8. */
export function nip04Encrypt(plaintext: string, sharedX: Uint8Array, iv: Uint8Array): string {
  const text = Buffer.from(plaintext, 'utf8');
  if (text.length < 1 || text.length > MAX_NIP44_PLAINTEXT_BYTES) throw new RangeError('nip04: plaintext size');
  const cipher = createCipheriv('aes-256-cbc', sharedX, iv);
  const ciphertext = Buffer.concat([cipher.update(text), cipher.final()]);
  return `${ciphertext.toString('base64')}?iv=${Buffer.from(iv).toString('base64')}`;
}

/** @throws Error, naming nothing of the payload, when it is malformed, garbled or no UTF-8. */
export function nip04Decrypt(payload: string, sharedX: Uint8Array): string {
  const match = payload.length <= MAX_PAYLOAD_CHARS ? PAYLOAD.exec(payload) : null;
  if (match?.[1] === undefined || match[2] === undefined) throw new Error('nip04: malformed');
  try {
    const decipher = createDecipheriv('aes-256-cbc', sharedX, Buffer.from(match[2], 'base64'));
    const text = Buffer.concat([decipher.update(Buffer.from(match[1], 'base64')), decipher.final()]);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text);
  } catch {
    throw new Error('nip04: garbled');
  }
}
