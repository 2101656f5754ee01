import { customer } from '../../customers/index.ts';
import type { Reader, Tx } from '../../db/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { sats } from '../../lib/units.ts';
import { awaitedExpiryOf, openInvoiceOf, type InvoiceRow } from '../../payments/index.ts';
import { showUsd } from '../../pricing/index.ts';
import { owedSentence } from '../_shared/owed-words.ts';
import { boundsOf } from './config.ts';
import { topupFor } from './machine.ts';
import { buys, pays, questionNow, type NeedOptions } from './need.ts';
import { balanceOf, loadRequest } from './request-store.ts';
import type { Session, SessionNotice } from './states.ts';

export interface SessionTextOptions extends NeedOptions {
  readonly now: () => number;
}

/** The sentences of a session: plain, short, true about the money, and saying what to send next. */
export function sessionWords(
  options: SessionTextOptions,
  tx: Tx,
  session: Session,
  notice: SessionNotice,
): readonly string[] {
  const { settings, now } = options;
  const { id } = session;
  const owed = (amountSats: number): string =>
    owedSentence(tx, session.owner, sats(amountSats), settings.REFUND_ASK_MIN_SATS);
  switch (notice.type) {
    case 'price':
      return [priceText(options, tx, session)];
    case 'invoice': {
      const invoice = openInvoiceOf(tx, id);
      if (invoice?.bolt11 == null) return [];
      const again = `${id}: ${invoice.amountSats} sats, good for another ${minutesLeft(invoice, now())} minutes. Invoice follows.`;
      return notice.again ? [again, alone(tx, session, invoice.bolt11)] : [alone(tx, session, invoice.bolt11)];
    }
    case 'topup':
      return withInvoice(tx, session, (invoice) => topupText(tx, session, notice.forRequest, invoice, now()), null);
    case 'paused':
      return withInvoice(
        tx,
        session,
        (invoice) => `${pausedText(tx, session)} ${invoice.amountSats} sats more open it again. Invoice follows.`,
        `${pausedText(tx, session)} Send topup ${session.wantedSats} to go on, or close: what is left is yours.`,
      );
    case 'open':
      return [openText(options, tx, session, notice)];
    case 'ended':
      return [`The time of ${id} is over. ${notice.owedSats > 0 ? owed(notice.owedSats) : 'Nothing was left of it.'}`];
    case 'closed': {
      if (notice.heldSats > 0)
        return [`${id} is closed. What is being answered still comes and is paid from it; the rest is yours then.`];
      return [`${id} is closed. ${notice.owedSats > 0 ? owed(notice.owedSats) : 'Nothing was left of it.'}`];
    }
    case 'rest':
      return [`${id} is settled. ${owed(notice.owedSats)}`];
    case 'cancelled':
      return [
        `${id} is cancelled. Please do not pay its invoice any more; if you already did, it opens and is yours to use or close.`,
      ];
    case 'extended':
      return [`${id} stays open ${hours(notice.seconds)} longer${notice.wasAway ? ': so long I was away' : ''}.`];
    case 'late_money':
      return [
        `${notice.amountSats} sats came for ${id}, which is over while another is open. ${owed(notice.amountSats)}`,
      ];
    case 'surplus':
      return [`${notice.amountSats} sats more came for ${id} than I asked for. ${owed(notice.amountSats)}`];
    case 'unavailable':
      return [`${id}: no invoice could be made just now, and nothing was charged. Please ask again in a few minutes.`];
    default:
      return assertNever(notice);
  }
}

/** How a session stands, in one line. */
export function sessionStatusLine(options: SessionTextOptions, reader: Reader, session: Session): string {
  const { id } = session;
  switch (session.state) {
    case 'awaiting_payment': {
      const invoice = openInvoiceOf(reader, id);
      return invoice === undefined
        ? `${id}: its invoice is being made.`
        : `${id}: waits for ${invoice.amountSats} sats, ${minutesLeft(invoice, options.now())} minutes left. invoice ${id} shows it again.`;
    }
    case 'active':
    case 'paused':
      return balanceText(options, reader, session);
    case 'expired':
      return session.depositedSats > 0
        ? `${id}: its time is over. session opens another.`
        : `${id}: its invoice ran out unpaid. session opens another.`;
    case 'closed':
      return `${id}: closed.`;
    default:
      return assertNever(session.state);
  }
}

/** "S-4KQ7M: 372 sats, about 2 questions at 129 sats. It ends in 23 hours if nothing is asked." */
export function balanceText(options: SessionTextOptions, reader: Reader, session: Session): string {
  const { freeSats, heldSats } = balanceOf(reader, session.id);
  const question = questionNow(options, reader).sats;
  const busy = heldSats > 0 ? `, ${heldSats} of them set aside for what is being answered` : '';
  const least = options.settings.SESSION_MIN_BALANCE_SATS;
  const isPaused = session.state === 'paused' || freeSats + heldSats < least;
  const paused = isPaused ? ` It is paused: ${least} sats are the least.` : '';
  const ends =
    session.expiresAt === null ? '' : ` It ends in ${hours(session.expiresAt - options.now())} if nothing is asked.`;
  return `${session.id}: ${freeSats + heldSats} sats${busy}, ${pays(freeSats + heldSats, question)}.${paused}${ends} topup ${topupFor(session, least - freeSats - heldSats, { bounds: boundsOf(options.settings) })} adds to it.`;
}

function priceText(options: SessionTextOptions, tx: Tx, session: Session): string {
  const { tariff, sats: question } = questionNow(options, tx);
  const seconds = awaitedExpiryOf(tx, session.id) ?? options.settings.INVOICE_EXPIRY_SECONDS;
  return (
    `${session.id}. ${session.wantedSats} sats (${showUsd(session.wantedSats, tariff)}): ${buys(session.wantedSats, question)}. ` +
    `Each answer is charged at what it cost; what is left at the end is yours. Invoice follows, good for ${minutes(seconds)}.`
  );
}

function topupText(tx: Tx, session: Session, forRequest: string | null, invoice: InvoiceRow, now: number): string {
  const good = `Invoice follows, good for ${minutesLeft(invoice, now)} minutes.`;
  const waiting = forRequest === null ? undefined : loadRequest(tx, forRequest);
  if (waiting?.state !== 'waiting') return `${invoice.amountSats} sats more for ${session.id}. ${good}`;
  const { freeSats } = balanceOf(tx, session.id);
  return `${freeSats} sats are left in ${session.id}, which does not pay this one. ${invoice.amountSats} more, and it is answered at once. ${good}`;
}

function pausedText(tx: Tx, session: Session): string {
  const { freeSats, heldSats } = balanceOf(tx, session.id);
  return `${session.id} is paused: ${freeSats + heldSats} sats left.`;
}

function openText(
  options: SessionTextOptions,
  tx: Tx,
  session: Session,
  { first, amountSats, fromOwed }: Extract<SessionNotice, { type: 'open' }>,
): string {
  const { freeSats, heldSats } = balanceOf(tx, session.id);
  const question = questionNow(options, tx).sats;
  const balance = `${freeSats + heldSats} sats, ${pays(freeSats + heldSats, question)}`;
  const paid = fromOwed ? `${amountSats} sats of what I kept for you are in ${session.id}` : 'Paid';
  if (!first) return `${paid}. ${session.id} has ${balance}.`;
  const lasts = hours(Number(options.settings.SESSION_EXPIRY_HOURS) * 3600);
  return `${paid}. ${session.id} is open: ${balance}. Just write. It ends ${lasts} after the last answer; what is left is yours.`;
}

function withInvoice(
  tx: Tx,
  session: Session,
  text: (invoice: InvoiceRow) => string,
  without: string | null,
): string[] {
  const invoice = openInvoiceOf(tx, session.id);
  if (invoice?.bolt11 == null) return without === null ? [] : [without];
  return [text(invoice), alone(tx, session, invoice.bolt11)];
}

/** Alone in its message, so that every client shows its pay button. */
function alone(tx: Tx, session: Session, bolt11: string): string {
  return customer(tx, session.owner).uriForm ? `lightning:${bolt11}` : bolt11;
}

function minutesLeft(invoice: InvoiceRow, now: number): number {
  return Math.max(1, Math.floor(((invoice.expiresAt ?? now) - now) / 60));
}

function minutes(seconds: number): string {
  return seconds < 120 ? `${seconds} seconds` : `${Math.floor(seconds / 60)} minutes`;
}

function hours(seconds: number): string {
  if (seconds < 120) return `${Math.max(1, Math.round(seconds))} seconds`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} minutes`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} hours` : `${Math.floor(seconds / 86_400)} days`;
}
