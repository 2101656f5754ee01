import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  anyOf,
  destination,
  freeText,
  hex32,
  nothing,
  one,
  onOff,
  optional,
  shortId,
  wholeNumber,
} from './arguments.ts';
import { parseWords, usageAsked, word } from './grammar.ts';

const words = [
  word('job', 'job <text>', freeText),
  word('close', 'close', nothing, { careful: true }),
  word('session', 'session [sats]', optional('amount', wholeNumber)),
  word('receipt', 'receipt <id>', one('id', shortId)),
] as const;

describe('parseWords', () => {
  it('types arguments by their word', () => {
    const parsed = parseWords('session 500', words);
    if (parsed?.word !== 'session') throw new Error('not read as session');
    expectTypeOf(parsed.args.amount).toEqualTypeOf<number | null>();
    expect(parsed.args.amount).toBe(500);
  });

  it.each([
    'close',
    'CLOSE',
    '/close',
    '!close',
    'Close.',
    'close!',
    'close !',
    'close please',
    'close, please',
    'ｃｌｏｓｅ',
    'close 🙏',
  ])('takes %j for close', (text) => {
    expect(parseWords(text, words)).toEqual({ word: 'close', args: {} });
  });

  it.each([
    'close the door',
    'closed',
    'close-up photo tips',
    'please close',
    '// close',
    'close: the door',
    'close\nthe door',
    '',
    '!',
    '/',
  ])('takes %j for no command', (text) => {
    expect(parseWords(text, words)).toBeNull();
  });

  it('keeps free text as it was written', () => {
    const text = 'write a poem,\n\n  please!';
    for (const head of ['job ', 'job: ', 'job:', 'JOB\n', '/job  ']) {
      expect(parseWords(head + text, words)).toEqual({ word: 'job', args: { text } });
    }
  });

  it('does not take the comma of a sentence for the end of a command word', () => {
    expect(parseWords('Job, the biblical one, who was he?', words)).toBeNull();
  });

  it('tries all that share a word', () => {
    const shared = [word('new', 'new', nothing), word('new', 'new <id>', one('id', shortId))];
    expect(parseWords('new', shared)).toEqual({ word: 'new', args: {} });
    expect(parseWords('new J-4KQ7M', shared)).toEqual({ word: 'new', args: { id: 'J-4KQ7M' } });
  });

  it('takes a word with a nasty tail in time', () => {
    expect(parseWords(`close ${'.'.repeat(60_000)}a`, words)).toBeNull();
    expect(parseWords(`close${' '.repeat(60_000)}a`, words)).toBeNull();
  });
});

describe('usageAsked', () => {
  it.each([
    ['receipt', 'receipt'],
    ['Receipt?', 'receipt'],
    ['job.', 'job'],
    ['receipt please', 'receipt'],
    ['close?', 'close'],
    ['close please?', 'close'],
    ['close', undefined],
    ['receipt J-4KQ7M', undefined],
    ['receipt template', undefined],
    ['close what?', undefined],
  ])('%j → %j', (text, expected) => {
    expect(usageAsked(text, words)?.word).toBe(expected);
  });
});

describe('arguments', () => {
  it.each([
    ['J-4KQ7M', 'J-4KQ7M'],
    ['j-4kq7m', 'J-4KQ7M'],
    ['j4kq7m', 'J-4KQ7M'],
    ['J–4KQ7M', 'J-4KQ7M'],
    ['J-ABCDE', 'J-ABCDE'],
    ['report', null],
    ['please', null],
    ['quo', null],
    ['J-4KQ7MM', null],
    ['', null],
  ])('shortId %j → %j', (token, id) => {
    expect(shortId(token)).toBe(id);
  });

  it.each([
    ['500', 500],
    ['0', 0],
    ['1,000', 1000],
    ['1.000', 1000],
    ['10 000', 10_000],
    ['1,000,000', 1_000_000],
    ['500 sats', 500],
    ['500sat', 500],
    ['<500>', 500],
    ['1.5', null],
    ['1,00', null],
    ['-5', null],
    ['5 ideas', null],
    ['1e3', null],
    ['9999999999999', null],
    ['five', null],
    ['', null],
  ])('wholeNumber %j → %j', (rest, amount) => {
    expect(wholeNumber(rest)?.amount ?? null).toBe(amount);
  });

  it('onOff takes two words in any case', () => {
    expect(onOff('on')).toEqual({ on: true });
    expect(onOff('OFF')).toEqual({ on: false });
    expect(onOff('on running')).toBeNull();
  });

  it('anyOf takes each once, in any order', () => {
    const refund = anyOf({ id: shortId, destination });
    const to = { kind: 'address', value: 'bob@getalby.com' };
    expect(refund('')).toEqual({ id: null, destination: null });
    expect(refund('j 4kq7m')).toEqual({ id: 'J-4KQ7M', destination: null });
    expect(refund('J-4KQ7M to bob@getalby.com')).toEqual({ id: 'J-4KQ7M', destination: to });
    expect(refund('Bob@GetAlby.com J-4KQ7M')).toEqual({ id: 'J-4KQ7M', destination: to });
    expect(refund('<J-4KQ7M> "bob@getalby.com"')).toEqual({ id: 'J-4KQ7M', destination: to });
    expect(refund('J-4KQ7M J-4KQ7N')).toBeNull();
    expect(refund('policy of Amazon')).toBeNull();
  });

  it('hex32 takes 64 hex characters', () => {
    expect(hex32('AB'.repeat(32))).toBe('ab'.repeat(32));
    expect(hex32('ab'.repeat(31))).toBeNull();
  });
});
