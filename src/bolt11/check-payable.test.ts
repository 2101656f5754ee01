import { bech32 } from '@scure/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unixSeconds } from '../lib/units.ts';
import { checkPayable, type PayableRefusal, type PayableRules } from './check-payable.ts';
import { encodeInvoice, field, signInvoice, type InvoiceDraft } from './encode.ts';
import { payeeOf, signWords } from './signature.ts';
import { bytesToWords, numberToWords } from './words.ts';

const CUSTOMER = Buffer.alloc(32, 9);
const US = Buffer.alloc(32, 7);
const NOW = unixSeconds(1_795_000_000);
const rules: PayableRules = {
  expectedMsats: [103_000n, 96_000n],
  network: 'bitcoin',
  now: NOW,
  isOurHash: (hash) => hash === 'ee'.repeat(32),
  ourPayee: payeeOf(US),
};
const draft: InvoiceDraft = {
  network: 'bitcoin',
  amountMsats: 103_000n,
  timestamp: unixSeconds(NOW - 30),
  expirySeconds: 3600,
  description: 'change',
  paymentHash: 'ab'.repeat(32),
  paymentSecret: 'cd'.repeat(32),
};
const made = (change: Partial<InvoiceDraft> = {}): string => encodeInvoice({ ...draft, ...change }, CUSTOMER);

/** The data words of `draft` without signature, for breaking them apart. */
const H = field('p', bytesToWords(Buffer.alloc(32, 0xab)));
const S = field('s', bytesToWords(Buffer.alloc(32, 0xcd)));
const D = field('d', bytesToWords(Buffer.from('change')));
const X = field('x', numberToWords(3600));
const at = numberToWords(draft.timestamp, 7);
const raw = (...parts: readonly (readonly number[])[]): string =>
  signInvoice('lnbc1030n', [...at, ...parts.flat()], CUSTOMER);

test('the parts that the tricks are made of make a good invoice', () => {
  expect(checkPayable(raw(H, S, D, X), rules)).toHaveProperty('invoice');
});

test.each([
  ['any of the sums that are owed', made({ amountMsats: 96_000n })],
  ['upper case, as in QR codes', made().toUpperCase()],
  ['a named payee', made({ namePayee: true })],
  ['a described hash', made({ descriptionHash: '12'.repeat(32) })],
  ['features that every wallet knows', made({ features: [8, 14, 17, 25, 49, 151] })],
])('pays: %s', (_, bolt11) => {
  expect(checkPayable(bolt11, rules)).toHaveProperty('invoice');
});

function endlessSince(timestamp: number): string {
  const endless = field(
    'x',
    Array.from({ length: 1023 }, () => 31),
  );
  return signInvoice('lnbc1030n', [...numberToWords(timestamp, 7), ...H, ...S, ...D, ...endless], CUSTOMER);
}

function highS(): string {
  const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const data = [...at, ...H, ...S, ...D, ...X, ...field('n', bytesToWords(Buffer.from(payeeOf(CUSTOMER), 'hex')))];
  const signature = Buffer.from(bech32.fromWords(signWords('lnbc1030n', data, CUSTOMER)));
  const s = ORDER - BigInt(`0x${signature.subarray(32, 64).toString('hex')}`);
  signature.write(s.toString(16).padStart(64, '0'), 32, 'hex');
  signature[64] = (signature[64] ?? 0) ^ 1;
  return bech32.encode('lnbc1030n', [...data, ...bytesToWords(signature)], false);
}

function foreignSignature(): string {
  const data = [...at, ...H, ...S, ...D, ...X, ...field('n', bytesToWords(Buffer.from(payeeOf(US), 'hex')))];
  return signInvoice('lnbc1030n', data, CUSTOMER);
}

function unrecoverable(): string {
  const good = bech32.decode(made() as `${string}1${string}`, false);
  const words = [...good.words.slice(0, -104), ...Array.from({ length: 104 }, () => 31)];
  return bech32.encode(good.prefix, words, false);
}

describe('tricks', () => {
  test.each<[string, PayableRefusal, string]>([
    ['no amount: the payer would choose', 'amount_missing', made({ amountMsats: null })],
    ['amount zero', 'malformed', signInvoice('lnbc0n', [...at, ...H, ...S, ...D, ...X], CUSTOMER)],
    ['one sat more', 'amount_wrong', made({ amountMsats: 104_000n })],
    ['one msat more', 'amount_wrong', made({ amountMsats: 103_001n })],
    ['less than is owed', 'amount_wrong', made({ amountMsats: 102_000n })],
    ['a thousand times as much', 'amount_wrong', made({ amountMsats: 103_000_000n })],
    ['a fraction of a msat', 'malformed', signInvoice('lnbc1030001p', [...at, ...H, ...S, ...D, ...X], CUSTOMER)],
    ['leading zeros', 'malformed', signInvoice('lnbc01030n', [...at, ...H, ...S, ...D, ...X], CUSTOMER)],
    [
      'more than there is',
      'malformed',
      signInvoice('lnbc99999999999999999999', [...at, ...H, ...S, ...D, ...X], CUSTOMER),
    ],
    ['testnet', 'wrong_network', made({ network: 'testnet' })],
    ['signet', 'wrong_network', made({ network: 'signet' })],
    ['regtest', 'wrong_network', made({ network: 'regtest' })],
    ['another coin', 'wrong_network', signInvoice('lnltc1030n', [...at, ...H, ...S, ...D, ...X], CUSTOMER)],
    ['broken checksum', 'malformed', `${made().slice(0, -1)}${made().endsWith('q') ? 'p' : 'q'}`],
    ['mixed case', 'malformed', made().replace('l', 'L')],
    ['a signature that recovers to nobody', 'broken_signature', unrecoverable()],
    ['a named payee who did not sign', 'broken_signature', foreignSignature()],
    ['a high-S signature of a named payee', 'broken_signature', highS()],
    ['two payment hashes', 'malformed', raw(H, field('p', bytesToWords(Buffer.alloc(32, 1))), S, D, X)],
    ['no payment hash', 'malformed', raw(S, D, X)],
    ['a short payment hash besides', 'malformed', raw(H, field('p', bytesToWords(Buffer.alloc(31))), S, D, X)],
    ['no payment secret', 'malformed', raw(H, D, X)],
    ['two payment secrets', 'malformed', raw(H, S, field('s', bytesToWords(Buffer.alloc(32, 1))), D, X)],
    ['two expiries', 'malformed', raw(H, S, D, X, field('x', numberToWords(60)))],
    ['no description', 'malformed', raw(H, S, X)],
    ['description and its hash', 'malformed', raw(H, S, D, field('h', bytesToWords(Buffer.alloc(32, 1))), X)],
    ['a description that is no UTF-8', 'malformed', raw(H, S, field('d', bytesToWords(Buffer.from([0xc3, 0x28]))), X)],
    ['a field longer than the invoice', 'malformed', raw(H, S, D, X, [2, 31, 31])],
    ['half a field', 'malformed', raw(H, S, D, X, [2])],
    ['expired', 'expired', made({ timestamp: unixSeconds(NOW - 3600) })],
    [
      'expired by the default of an hour',
      'expired',
      signInvoice('lnbc1030n', [...numberToWords(NOW - 3601, 7), ...H, ...S, ...D], CUSTOMER),
    ],
    ['less than a minute left', 'expires_soon', made({ expirySeconds: 59 })],
    ['good for a year', 'expires_late', made({ expirySeconds: 31_536_000 })],
    ['an endless expiry', 'expires_late', endlessSince(draft.timestamp)],
    ['endless, and dated ten years back', 'expires_late', endlessSince(NOW + 600 - 10 * 365 * 86_400)],
    ['endless, and dated 1970', 'expires_late', endlessSince(0)],
    ['dated 2514', 'from_future', made({ timestamp: unixSeconds(17_179_869_184) })],
    ['holds our money for a year', 'cltv_too_long', made({ minFinalCltv: 50_000 })],
    ['an unknown required feature', 'unknown_feature', made({ features: [8, 14, 100] })],
    ['a required AMP', 'unknown_feature', made({ features: [8, 14, 30] })],
    ['40 kB', 'malformed', `lnbc1030n1${'q'.repeat(40_000)}`],
    [
      '3 kB, well made',
      'malformed',
      raw(
        H,
        S,
        D,
        X,
        ...Array.from({ length: 3 }, () =>
          field(
            'r',
            Array.from({ length: 1000 }, () => 0),
          ),
        ),
      ),
    ],
    ['an invoice of ours', 'ours', made({ paymentHash: 'ee'.repeat(32) })],
    [
      'an invoice of ours, expired and for another sum',
      'ours',
      made({ paymentHash: 'ee'.repeat(32), timestamp: unixSeconds(1), amountMsats: 5n }),
    ],
    ['an invoice to our own node', 'own_node', encodeInvoice(draft, US)],
    ['not an invoice', 'malformed', 'alice@example.com'],
  ])('refuses: %s', (_, refused, bolt11) => {
    expect(checkPayable(bolt11, rules)).toEqual({ refused });
  });

  test('without an expected sum, whole sats only', () => {
    const open = { ...rules, expectedMsats: null };
    expect(checkPayable(made({ amountMsats: 5_000n }), open)).toHaveProperty('invoice.amountMsats', 5_000n);
    expect(checkPayable(made({ amountMsats: 5_001n }), open)).toEqual({ refused: 'amount_wrong' });
    expect(checkPayable(made(), { ...rules, expectedMsats: [] })).toEqual({ refused: 'amount_wrong' });
  });
});

test('nothing is ever payable but for exactly what is owed', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 300_000n }), fc.bigInt({ min: 1n, max: 300_000n }), (owed, asked) => {
      const verdict = checkPayable(made({ amountMsats: asked }), { ...rules, expectedMsats: [owed] });
      expect('invoice' in verdict).toBe(asked === owed);
    }),
    { numRuns: 30 },
  );
});
