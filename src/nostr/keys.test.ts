import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import * as nip19 from 'nostr-tools/nip19';
import * as nip49 from 'nostr-tools/nip49';
import { describe, expect, it } from 'vitest';
import { Secret } from '../lib/secret.ts';
import { encodeNpub, encodeNsec, generateSecretKey, parseNpub, parseSecretKey, publicKeyOf } from './keys.ts';

const rng = { bytes: (length: number): Uint8Array => randomBytes(length) };
const key = generateSecretKey(rng);
const hexKey = Buffer.from(key.expose()).toString('hex');
const npub = encodeNpub(publicKeyOf(key));

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return error instanceof Error ? `${error.message} ${String(error.cause)}` : String(error);
  }
  throw new Error('it did not throw');
}

describe('parseSecretKey', () => {
  it.each([
    ['hex', hexKey],
    ['upper-case hex with space', ` ${hexKey.toUpperCase()}\n`],
    ['nsec', encodeNsec(key).expose()],
    ['upper-case nsec', encodeNsec(key).expose().toUpperCase()],
  ])('reads %s', (_, text) => {
    expect(Buffer.from(parseSecretKey(text).expose()).toString('hex')).toBe(hexKey);
  });

  it('reads the vector of NIP-49', () => {
    const ncryptsec =
      'ncryptsec1qgg9947rlpvqu76pj5ecreduf9jxhselq2nae2kghhvd5g7dgjtcxfqtd67p9m0w57lspw8gsq6yphnm8623nsl8xn9j4jdzz84zm3frztj3z7s35vpzmqf6ksu8r89qk5z2zxfmu5gv8th8wclt0h4p';
    const secret = parseSecretKey(ncryptsec, new Secret('nostr'));
    expect(Buffer.from(secret.expose()).toString('hex')).toBe(
      '3501454135014541350145413501453fefb02227e449e57cf4d3a3ce05378683',
    );
  });

  it('asks for the passphrase, and says when it is wrong', () => {
    const locked = nip49.encrypt(key.expose(), 'right', 4);
    expect(messageOf(() => parseSecretKey(locked))).toMatch(/no passphrase/);
    expect(messageOf(() => parseSecretKey(locked, new Secret('wrong-pass')))).not.toContain('wrong-pass');
    expect(parseSecretKey(locked, new Secret('right')).expose()).toEqual(key.expose());
  });

  it('refuses zero, the order of the curve, an npub and nothing', () => {
    const order = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';
    for (const text of ['0'.repeat(64), order, npub, '', 'hello']) expect(() => parseSecretKey(text)).toThrow();
  });

  it('never echoes a part of what was given', () => {
    const nsec = encodeNsec(key).expose();
    const spoilt = fc.tuple(
      fc.constantFrom(nsec, hexKey, nip19.npubEncode(hexKey)),
      fc.nat(),
      fc.constantFrom('x', '1', 'b', ''),
    );
    fc.assert(
      fc.property(spoilt, ([text, at, letter]) => {
        const i = at % text.length;
        const broken = text.slice(0, i) + letter + text.slice(i + 1);
        let said: string;
        try {
          parseSecretKey(broken);
          return;
        } catch (error) {
          said = String(error) + String((error as Error).stack) + String((error as Error).cause);
        }
        for (let start = 0; start + 8 <= broken.length; start++) {
          expect(said).not.toContain(broken.slice(start, start + 8));
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('parseNpub', () => {
  const pubkey = publicKeyOf(key);
  it.each([
    npub,
    npub.toUpperCase(),
    `nostr:${npub}`,
    pubkey,
    pubkey.toUpperCase(),
    ` ${npub} `,
    nip19.nprofileEncode({ pubkey, relays: ['wss://relay.example'] }),
    `nostr:${nip19.nprofileEncode({ pubkey })}`,
  ])('reads %s', (text) => expect(parseNpub(text)).toBe(pubkey));

  it('is null for all else', () => {
    const nsec = encodeNsec(key).expose();
    for (const text of ['', nsec, 'npub1', npub.slice(0, -1), `${npub}x`, 'f'.repeat(64), nip19.noteEncode(pubkey)]) {
      expect(parseNpub(text)).toBeNull();
    }
  });
});
