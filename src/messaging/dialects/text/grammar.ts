import type { ArgumentParser } from './arguments.ts';

/**
 * A command in words. The grammar knows none by itself: products and commands register theirs. Several may share a
 * word; the first whose arguments parse is meant.
 */
export interface Word<Args = unknown, Name extends string = string> {
  /** One word, lower case, letters only. */
  readonly word: Name;
  /** How it is written, in one line: `cancel <id>`. */
  readonly usage: string;
  /** Arguments from what follows the word (no blank space around it, possibly empty), or null: then it is no command. */
  parse(rest: string): Args | null;
  /** It cannot be undone: with a question mark ("forget?") it is answered with its usage. */
  readonly careful?: boolean;
  /** Whether what follows is surely meant for this word, though it does not parse (a token that was cut): told its usage, never sold. */
  readonly isMeant?: (rest: string) => boolean;
}

/** What was read, typed by its word: `switch (parsed.word)` narrows `parsed.args`. */
export type ParsedWord<W extends Word> =
  W extends Word<infer Args, infer Name> ? { readonly word: Name; readonly args: Args } : never;

/** A `Word` whose name keeps its literal type. */
export function word<Args, Name extends string>(
  name: Name,
  usage: string,
  parse: ArgumentParser<Args>,
  options: Pick<Word, 'careful' | 'isMeant'> = {},
): Word<Args, Name> {
  return { word: name, usage, parse, ...options };
}

/**
 * The command that a tidied text is, or null. It is one only if its first word is a registered word, in any case and
 * width and with or without `/` or `!`, and all the rest parses as that word's arguments. The rest is tried as it
 * stands first, so free text stays intact; then without trailing punctuation; then without a trailing "please".
 */
export function parseWords<W extends Word>(text: string, words: readonly W[]): ParsedWord<W> | null {
  const read = readWords(text, words);
  return read?.type === 'command' ? read.command : null;
}

/**
 * The word whose usage should be told: `text` is a command word alone that needs arguments, or with a broken one, or asks about a careful
 * one. Nobody means to buy "cancel" as a request. Null for everything else, and for complete commands.
 */
export function usageAsked<W extends Word>(text: string, words: readonly W[]): W | null {
  const read = readWords(text, words);
  return read?.type === 'usage' ? read.word : null;
}

type Reading<W extends Word> = { type: 'command'; command: ParsedWord<W> } | { type: 'usage'; word: W } | null;

function readWords<W extends Word>(text: string, words: readonly W[]): Reading<W> {
  const head = readHead(text);
  if (!head) return null;
  const named = words.filter((candidate) => candidate.word === head.word);
  for (const candidate of named) {
    for (const { rest, asks } of readingsOf(head.rest)) {
      const args = candidate.parse(rest);
      if (args === null) continue;
      if (candidate.careful === true && (asks || head.asks)) return { type: 'usage', word: candidate };
      return { type: 'command', command: { word: candidate.word, args } as unknown as ParsedWord<W> };
    }
  }
  const [first] = named;
  const isUsage = ({ rest }: { rest: string }): boolean => rest === '' || first?.isMeant?.(rest) === true;
  return first && readingsOf(head.rest).some(isUsage) ? { type: 'usage', word: first } : null;
}

const COURTEOUS = "please|pls|plz|thanks|thank you|thx|ty|now|bitte|por favor|s'il vous plaît|svp";
const COURTESY = new RegExp(`(?:^|[\\s,]+)(?:${COURTEOUS})$`, 'iu');
const HEAD = new RegExp(
  String.raw`^[/!／！]?(\p{L}{1,32})(?:(\p{P}*)|(?:\s*[:：]\s*|\s+|,\s+(?=(?:${COURTEOUS})\P{L}*$))(\S[\s\S]*))$`,
  'iu',
);

/** First word and rest. Between them stands blank space or a colon; other punctuation only where nothing follows but a "please". */
function readHead(text: string): { word: string; rest: string; asks: boolean } | null {
  const match = HEAD.exec(text);
  if (!match) return null;
  const [, name = '', tail = '', rest = ''] = match;
  return { word: name.normalize('NFKC').toLowerCase(), rest, asks: isQuestion(tail) };
}

/** The ways to read what follows a command word, the most literal first. */
function readingsOf(rest: string): { rest: string; asks: boolean }[] {
  // Commands with arguments of a fixed form are short; a long text is tried as it stands only.
  if (rest.length > 5000) return [{ rest, asks: false }];
  const plain = /^[\s\S]*[\p{L}\p{N}]/u.exec(rest)?.[0] ?? '';
  const asks = isQuestion(rest.slice(plain.length));
  return [
    { rest, asks: false },
    { rest: plain, asks },
    { rest: plain.replace(COURTESY, ''), asks },
  ];
}

function isQuestion(punctuation: string): boolean {
  return /[?？؟]/.test(punctuation);
}
