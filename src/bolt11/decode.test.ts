import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { decode as secondOpinion } from 'light-bolt11-decoder';
import { describe, expect, test } from 'vitest';
import { decodeInvoice, looksLikeInvoice } from './decode.ts';

interface Vectors {
  readonly valid: readonly { name: string; invoice: string; facts: Record<string, unknown> }[];
  readonly invalid: readonly { name: string; invoice: string }[];
}
const vectors = JSON.parse(readFileSync(new URL('../../test/vectors/bolt11.json', import.meta.url), 'utf8')) as Vectors;

describe("BOLT 11's own examples", () => {
  test.each(vectors.valid)('reads: $name', ({ invoice, facts }) => {
    const { payee, amountMsats, ...rest } = facts;
    const decoded = decodeInvoice(invoice);
    expect(decoded).toMatchObject({ ...rest, unknownRequiredFeature: null, text: invoice.toLowerCase() });
    if ('invalid' in decoded) return;
    expect(decoded.amountMsats?.toString() ?? null).toBe(amountMsats);
    if (payee !== null) expect(decoded.payee).toBe(payee);
    expect(decoded.paymentSecret).toBe('11'.repeat(32));
  });

  test.each(vectors.invalid)('refuses: $name', ({ invoice }) => {
    const decoded = decodeInvoice(invoice);
    expect('invalid' in decoded || decoded.unknownRequiredFeature !== null).toBe(true);
  });
});

describe('what stands around an invoice', () => {
  const [coffee] = vectors.valid.filter(({ name }) => name.includes('beans'));
  const invoice = coffee?.invoice ?? '';

  test.each([
    `lightning:${invoice}`,
    `LIGHTNING:${invoice.toUpperCase()}`,
    ` \n${invoice}\t`,
    `lightning://${invoice}`,
  ])('is dropped, and the text is lower-cased', (text) => {
    expect(decodeInvoice(text)).toMatchObject({ text: invoice });
    expect(looksLikeInvoice(text)).toBe(true);
  });

  test('a broken invoice still looks like one, words do not', () => {
    expect(looksLikeInvoice(invoice.slice(0, 90))).toBe(true);
    expect(looksLikeInvoice(`${invoice.slice(0, 90)}O${invoice.slice(91)}`)).toBe(true);
    for (const text of [
      '',
      'lnbc',
      `pay ${invoice}`,
      'lnurl1dp68gurn8ghj7um9wfmxjcm99e3k7mf0v9cxj0m385ekvcenxc6r2c35',
      'job 5',
    ]) {
      expect(looksLikeInvoice(text)).toBe(false);
    }
  });
});

describe('any text at all', () => {
  test('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(decodeInvoice(text)).toHaveProperty('invalid');
        expect(decodeInvoice(`lnbc1${text}`)).toHaveProperty('invalid');
      }),
    );
  });

  test('a changed character is always noticed: the checksum finds it', () => {
    const charset = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
    fc.assert(
      fc.property(fc.constantFrom(...vectors.valid), fc.nat(), fc.nat(31), ({ invoice }, at, letter) => {
        const position = 4 + (at % (invoice.length - 4));
        const text = invoice.toLowerCase();
        const changed = text.slice(0, position) + charset.charAt(letter) + text.slice(position + 1);
        fc.pre(changed !== text);
        expect(decodeInvoice(changed)).toHaveProperty('invalid');
      }),
    );
  });

  test('length is bounded before anything is computed', () => {
    expect(decodeInvoice(`lnbc1${'q'.repeat(40_000)}`)).toEqual({ invalid: 'too_long' });
  });
});

test('an independent decoder reads the same', () => {
  for (const { invoice, name } of vectors.valid.filter((vector) => !vector.name.includes('ignored'))) {
    const ours = decodeInvoice(invoice);
    const theirs = secondOpinion(invoice);
    const value = (section: string): unknown =>
      (theirs.sections as { name: string; value?: unknown }[]).find((found) => found.name === section)?.value ?? null;
    expect(ours, name).toMatchObject({
      timestamp: value('timestamp'),
      paymentHash: value('payment_hash'),
      paymentSecret: value('payment_secret'),
      description: value('description'),
      descriptionHash: value('description_hash'),
    });
  }
});
