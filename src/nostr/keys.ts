import * as nip19 from 'nostr-tools/nip19';
import * as nip49 from 'nostr-tools/nip49';
import type { Rng } from '../lib/rng.ts';
import { Secret } from '../lib/secret.ts';
import { isPublicKey, loadKeyPair } from './curve.ts';

/**
 * Reads a secret key in any of its spellings: `nsec1…` (NIP-19), 64 hex characters, or `ncryptsec1…` (NIP-49,
 * with its passphrase; about a second of CPU).
 * @throws Error with a plain sentence. It never contains a part of the input: nostr-tools' own message for an
 * nsec with a wrong letter spells out the key.
 */
export function parseSecretKey(text: string, passphrase?: Secret<string>): Secret<Uint8Array> {
  const input = text.trim();
  if (/^[0-9a-f]{64}$/i.test(input)) return checked(Buffer.from(input, 'hex'), '64 hex characters');
  if (/^nsec1/i.test(input)) return checked(decodeNsec(input), 'nsec');
  if (/^ncryptsec1/i.test(input)) {
    if (passphrase === undefined) throw new Error('the key is encrypted (ncryptsec) and no passphrase is given');
    return checked(decryptNcryptsec(input, passphrase), 'ncryptsec');
  }
  if (/^npub1/i.test(input)) throw new Error('not a secret key: this is an npub, the public half');
  throw new Error(`not a secret key: neither nsec, ncryptsec nor 64 hex characters (length ${input.length})`);
}

function decodeNsec(input: string): Uint8Array {
  try {
    const decoded = nip19.decode(input.toLowerCase());
    if (decoded.type === 'nsec') return decoded.data;
  } catch {
    // Falls through: the library's words are not for anybody's eyes.
  }
  throw new Error(`not a valid nsec (length ${input.length}): a letter is wrong or missing`);
}

function decryptNcryptsec(input: string, passphrase: Secret<string>): Uint8Array {
  try {
    return nip49.decrypt(input.toLowerCase(), passphrase.expose());
  } catch {
    throw new Error('the ncryptsec cannot be decrypted: wrong passphrase, or a letter is wrong');
  }
}

function checked(bytes: Uint8Array, spelling: string): Secret<Uint8Array> {
  try {
    loadKeyPair(bytes);
  } catch {
    throw new Error(`not a valid secret key (${spelling})`);
  }
  return new Secret(new Uint8Array(bytes));
}

/** A new key. */
export function generateSecretKey(rng: Rng): Secret<Uint8Array> {
  for (;;) {
    const bytes = new Uint8Array(rng.bytes(32));
    try {
      loadKeyPair(bytes);
      return new Secret(bytes);
    } catch {
      // Outside 1 … n − 1: chance 2^-128. Draw again.
    }
  }
}

/** The public key of a secret one, 64 lower-case hex. */
export function publicKeyOf(secretKey: Secret<Uint8Array>): string {
  return loadKeyPair(secretKey.expose()).publicKey;
}

export function encodeNsec(secretKey: Secret<Uint8Array>): Secret<string> {
  return new Secret(nip19.nsecEncode(secretKey.expose()));
}

/** `hex`: 64 lower-case hex characters. */
export function encodeNpub(hex: string): string {
  return nip19.npubEncode(hex);
}

/** The public key in what a person or program gave: npub, nprofile or hex, with or without `nostr:`. Null if none. */
export function parseNpub(text: string): string | null {
  const input = text
    .trim()
    .toLowerCase()
    .replace(/^nostr:/, '');
  if (input.length > 2_000) return null;
  const hex = /^[0-9a-f]{64}$/.test(input) ? input : decodePublic(input);
  return hex !== null && isPublicKey(hex) ? hex : null;
}

function decodePublic(input: string): string | null {
  if (!/^(npub|nprofile)1/.test(input)) return null;
  try {
    const decoded = nip19.decode(input);
    if (decoded.type === 'npub') return decoded.data;
    return decoded.type === 'nprofile' ? decoded.data.pubkey : null;
  } catch {
    return null;
  }
}
