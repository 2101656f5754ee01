import { parseDestination, type TypedDestination } from './destination.ts';
import { parseWords, usageAsked, type ParsedWord, type Word } from './grammar.ts';
import { hasSecretKey, isMediaOnly } from './links.ts';
import { readSmallTalk } from './phrase-book.ts';
import { shortId } from './arguments.ts';
import { tidy } from './tidy.ts';

/** What a message in words means. Nothing here knows prices, orders or states: the caller decides what to answer. */
export type Understood<W extends Word = Word> =
  | ({ readonly type: 'command' } & ParsedWord<W>)
  /**
   * A command word alone that needs arguments ("cancel"), or a question about a careful one ("forget?"): tell `usage`. With
   * `text`: a few words about money that are no command; say how to order them all the same.
   */
  | { readonly type: 'usage'; readonly word: string; readonly usage: string; readonly text?: string }
  /** To be sold. `text` is tidied, otherwise as written. */
  | { readonly type: 'request'; readonly text: string }
  /** Never sold. `nudge`: asks about an order ("how long", "paid") while nothing is open. */
  | { readonly type: 'smallTalk'; readonly kind: 'greeting' | 'thanks' | 'test' | 'empty' | 'emoji' | 'nudge' }
  /** Asks about Timmy itself: short help with today's price. */
  | { readonly type: 'about' }
  /** `id`: the message is a short id and nothing else (said whether or not something is open). */
  | { readonly type: 'statusAsk'; readonly id: string | null }
  | { readonly type: 'paidAsk' }
  /** A bare invoice, Lightning address or LNURL: the refund that is due, or an invoice of ours sent back. */
  | { readonly type: 'destination'; readonly destination: TypedDestination }
  | { readonly type: 'mediaOnly' }
  /** The customer pasted a secret key: say so, and store nothing of it. */
  | { readonly type: 'secretKey' };

export interface Understanding<W extends Word> {
  readonly words: readonly W[];
  /** Whether something of the customer's is open, or owed to them: then "?" means `status`, and "sent" means `paid`. */
  readonly hasOpenThings: boolean;
}

/** Reads one message in words (docs/words.md). Pure; never throws; linear in the length of `text`. */
export function understandText<W extends Word>(
  text: string,
  { words, hasOpenThings }: Understanding<W>,
): Understood<W> {
  const tidied = tidy(text);
  if (hasSecretKey(tidied)) return { type: 'secretKey' };
  if (tidied === '') return { type: 'smallTalk', kind: 'empty' };

  const destination = parseDestination(tidied);
  if (destination) return { type: 'destination', destination };
  if (isMediaOnly(tidied)) return { type: 'mediaOnly' };

  const command = parseWords(tidied, words);
  if (command) return { type: 'command', ...command };
  const asked = usageAsked(tidied, words);
  if (asked) return { type: 'usage', word: asked.word, usage: asked.usage };
  const token = isBareHex(tidied) ? words.find(({ word }) => word === 'use') : undefined;
  if (token !== undefined) return { type: 'usage', word: token.word, usage: BARE_HEX };
  const id = bareId(tidied);
  if (id !== null) return { type: 'statusAsk', id };
  const meant = hasOpenThings ? aboutMoney(tidied, words) : null;
  if (meant !== null) return { type: 'usage', word: meant.word, usage: meant.usage, text: tidied };

  return readTalk<W>(tidied, hasOpenThings) ?? { type: 'request', text: tidied };
}

/** Words that are about somebody's money, and the command that is meant by them. */
const MONEY_WORDS: Readonly<Record<string, string>> = {
  refund: 'refund',
  refunds: 'refunds',
  cancel: 'cancel',
  stop: 'cancel',
  paid: 'paid',
  receipt: 'receipt',
  invoice: 'invoice',
  balance: 'balance',
  status: 'status',
  forget: 'forget',
  close: 'close',
  topup: 'topup',
  token: 'token',
};

/** Where something is open or owed, a few words that begin like a command about money are never sold. */
function aboutMoney<W extends Word>(text: string, words: readonly W[]): W | null {
  const written = text.trim().split(/\s+/);
  if (written.length > 5) return null;
  const first = (written[0] ?? '')
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}]/gu, '');
  const meant = Object.hasOwn(MONEY_WORDS, first) ? MONEY_WORDS[first] : undefined;
  return words.find(({ word: name }) => name === meant) ?? null;
}

function readTalk<W extends Word>(text: string, hasOpenThings: boolean): Understood<W> | null {
  const talk = readSmallTalk(text);
  switch (talk) {
    case null:
      return null;
    case 'about':
      return { type: 'about' };
    case 'status':
      return hasOpenThings ? { type: 'statusAsk', id: null } : { type: 'smallTalk', kind: 'nudge' };
    case 'paid':
      return hasOpenThings ? { type: 'paidAsk' } : { type: 'smallTalk', kind: 'nudge' };
    case 'quiet':
    case 'emoji':
      if (hasOpenThings && /[?？؟❓❔]/u.test(text)) return { type: 'statusAsk', id: null };
      return { type: 'smallTalk', kind: talk === 'emoji' ? 'emoji' : 'empty' };
    default:
      return { type: 'smallTalk', kind: talk };
  }
}

/** A token, hash or preimage without the word that says what it is: a secret perhaps, and nothing to ask a model. */
function isBareHex(text: string): boolean {
  return /[a-f]/i.test(text) && /^[0-9a-f]{32,128}$/i.test(text.replace(/\s+/g, ''));
}

const BARE_HEX = 'use <token> for the token of a session, paid <preimage> for a payment';

/** A short id with its dash and nothing else. Without a digit it must be in capitals: "x-files" names no order. */
function bareId(text: string): string | null {
  const typed = text.replace(/[.?!]{1,4}$/, '');
  return /^\p{L}[-–—](?=[A-Z\d]{5}$|.*\d)/u.test(typed) ? shortId(typed) : null;
}
