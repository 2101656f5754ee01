/** Room that `splitMessage` keeps for the number: the longest is "(999999/999999) ". */
const NUMBER_BYTES = 16;
const MIN_BYTES = 64;

/**
 * Cuts `text` into pieces of at most `maxBytes` UTF-8 bytes whose plain concatenation is `text` again (for
 * programs: `job.part`). Cuts fall at the end of a paragraph, else of a line or sentence, else of a word, else
 * between graphemes, and inside a grapheme only where that alone is longer than a piece. Never inside a surrogate pair.
 * @throws RangeError when `maxBytes` < 4.
 */
export function splitExact(text: string, maxBytes: number): string[] {
  if (!(maxBytes >= 4)) throw new RangeError('splitExact: too few bytes for one code point');
  const pieces: string[] = [];
  let start = 0;
  while (start < text.length) {
    const end = fittingEnd(text, start, maxBytes);
    const cut = end === text.length ? end : start + cutWithin(text.slice(start, end), text.slice(end, end + 64));
    pieces.push(text.slice(start, cut));
    start = cut;
  }
  return pieces;
}

/**
 * The same for people: one part when `text` fits, else parts without the blank space at their borders, each short
 * enough for `numberParts` to put its number before it within `maxBytes`. Loses nothing but white space.
 * @throws RangeError when `maxBytes` < 64.
 */
export function splitMessage(text: string, maxBytes = 6000): string[] {
  if (!(maxBytes >= MIN_BYTES)) throw new RangeError('splitMessage: too few bytes for a numbered part');
  if (Buffer.byteLength(text) <= maxBytes) return [text];
  return splitExact(text, maxBytes - NUMBER_BYTES)
    .map((piece, index, pieces) => {
      // At the start of a line, blank space is indentation; anywhere else it is only what stood at the cut.
      const atLineStart = index === 0 || pieces[index - 1]?.endsWith('\n');
      return (atLineStart ? piece.replace(/^\s*\n/, '') : piece.trimStart()).trimEnd();
    })
    .filter((piece) => piece !== '');
}

/** "(2/5) …" before each part; a single part stays as it is. */
export function numberParts(parts: readonly string[]): string[] {
  if (parts.length < 2) return [...parts];
  return parts.map((part, index) => `(${index + 1}/${parts.length}) ${part}`);
}

/** The farthest index to which `text` fits from `start` in `maxBytes`, at a code-point border. */
function fittingEnd(text: string, start: number, maxBytes: number): number {
  let bytes = 0;
  let index = start;
  while (index < text.length) {
    const code = text.codePointAt(index) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > maxBytes) break;
    index += code < 0x10000 ? 1 : 2;
  }
  return index;
}

/** What ends a paragraph, a line, a sentence (space after it, except in Chinese and Japanese). Best first. */
const BORDERS: readonly RegExp[] = [/\n[^\S\n]*\n/g, /\n/g, /[.!?…؟।]["'”’»)\]]{0,3}\s|[。！？][」』”）]{0,3}/g];

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * Where to cut `window`, which is followed by `next`: an index in 1 … window.length. A border that would leave
 * more than half of the window empty is passed over for a finer one, a word border one that would leave three quarters.
 */
function cutWithin(window: string, next: string): number {
  for (const border of BORDERS) {
    let cut = 0;
    for (const match of window.matchAll(border)) cut = match.index + match[0].length;
    if (cut > window.length / 2) return cut;
  }
  if (/^\s/.test(next)) return window.length;
  const words = /^[\s\S]*\s/.exec(window)?.[0].length ?? 0;
  if (words > window.length / 4) return words;
  const graphemes = GRAPHEMES.segment(window + next).containing(window.length)?.index ?? window.length;
  return graphemes > 0 ? graphemes : window.length;
}
