import { describe, expect, it } from 'vitest';
import { foldPhrase, readSmallTalk } from './phrase-book.ts';
import { FILLERS, SMALL_TALK, type PhraseKind } from './small-talk.ts';

const KINDS: readonly PhraseKind[] = ['greeting', 'thanks', 'test', 'about', 'status', 'paid'];
const rows = Object.entries(SMALL_TALK).flatMap(([language, phrases]) =>
  KINDS.flatMap((kind) => phrases[kind].split(',').map((phrase) => ({ language, kind, phrase: phrase.trim() }))),
);

describe('the lists', () => {
  it('are in ten languages, each with every kind', () => {
    expect(Object.keys(SMALL_TALK)).toHaveLength(10);
    for (const phrases of Object.values(SMALL_TALK)) expect(Object.keys(phrases).sort()).toEqual([...KINDS].sort());
  });

  it('hold no empty phrase', () => {
    expect(rows.filter(({ phrase }) => foldPhrase(phrase) === '')).toEqual([]);
  });

  it('never mean two things, in one language or between two', () => {
    const meanings = new Map<string, Set<string>>();
    const add = (phrase: string, kind: string): void => {
      const folded = foldPhrase(phrase);
      meanings.set(folded, (meanings.get(folded) ?? new Set()).add(kind));
    };
    for (const { phrase, kind } of rows) add(phrase, kind);
    for (const filler of FILLERS.split(',')) add(filler, 'filler');
    const torn = [...meanings]
      .filter(([, kinds]) => kinds.size > 1)
      .map(([phrase, kinds]) => `${phrase}: ${[...kinds].join(', ')}`);
    expect(torn).toEqual([]);
  });

  it('repeat no phrase within a language', () => {
    const seen = new Set<string>();
    const doubled = rows.filter(({ language, phrase }) => {
      const key = `${language} ${foldPhrase(phrase)}`;
      return seen.has(key) || !seen.add(key);
    });
    expect(doubled.map(({ language, phrase }) => `${language}: ${phrase}`)).toEqual([]);
  });

  it('are understood as what they say, in capitals and with a mark behind them too', () => {
    const missed = rows.filter(
      ({ phrase, kind }) =>
        ![phrase, `${phrase.toUpperCase()}!!`, ` ${phrase}? 🙏`].every((text) => readSmallTalk(text) === kind),
    );
    expect(missed).toEqual([]);
  });
});

describe('readSmallTalk', () => {
  it('keeps phrases apart from words that contain them', () => {
    for (const text of ['history', 'okapi', 'testament', 'priceless', 'paidagogos', 'waiter', 'hihat']) {
      expect(readSmallTalk(text)).toBeNull();
    }
  });

  it('reads a long run of talk in time', () => {
    expect(readSmallTalk('hi '.repeat(133))).toBe('greeting');
    expect(readSmallTalk(`${'hi '.repeat(20_000)}x`)).toBeNull();
  });
});
