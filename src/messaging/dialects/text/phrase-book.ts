import { FILLERS, SMALL_TALK, type PhraseKind } from './small-talk.ts';

/**
 * What a text says that consists of small talk alone; null when a single word of it is anything else. `quiet`: it has
 * no letter or digit (`emoji` tells whether it has an emoji). Where phrases are mixed, "hi, how much?", the most
 * telling one counts: paid, about, status, test, greeting, thanks.
 */
export function readSmallTalk(text: string): PhraseKind | 'emoji' | 'quiet' | null {
  const plain = text.replace(EMOTICON, ' ').replace(EMOJI, ' ');
  if (!/[\p{L}\p{N}]/u.test(plain)) return plain === text ? 'quiet' : 'emoji';
  // The longest mix of phrases that anybody types is far below this; longer texts need no reading.
  if (plain.length > 400) return null;
  for (const spelling of [plain, plain.replace(DRAWN_OUT, '$1'), plain.replace(DRAWN_OUT, '$1$1')]) {
    const kind = covered(tokens(spelling));
    if (kind !== null) return kind === 'filler' ? 'greeting' : kind;
  }
  return null;
}

/** One phrase as the book keeps it: lower case, no accents, apostrophes or punctuation, one space between tokens. */
export function foldPhrase(phrase: string): string {
  return tokens(phrase).join(' ');
}

/** `hiiii`, `thankssss`. */
const DRAWN_OUT = /(\p{L})\1{2,}/gu;
const LAUGHTER = /^(?:(?:[hj][aei]){2,}h?|a(?:ha){2,}h?|k{2,}|(?:rs){2,}|а?(?:ха){2,}|w{2,}|ه{3,})$/u;
/** `:)`, `;-P`, `xD`, `<3`, `^^`. */
const EMOTICON = /(?<!\S)(?:[:;=8xX]['-]?[()DPpOo3|\\/*]+|<3+|\^_?\^)(?!\S)/g;
/** Emoji, flags, keycaps (whose digit is no digit) and NIP-30 shortcodes. */
const EMOJI =
  /[\p{Extended_Pictographic}\p{Regional_Indicator}\p{Emoji_Modifier}\ufe0f\u200d]|[\d#*]\ufe0f?\u20e3|:(?=[\w+-]*[a-z])[\w+-]{1,40}:/giu;

/** Words; and each character by itself where a script puts no spaces between them. */
const TOKEN =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}ー]|(?:(?![\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}ー])[\p{L}\p{M}\p{N}])+/gu;

function tokens(text: string): string[] {
  const folded = text
    .normalize('NFKD')
    .toLowerCase()
    // Latin and Cyrillic accents, Arabic vowels and hamzas, tatweel: written or not, the same word.
    .replace(/[\u0300-\u036f\u064b-\u065f\u0640]/g, '')
    .replace(/ß/g, 'ss')
    .replace(/['’‘`´]/g, '')
    .normalize('NFC');
  return (folded.match(TOKEN) ?? []).map((token) => (LAUGHTER.test(token) ? 'haha' : token));
}

const RANK = { filler: 0, thanks: 1, greeting: 2, test: 3, status: 4, about: 5, paid: 6 } as const;
type Kind = keyof typeof RANK;

const BOOK: ReadonlyMap<string, Kind> = buildBook();
const LONGEST = Math.max(...[...BOOK.keys()].map((phrase) => phrase.split(' ').length));

function buildBook(): Map<string, Kind> {
  const book = new Map<string, Kind>();
  const add = (kind: Kind, phrases: string): void => {
    for (const phrase of phrases.split(',')) book.set(foldPhrase(phrase), kind);
  };
  add('filler', FILLERS);
  for (const phrases of Object.values(SMALL_TALK)) {
    for (const kind of ['thanks', 'greeting', 'test', 'status', 'about', 'paid'] as const) add(kind, phrases[kind]);
  }
  return book;
}

/** The most telling kind among the fewest phrases that make up all of `words` ("well done" is one, not two), or null. */
function covered(words: readonly string[]): Kind | null {
  type Cover = { readonly phrases: number; readonly kind: Kind };
  const upTo: (Cover | null)[] = [{ phrases: 0, kind: 'filler' }];
  for (let end = 1; end <= words.length; end++) {
    let best: Cover | null = null;
    for (let start = Math.max(0, end - LONGEST); start < end; start++) {
      const before = upTo[start];
      const kind = before ? BOOK.get(words.slice(start, end).join(' ')) : undefined;
      if (!before || kind === undefined) continue;
      const cover = { phrases: before.phrases + 1, kind: RANK[kind] > RANK[before.kind] ? kind : before.kind };
      const better =
        best === null ||
        cover.phrases < best.phrases ||
        (cover.phrases === best.phrases && RANK[cover.kind] > RANK[best.kind]);
      if (better) best = cover;
    }
    upTo.push(best);
  }
  return words.length === 0 ? null : (upTo[words.length]?.kind ?? null);
}
