import type { Texts } from '../customers/index.ts';
import { statement, type Reader } from '../db/index.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { hasPaidLately } from './answer-gate.ts';
import type { InboundMessage } from './inbound.ts';

/** So many of the newest messages to, or from, one person are compared. */
const COMPARED = 30;
const SHORTEST = 12;
const HOUR = 3600;
/** The same request is answered so often in an hour to who has paid for nothing. */
const SAME_REQUEST = 3;

/** What our own kind says first: who it is, "J-4KQ7M. 10 sats", "J-4KQ7M: 10 sats", and to an invoice of another. */
const OWN_KIND =
  /^(I am .{1,60}, a machine that answers questions for sats\.|[A-Z]-[0-9A-Z]{5}[.:] \d+ sats |You asked that three times within the hour|Nothing is owed to you\.$)/;

/**
 * Does a machine write to us that is of our own kind, or an echo: what it says we said to it ourselves, but for numbers
 * and ids? It is not answered, or two Timmys would never end (threats.md: N12). Invoices, which people may send back, are
 * no such words.
 */
export function isOwnWords(reader: Reader, texts: Texts, sender: string, text: string): boolean {
  if (OWN_KIND.test(text)) return true;
  const said = masked(text);
  if (said.length < SHORTEST || /^(lightning:)?ln[a-z0-9]+$/i.test(text.trim())) return false;
  const ids = statement(
    reader,
    `SELECT text_id FROM outbox WHERE recipient = ? AND text_id IS NOT NULL ORDER BY created_at DESC, id DESC LIMIT ${COMPARED}`,
  );
  return (ids.pluck().all(sender) as number[]).some((id) => masked(texts.read(reader, id) ?? '') === said);
}

/**
 * Has somebody who paid for nothing made this same request three times within an hour? Then its price and its invoice
 * are with them: they are told so once, and then nothing. Commands are always answered.
 */
export function isSaidAgain(
  reader: Reader,
  texts: Texts,
  { id: inboxId, sender }: InboundMessage,
  text: string,
  now: UnixSeconds,
): boolean {
  if (hasPaidLately(reader, sender, now)) return false;
  const ids = statement(
    reader,
    `SELECT text_id FROM inbox WHERE sender = ? AND id < ? AND received_at > ? AND text_id IS NOT NULL
     ORDER BY id DESC LIMIT ${COMPARED}`,
  );
  const before = ids.pluck().all(sender, inboxId, now - HOUR) as number[];
  return before.filter((one) => texts.read(reader, one) === text).length >= SAME_REQUEST;
}

function masked(text: string): string {
  return text
    .replace(/\b[A-Z]-[0-9A-Z]{5}\b|\d+/g, '#')
    .replace(/\s+/g, ' ')
    .trim();
}
