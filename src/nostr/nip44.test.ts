import { readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import * as reference from 'nostr-tools/nip44';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../lib/hash.ts';
import { isPublicKey, loadKeyPair } from './curve.ts';
import { conversationKey, looksLikeNip44, messageKeys, nip44Decrypt, nip44Encrypt, paddedLength } from './nip44.ts';

/** Official vectors of NIP-44 (paulmillr/nip44); the hash is the one that the NIP prints. */
const source = readFileSync(new URL('../../test/vectors/nip44.vectors.json', import.meta.url), 'utf8');
const { valid, invalid } = (JSON.parse(source) as Vectors).v2;

interface Vectors {
  v2: {
    valid: {
      get_conversation_key: { sec1: string; pub2: string; conversation_key: string }[];
      get_message_keys: {
        conversation_key: string;
        keys: { nonce: string; chacha_key: string; chacha_nonce: string; hmac_key: string }[];
      };
      calc_padded_len: [number, number][];
      encrypt_decrypt: {
        sec1: string;
        sec2: string;
        conversation_key: string;
        nonce: string;
        plaintext: string;
        payload: string;
      }[];
      encrypt_decrypt_long_msg: {
        conversation_key: string;
        nonce: string;
        pattern: string;
        repeat: number;
        plaintext_sha256: string;
        payload_sha256: string;
      }[];
    };
    invalid: {
      encrypt_msg_lengths: number[];
      get_conversation_key: { sec1: string; pub2: string }[];
      decrypt: { conversation_key: string; nonce: string; plaintext: string; payload: string; note: string }[];
    };
  };
}

const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');

describe('NIP-44 official vectors', () => {
  it('are the official ones', () => {
    expect(sha256Hex(source)).toBe('269ed0f69e4c192512cc779e78c555090cebc7c785b609e338a62afc3ce25040');
  });

  it.each(valid.get_conversation_key)('conversation key $conversation_key', ({ sec1, pub2, conversation_key }) => {
    expect(hex(conversationKey(loadKeyPair(bytes(sec1)).sharedX(pub2)))).toBe(conversation_key);
  });

  it.each(valid.get_message_keys.keys)('message keys of $nonce', (expected) => {
    const keys = messageKeys(bytes(valid.get_message_keys.conversation_key), bytes(expected.nonce));
    expect(hex(keys.chachaKey)).toBe(expected.chacha_key);
    expect(hex(keys.chachaNonce)).toBe(expected.chacha_nonce);
    expect(hex(keys.hmacKey)).toBe(expected.hmac_key);
  });

  it.each(valid.calc_padded_len.filter(([length]) => length <= 65_535))('pads %i to %i', (length, padded) => {
    expect(paddedLength(length)).toBe(padded);
  });

  it.each(valid.encrypt_decrypt)('encrypts and decrypts $payload', (v) => {
    const shared = loadKeyPair(bytes(v.sec1)).sharedX(loadKeyPair(bytes(v.sec2)).publicKey);
    expect(hex(conversationKey(shared))).toBe(v.conversation_key);
    expect(nip44Encrypt(v.plaintext, bytes(v.conversation_key), bytes(v.nonce))).toBe(v.payload);
    expect(nip44Decrypt(v.payload, bytes(v.conversation_key))).toBe(v.plaintext);
    expect(looksLikeNip44(v.payload)).toBe(true);
  });

  it.each(valid.encrypt_decrypt_long_msg)('long message $payload_sha256', (v) => {
    const plaintext = v.pattern.repeat(v.repeat);
    expect(sha256Hex(plaintext)).toBe(v.plaintext_sha256);
    const payload = nip44Encrypt(plaintext, bytes(v.conversation_key), bytes(v.nonce));
    expect(sha256Hex(payload)).toBe(v.payload_sha256);
    expect(nip44Decrypt(payload, bytes(v.conversation_key))).toBe(plaintext);
  });

  it.each(invalid.encrypt_msg_lengths)('refuses to encrypt %i bytes', (length) => {
    expect(() => nip44Encrypt('a'.repeat(length), randomBytes(32), randomBytes(32))).toThrow(RangeError);
  });

  it.each(invalid.get_conversation_key)('refuses the keys $sec1 $pub2', ({ sec1, pub2 }) => {
    expect(() => loadKeyPair(bytes(sec1)).sharedX(pub2)).toThrow(/^not a (secret|public) key$/);
  });

  it.each(invalid.decrypt)('refuses to decrypt: $note', ({ conversation_key, payload }) => {
    expect(() => nip44Decrypt(payload, bytes(conversation_key))).toThrow();
  });
});

describe('NIP-44 against nostr-tools', () => {
  it('makes and reads the same bytes', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 3_000, unit: 'grapheme' }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (text, key, nonce) => {
          const payload = nip44Encrypt(text, key, nonce);
          expect(payload).toBe(reference.encrypt(text, key, nonce));
          expect(nip44Decrypt(payload, key)).toBe(text);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('does not read the extended length prefix, nor more than 65,535 bytes', () => {
    const key = randomBytes(32);
    expect(() => nip44Decrypt(reference.encrypt('a'.repeat(65_536), key), key)).toThrow();
    expect(nip44Decrypt(reference.encrypt('a'.repeat(65_535), key), key)).toHaveLength(65_535);
  });

  it('refuses other spellings of the same bytes', () => {
    const key = randomBytes(32);
    const payload = nip44Encrypt('hello', key, randomBytes(32));
    for (const other of [`${payload}\n`, payload.replace(/=*$/, ''), payload.replaceAll('+', '-'), ` ${payload}`]) {
      if (other !== payload) expect(() => nip44Decrypt(other, key)).toThrow();
    }
  });
});

it('knows keys that are on the curve', () => {
  expect(isPublicKey(loadKeyPair(randomBytes(32)).publicKey)).toBe(true);
  expect(isPublicKey('f'.repeat(64))).toBe(false);
  expect(isPublicKey('0'.repeat(63))).toBe(false);
});
