import { cleanText } from '../../../lib/clean-text.ts';

/**
 * What clients add to a text and what nobody can see in it, taken away; the words themselves stay as they are.
 * Removed: the kind-4 comment line of Amethyst (`[//]: # (nip18)`), quotes around everything, blank space around
 * it, and all that `cleanText` takes. Joiners that shape a letter or an emoji stay. A tidied text stays as it is.
 */
export function tidy(text: string): string {
  let tidied = text;
  // A decoration may hide another one; each round takes at least one layer, and there are as many as kinds of quotes.
  for (;;) {
    const next = unquoted(withoutClientLine(visible(tidied)).trim()).trim();
    if (next === tidied) return tidied;
    tidied = next;
  }
}

/** `text` without the comment line that some clients put above kind-4 messages (be-BOP issue 2116). */
export function withoutClientLine(text: string): string {
  return text.replace(/^(?:\s*\[\/\/\]: *# *\(nip18\)[^\S\n]*(?:\n|$))+/i, '');
}

/** Hangul fillers count as letters and show nothing. */
const FILLER = /[\u115f\u1160\u3164\uffa0]/g;

/** Joiners (U+200C, U+200D) shape Persian, Indic letters and emoji; beside a blank or an ASCII character they only hide. */
const IDLE_JOINER = /(?<![^\p{ASCII}\s])[\u200c\u200d]+|[\u200c\u200d]+(?![^\p{ASCII}\s])/gu;

function visible(text: string): string {
  return cleanText(text).replace(FILLER, '').replace(IDLE_JOINER, '');
}

const QUOTES: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '`': '`',
  '“': '”',
  '„': '“',
  '”': '”',
  '‘': '’',
  '«': '»',
  '»': '«',
  '‹': '›',
  '「': '」',
  '『': '』',
};

/** The inside of quotes that enclose everything; `"yes" or "no"` is not enclosed. */
function unquoted(text: string): string {
  const close = QUOTES[text.charAt(0)];
  if (close === undefined || text.length < 2 || !text.endsWith(close)) return text;
  const inside = text.slice(1, -1);
  return inside.includes(text.charAt(0)) || inside.includes(close) ? text : inside;
}
