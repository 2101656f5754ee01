import { cleanText } from '../lib/clean-text.ts';
import { encodeNpub } from '../nostr/keys.ts';
import type { ReceivedDm } from './customer/customer.ts';
import { invoiceIn, invoiceQr } from './qr.ts';

export interface ShownInvoice {
  readonly bolt11: string;
  /** QR code (where there is room) and text. */
  readonly shown: string;
}

export interface Conversation {
  receive(message: ReceivedDm): void;
  lastInvoice(): ShownInvoice | undefined;
}

export interface ConversationOptions {
  /** Whose messages need no name in front, hex. */
  readonly recipient: string;
  /** Width of the terminal; 0 where there is none, and then no QR codes. */
  readonly columns: () => number;
  /** Takes each message in words and as data. */
  readonly write: (words: string, value: unknown) => void;
}

/** Turns messages into what a person reads, and keeps the last invoice at hand. */
export function createConversation({ recipient, columns, write }: ConversationOptions): Conversation {
  let last: ShownInvoice | undefined;
  return {
    receive({ id, from, text, createdAt, replyTo, protocol }) {
      const bolt11 = invoiceIn(text);
      let words = cleanText(text);
      if (bolt11 !== null) {
        const qr = invoiceQr(bolt11, columns());
        words = qr === null ? bolt11 : `${qr}\n${bolt11}`;
        // A stranger's invoice is shown, and never what /pay pays.
        if (from === recipient) last = { bolt11, shown: words };
      }
      const name = from === recipient ? '' : `[${encodeNpub(from)}]\n`;
      const npub = encodeNpub(from);
      write(`${name}${words}`, { id, from, npub, text, created_at: createdAt, reply_to: replyTo, protocol });
    },
    lastInvoice: () => last,
  };
}

/** What the prompt is where no session is open. */
export const PROMPT = '> ';

/** The prompt after this message of Timmy's: the price of the last answer of a session and what is left of it. */
export function promptAfter(text: string, before: string): string {
  const answered = /(?:^|\s)(\d+) sats, (\d+) left\./.exec(text);
  if (answered !== null) return `${answered[1]} sats, ${answered[2]} left ${PROMPT}`;
  const opened = /\bS-\w{5} (?:is open:|has) (\d+) sats/.exec(text);
  if (opened !== null) return `${opened[1]} sats ${PROMPT}`;
  return /^(?:S-\w{5} is closed|The time of S-\w{5} is over)\./.test(text) ? PROMPT : before;
}
