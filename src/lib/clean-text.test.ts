import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanLine, cleanText } from './clean-text.ts';

describe('cleanText', () => {
  it.each([
    ['keeps words, tabs and lines', 'a\tb\nc', 'a\tb\nc'],
    ['one kind of line end', 'a\r\nb\rc\u2028d\u0085e', 'a\nb\nc\nd\ne'],
    ['no escape sequences', 'a\u001b[31mred\u001b[0m', 'a[31mred[0m'],
    ['no bidi overrides', 'abc\u202Eexe.txt\u202C', 'abcexe.txt'],
    ['no isolates or marks', '\u2066a\u2069\u200Eb\u200F\u061C', 'ab'],
    ['no zero-width spaces or BOM', 'a\u200Bb\uFEFFc\u2060', 'abc'],
    ['no tag characters', 'hi\u{E0068}\u{E0069}', 'hi'],
    ['keeps joined emoji', '👩‍👩‍👧', '👩‍👩‍👧'],
    ['keeps Persian joiners', 'می\u200Cخواهم', 'می\u200Cخواهم'],
    ['broken surrogates become visible', 'a\uD800b', 'a\uFFFDb'],
    ['and never meet', '\uDB40\u200B\uDC41', '\uFFFD\uFFFD'],
  ])('%s', (_, dirty, clean) => expect(cleanText(dirty)).toBe(clean));

  it('is done after one pass', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(cleanText(cleanText(text))).toBe(cleanText(text));
      }),
    );
  });
});

describe('cleanLine', () => {
  it.each([
    [' a \n\n b ', 10, 'a b'],
    ['abcdef', 6, 'abcdef'],
    ['abcdefg', 6, 'abcde…'],
    ['😀😀😀', 2, '😀…'],
    ['\u0000', 5, ''],
  ])('%j in %s', (text, max, line) => expect(cleanLine(text, max)).toBe(line));
});
