/**
 * Text of strangers and of models, made safe to show in a chat: no control characters but line feed and tab, no
 * characters that reorder or hide text (bidi controls, zero-width and tag characters), no broken surrogates.
 * Joiners stay, because emoji and several scripts need them. Line ends become `\n`.
 */
export function cleanText(text: string): string {
  return text
    .replace(/\p{Surrogate}/gu, '\uFFFD') // first: two halves must not meet when what stood between them goes
    .replace(/\r\n?|\u0085|\u2028|\u2029/g, '\n')
    .replace(HIDDEN, '');
}

/** The same on one line, spaces folded, at most `maxCharacters` code points (the last an ellipsis where it was cut). */
export function cleanLine(text: string, maxCharacters: number): string {
  const line = [...cleanText(text).replace(/\s+/g, ' ').trim()];
  return line.length <= maxCharacters
    ? line.join('')
    : `${line
        .slice(0, maxCharacters - 1)
        .join('')
        .trimEnd()}…`;
}

/**
 * C0 and C1 controls except `\t` and `\n`; soft hyphen; Arabic letter mark; zero-width space; bidi marks, embeddings,
 * overrides and isolates; word joiner and invisible operators; BOM; interlinear annotation; tag characters.
 */
const HIDDEN =
  // eslint-disable-next-line no-control-regex -- removing control characters is the purpose
  /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u00AD\u061C\u180E\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]|[\u{E0000}-\u{E007F}]/gu;
