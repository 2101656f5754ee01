import type { EventTemplate, NostrEvent } from './event.ts';

/**
 * The key, behind an interface that a remote signer (NIP-46) could stand behind as well: everything is async and
 * nothing hands the secret out. Ciphers throw on any malformed or forged payload.
 */
export interface Signer {
  /** Our public key, 64 lower-case hex. */
  readonly publicKey: string;
  /** Completes and signs. Refuses kinds that Timmy never signs (62, 5 unless ours). */
  sign(template: EventTemplate): Promise<NostrEvent>;
  nip44Encrypt(peer: string, plaintext: string): Promise<string>;
  nip44Decrypt(peer: string, payload: string): Promise<string>;
  nip04Encrypt(peer: string, plaintext: string): Promise<string>;
  nip04Decrypt(peer: string, payload: string): Promise<string>;
}
