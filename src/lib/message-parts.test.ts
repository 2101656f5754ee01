import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { numberParts, splitExact, splitMessage } from './message-parts.ts';

const bytes = (text: string): number => Buffer.byteLength(text);
const solid = (text: string): string => text.replace(/\s/g, '');

/** Texts with everything that makes cutting hard: long words, wide characters, joined emoji, blank runs, lone surrogates. */
const hardText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\n\n', '\n', '. ', '。', '   ', '👩‍👩‍👧‍👦', 'é', '🇩🇪🇫🇷', '\ud83d', 'wort '.repeat(9), 'x'.repeat(90)),
    ),
    { maxLength: 60 },
  )
  .map((pieces) => pieces.join(''));

describe('splitMessage', () => {
  it('leaves alone what fits', () => {
    expect(splitMessage('  short \n')).toEqual(['  short \n']);
    expect(splitMessage('a'.repeat(6000))).toHaveLength(1);
    expect(splitMessage('')).toEqual(['']);
  });

  it('cuts at a paragraph before it cuts at a sentence', () => {
    const first = 'One. '.repeat(10).trim();
    const parts = splitMessage(`${first}\n\n${'Two. '.repeat(10)}`, 84);
    expect(parts[0]).toBe(first);
  });

  it('cuts at a sentence before it cuts at a word', () => {
    const parts = splitMessage(`${'word '.repeat(8)}end. ${'more '.repeat(20)}`, 76);
    expect(parts[0]).toBe(`${'word '.repeat(8)}end.`);
  });

  it('cuts at a word rather than leave half of a part empty', () => {
    const parts = splitMessage(`Hi.\n\n${'word '.repeat(40)}`, 100);
    expect(bytes(parts[0] ?? '')).toBeGreaterThan(60);
    expect(parts.every((part) => /(?:word|Hi\.)$/.test(part))).toBe(true);
  });

  it('keeps the word that ends exactly at the limit whole', () => {
    const parts = splitMessage(`${'a'.repeat(24)} ${'b'.repeat(23)} ${'c'.repeat(30)}`, 64);
    expect(parts).toEqual([`${'a'.repeat(24)} ${'b'.repeat(23)}`, 'c'.repeat(30)]);
  });

  it('keeps the indentation of a line that begins a part', () => {
    const parts = splitMessage(`${'x'.repeat(40)}\n    indented ${'y'.repeat(30)}`, 70);
    expect(parts[1]).toMatch(/^ {4}indented/);
  });

  it('does not cut a family in two', () => {
    const family = '👩‍👩‍👧‍👦';
    const parts = splitMessage(family.repeat(40), 100);
    expect(parts.every((part) => solid(part).replaceAll(family, '') === '')).toBe(true);
  });

  it('cuts a grapheme that is longer than a part, for want of anything better', () => {
    const zalgo = `a${'\u0301'.repeat(500)}`;
    const parts = splitMessage(zalgo, 64);
    expect(parts.join('')).toBe(zalgo);
  });

  it('prefers the Japanese full stop', () => {
    const parts = splitMessage(`${'あ'.repeat(14)}。${'い'.repeat(30)}`, 80);
    expect(parts[0]).toBe(`${'あ'.repeat(14)}。`);
  });

  it('loses no character but spaces, and keeps to the limit with and without numbers', () => {
    fc.assert(
      fc.property(hardText, fc.integer({ min: 64, max: 300 }), (text, limit) => {
        const parts = splitMessage(text, limit);
        expect(solid(parts.join(''))).toBe(solid(text));
        for (const part of [...parts, ...numberParts(parts)]) expect(bytes(part)).toBeLessThanOrEqual(limit);
      }),
    );
  });

  it('refuses a limit that no numbered part fits', () => {
    expect(() => splitMessage('x', 63)).toThrow(RangeError);
  });
});

describe('splitExact', () => {
  it('joins to exactly the same text and never makes a lone surrogate', () => {
    fc.assert(
      fc.property(hardText, fc.integer({ min: 4, max: 200 }), (text, limit) => {
        const pieces = splitExact(text, limit);
        expect(pieces.join('')).toBe(text);
        for (const piece of pieces) {
          expect(piece).not.toBe('');
          expect(bytes(piece)).toBeLessThanOrEqual(limit);
        }
        const lone = (value: string): number => value.match(/\p{Cs}/gu)?.length ?? 0;
        expect(pieces.reduce((sum, piece) => sum + lone(piece), 0)).toBe(lone(text));
      }),
    );
  });

  it('refuses a limit below one code point', () => {
    expect(() => splitExact('x', 3)).toThrow(RangeError);
  });
});

describe('numberParts', () => {
  it('numbers several parts and leaves one alone', () => {
    expect(numberParts(['a'])).toEqual(['a']);
    expect(numberParts(['a', 'b'])).toEqual(['(1/2) a', '(2/2) b']);
  });
});
