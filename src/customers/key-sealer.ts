import { hkdfSync } from 'node:crypto';
import type { Rng } from '../lib/rng.ts';
import type { Secret } from '../lib/secret.ts';
import { openBox, sealBox } from './box.ts';

/**
 * Seals the one data key, so that what lies on the disk is worth nothing without Timmy's own key. Asked once at each
 * start; a promise, because a signer elsewhere (NIP-46) may be the one who seals.
 */
export interface KeySealer {
  seal(key: Uint8Array): Promise<Buffer>;
  /** @throws when it was sealed by another. */
  open(box: Uint8Array): Promise<Buffer>;
}

/** Seals with a key that derives from the nsec. */
export function createLocalKeySealer(secretKey: Secret<Uint8Array>, rng: Rng): KeySealer {
  const derive = (): Buffer => Buffer.from(hkdfSync('sha256', secretKey.expose(), 'timmy', 'data key v1', 32));
  return {
    seal: (key) => Promise.resolve(sealBox(derive(), key, rng)),
    open: async (box) => Promise.resolve(openBox(derive(), box)),
  };
}
