import type { Rng } from '../lib/rng.ts';
import type { Secret } from '../lib/secret.ts';
import { ConversationKeys } from './conversation-keys.ts';
import { loadKeyPair, signHash } from './curve.ts';
import type { EventTemplate, NostrEvent } from './event.ts';
import { nip04Decrypt, nip04Encrypt } from './nip04.ts';
import { conversationKey, nip44Decrypt, nip44Encrypt } from './nip44.ts';
import type { Signer } from './signer.ts';
import { eventId } from './verify.ts';

/** NIP-62 "request to vanish": relays would erase our identity and our customers' messages. */
const VANISH = 62;

/** A signer that holds the key in this process. Randomness (nonces, signature masks) comes from `rng`. */
export function createLocalSigner(secretKey: Secret<Uint8Array>, rng: Rng): Signer {
  const keyPair = loadKeyPair(secretKey.expose());
  const keys = new ConversationKeys();
  const keyWith = (peer: string): Uint8Array => keys.get(peer, () => conversationKey(keyPair.sharedX(peer)));
  return {
    publicKey: keyPair.publicKey,
    async sign(template) {
      if (template.kind === VANISH) throw new Error('kind 62 is never signed');
      return signWith(secretKey.expose(), keyPair.publicKey, template, rng);
    },
    async nip44Encrypt(peer, plaintext) {
      return nip44Encrypt(plaintext, keyWith(peer), rng.bytes(32));
    },
    async nip44Decrypt(peer, payload) {
      return nip44Decrypt(payload, keyWith(peer));
    },
    async nip04Encrypt(peer, plaintext) {
      return nip04Encrypt(plaintext, keyPair.sharedX(peer), rng.bytes(16));
    },
    async nip04Decrypt(peer, payload) {
      return nip04Decrypt(payload, keyPair.sharedX(peer));
    },
  };
}

/** Completes and signs `template` with a key at hand: ours, or the throwaway key of a wrap. */
export function signWith(
  secretKey: Uint8Array,
  publicKey: string,
  { created_at, kind, tags, content }: EventTemplate,
  rng: Rng,
): NostrEvent {
  const unsigned = { pubkey: publicKey, created_at, kind, tags: tags.map((tag) => [...tag]), content };
  const id = eventId(unsigned);
  return { id, ...unsigned, sig: signHash(id, secretKey, rng.bytes(32)) };
}
