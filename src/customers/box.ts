import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Rng } from '../lib/rng.ts';

/** AES-256-GCM under a key of 32 bytes: nonce(12) ‖ tag(16) ‖ ciphertext. */
export function sealBox(key: Uint8Array, plain: Uint8Array, rng: Rng): Buffer {
  const nonce = rng.bytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/** @throws when the box was made with another key or was tampered with. */
export function openBox(key: Uint8Array, box: Uint8Array): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(0, 12), { authTagLength: 16 });
  decipher.setAuthTag(box.subarray(12, 28));
  return Buffer.concat([decipher.update(box.subarray(28)), decipher.final()]);
}
