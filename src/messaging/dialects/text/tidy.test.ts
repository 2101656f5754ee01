import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tidy } from './tidy.ts';

describe('tidy', () => {
  it.each([
    ['blank space', '  \n hi there \t\n', 'hi there'],
    ["Amethyst's comment line", '[//]: # (nip18)\nhelp', 'help'],
    ["Amethyst's comment line alone", '[//]: # (nip18)', ''],
    ['the comment line twice', '[//]: # (nip18)\n[//]: # (nip18)\n\nhelp', 'help'],
    ['straight quotes', '"write a poem"', 'write a poem'],
    ['curly quotes', '“write a poem”', 'write a poem'],
    ['German quotes', '„schreib ein Gedicht“', 'schreib ein Gedicht'],
    ['guillemets', '« écris un poème »', 'écris un poème'],
    ['corner brackets', '「詩を書いて」', '詩を書いて'],
    ['backticks', '`help`', 'help'],
    ['quotes within quotes', '"\'help\'"', 'help'],
    ['a comment line within quotes', '"[//]: # (nip18)\nhelp"', 'help'],
    ['zero-width characters', 'he\u200blp\ufeff', 'help'],
    ['direction characters', '\u202ehelp\u202c', 'help'],
    ['control characters', 'he\u0000l\u001bp\u007f', 'help'],
    ['tag characters', 'help\u{e0041}\u{e0042}', 'help'],
    ['Hangul fillers', '\u3164\u3164', ''],
    ['an idle joiner', 'he\u200dlp', 'help'],
    ['line ends', 'one\r\ntwo\rthree\u2028four', 'one\ntwo\nthree\nfour'],
  ])('takes away %s', (_what, text, tidied) => {
    expect(tidy(text)).toBe(tidied);
  });

  it.each([
    'a\n\n  indented\n\tand tabbed',
    '"yes" or "no"',
    "it's Bob's",
    '"unclosed',
    'what does [//]: # (nip18) mean',
    'end with a dot.',
    '/imagine a cat!',
    '👩‍👩‍👧‍👦 family ❤️',
    'می‌خواهم',
    'क्‍ष',
    '> quoted\nanswer',
    '- a\n- b',
  ])('leaves %j as it is', (text) => {
    expect(tidy(text)).toBe(text);
  });

  it('is done after once, and never throws', () => {
    const messy = fc
      .array(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.constantFrom('"', "'", '“', '”', ' ', '\n', '[//]: # (nip18)\n', '\u200d', '\ud83d', '\ude00', '«', '»'),
        ),
      )
      .map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(messy, (text) => {
        const once = tidy(text);
        expect(tidy(once)).toBe(once);
      }),
    );
  });
});
