import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_MSATS, unixSeconds } from '../lib/units.ts';
import { decodeInvoice } from './decode.ts';
import { encodeInvoice, type InvoiceDraft } from './encode.ts';
import { payeeOf } from './signature.ts';
import { bytesToWords, numberToWords, wordsToBytes, wordsToNumber } from './words.ts';

const hex32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const secretKey = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => {
  bytes[0] = 1;
  return bytes;
});
const draft: fc.Arbitrary<InvoiceDraft> = fc
  .record({
    network: fc.constantFrom('bitcoin', 'testnet', 'signet', 'regtest'),
    amountMsats: fc.option(fc.bigInt({ min: 1n, max: MAX_MSATS })),
    timestamp: fc.integer({ min: 0, max: 2 ** 35 - 1 }).map(unixSeconds),
    expirySeconds: fc.integer({ min: 0, max: 3600 * 24 * 365 }),
    description: fc.string({ unit: 'binary', maxLength: 150 }).map((text) => Buffer.from(text).toString()),
    paymentHash: hex32,
    paymentSecret: hex32,
    minFinalCltv: fc.nat(10_000),
    namePayee: fc.boolean(),
  })
  .map((record) => record as InvoiceDraft);

test('what is written is read again, exactly', () => {
  fc.assert(
    fc.property(draft, secretKey, (made, key) => {
      const { namePayee: _, ...facts } = made;
      expect(decodeInvoice(encodeInvoice(made, key))).toMatchObject({
        ...facts,
        expiresAt: made.timestamp + made.expirySeconds,
        descriptionHash: null,
        payee: payeeOf(key),
        unknownRequiredFeature: null,
        irregular: false,
      });
    }),
    { numRuns: 40 },
  );
});

test('numbers and bytes survive their words', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.uint8Array(), (number, bytes) => {
      expect(wordsToNumber(numberToWords(number))).toBe(number);
      expect(wordsToBytes(bytesToWords(bytes))).toEqual(bytes);
    }),
  );
  expect(wordsToNumber(Array.from({ length: 1023 }, () => 31))).toBe(Number.MAX_SAFE_INTEGER);
});

test('refuses what no invoice can hold', () => {
  const base = { network: 'regtest', timestamp: unixSeconds(1), expirySeconds: 1 } as const;
  const hashes = { paymentHash: '00'.repeat(32), paymentSecret: '11'.repeat(32) };
  const key = Buffer.alloc(32, 7);
  expect(() => encodeInvoice({ ...base, ...hashes, amountMsats: 0n }, key)).toThrow(RangeError);
  expect(() => encodeInvoice({ ...base, ...hashes, amountMsats: 1n, description: 'x'.repeat(640) }, key)).toThrow(
    RangeError,
  );
});
