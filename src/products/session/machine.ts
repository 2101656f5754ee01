import type { Decision, Effect, OrderEvent } from '../../engine/types.ts';
import { refuse, type Refusal } from '../../lib/errors.ts';
import { plusSeconds, sats, toMsats, type Sats, type UnixSeconds } from '../../lib/units.ts';
import type { RequestNews, Session, SessionCommand, SessionFacts, SessionNotice } from './states.ts';

export type SessionDecision = Decision<Session, SessionNotice>;
export type SessionEffect = Effect<SessionNotice>;

export interface NewSession {
  readonly id: string;
  readonly owner: string;
  readonly dialect: 'words' | 'rpc';
  readonly amountSats: Sats;
  /** Paid from what is owed to its owner. */
  readonly fromOwed: boolean;
  readonly expirySeconds: number;
  readonly replyTo: number;
}

export function openSession(wish: NewSession, now: UnixSeconds): SessionDecision {
  const { id, owner, dialect, amountSats, fromOwed, expirySeconds, replyTo } = wish;
  const order: Session = {
    id,
    seq: 1,
    state: 'awaiting_payment',
    owner,
    dialect,
    createdAt: now,
    updatedAt: now,
    tokenHash: null,
    wantedSats: amountSats,
    lastDepositSats: sats(0),
    depositedSats: sats(0),
    taken: [],
    countsFrom: null,
    termSeconds: 0,
    expiresAt: null,
    priceUntold: true,
    replacedUnasked: false,
  };
  const invoice: SessionEffect = {
    type: 'invoice',
    purpose: 'deposit',
    amountSats,
    expirySeconds,
    mayFail: true,
    reopens: false,
    replyTo,
    fromOwed,
  };
  return { order, effects: [invoice] };
}

/** The session's next state and what follows. Pure. */
export function decide(
  session: Session,
  event: OrderEvent<SessionCommand>,
  facts: SessionFacts,
): SessionDecision | Refusal {
  switch (event.type) {
    case 'command':
      return obey(session, event.command, event.replyTo, facts);
    case 'by_hand':
      return byHand(session, event.command as ByHand, facts);
    case 'invoice_ready':
      return ready(session, event.purpose, event.replyTo, facts);
    case 'invoice_failed':
      return failed(session, event.purpose, event.replyTo, facts);
    case 'invoice_dropped':
    case 'invoice_delayed':
    case 'activity_done':
    case 'activity_failed':
    case 'progress':
      return same(session, []);
    case 'invoice_paid':
      return paid(session, event, facts);
    case 'invoice_lapsed':
      return lapsed(session, event.purpose, facts);
    case 'surplus':
      return same(session, [{ type: 'notify', notice: { type: 'surplus', amountSats: event.amountSats } }]);
    case 'refund_changed':
      return change(session, facts, []);
    case 'news':
      return heard(session, event.news as RequestNews, facts);
    case 'timer':
      return event.name === 'expire' ? timeIsOver(session, facts) : same(session, []);
  }
}

export const isLive = ({ state }: Session): boolean => state === 'active' || state === 'paused';
export const isOpen = (session: Session): boolean => session.state === 'awaiting_payment' || isLive(session);

/** What the operator may do with a session (`timmy sessions`). */
export type ByHand = { readonly type: 'close' } | { readonly type: 'extend'; readonly seconds: number };

function byHand(session: Session, command: ByHand, facts: SessionFacts): SessionDecision {
  if (!isLive(session)) return same(session, []);
  if (command.type === 'close') return close(session, null, facts);
  const expiresAt = plusSeconds(facts.endsAt ?? facts.now, command.seconds);
  const order = { ...session, termSeconds: session.termSeconds + command.seconds, expiresAt };
  return change(order, facts, [
    { type: 'timer', name: 'expire', at: expiresAt },
    { type: 'notify', notice: { type: 'extended', seconds: command.seconds, wasAway: false } },
  ]);
}

function obey(
  session: Session,
  command: SessionCommand,
  replyTo: number,
  facts: SessionFacts,
): SessionDecision | Refusal {
  switch (command.type) {
    case 'look':
      return same(session, []);
    case 'token':
      if (!isLive(session)) return notNow(session, 'There is no open session that a token could be for.');
      return change({ ...session, tokenHash: command.hash }, facts, []);
    case 'cancel':
      return cancel(session, replyTo, facts);
    case 'close':
      if (session.state === 'awaiting_payment') return cancel(session, replyTo, facts);
      if (!isLive(session)) return notNow(session, `${session.id} is over already: nothing changed.`);
      return close(session, replyTo, facts);
    case 'invoice':
      return invoiceAgain(session, replyTo, facts);
    case 'topup': {
      if (!isLive(session))
        return notNow(session, `${session.id} is over. session ${command.amountSats} opens another.`);
      const forRequest = command.forRequest ?? null;
      const isThere = facts.invoice?.open === true && facts.invoice.amountSats === command.amountSats;
      if (isThere && facts.invoice.expiresAt - facts.now > facts.invoiceExpirySeconds / 10)
        return same(session, [{ type: 'notify', notice: { type: 'topup', forRequest }, replyTo }]);
      const order = { ...session, wantedSats: command.amountSats };
      return change(order, facts, [{ type: 'replace_invoices' }, topup(order, facts, replyTo)]);
    }
  }
}

function topup(session: Session, facts: SessionFacts, replyTo: number | null): SessionEffect {
  const { invoiceExpirySeconds: expirySeconds } = facts;
  const amountSats = session.wantedSats;
  return { type: 'invoice', purpose: 'topup', amountSats, expirySeconds, mayFail: true, reopens: false, replyTo };
}

function deposit(session: Session, facts: SessionFacts, replyTo: number | null, reopens: boolean): SessionEffect {
  const { invoiceExpirySeconds: expirySeconds } = facts;
  const amountSats = session.wantedSats;
  return { type: 'invoice', purpose: 'deposit', amountSats, expirySeconds, mayFail: true, reopens, replyTo };
}

function invoiceAgain(session: Session, replyTo: number, facts: SessionFacts): SessionDecision | Refusal {
  const { invoice } = facts;
  const isGood = invoice?.open === true && invoice.expiresAt - facts.now > facts.invoiceExpirySeconds / 10;
  if (isOpen(session) && isGood)
    return same(session, [{ type: 'notify', notice: { type: 'invoice', again: true }, replyTo }]);
  if (facts.invoiceComing) return notNow(session, `The invoice for ${session.id} is being made: it comes in a moment.`);
  if (session.state === 'awaiting_payment')
    return change({ ...session, priceUntold: true }, facts, [
      { type: 'replace_invoices' },
      deposit(session, facts, replyTo, false),
    ]);
  if (isLive(session))
    return notNow(session, `No invoice is open for ${session.id}. topup ${topupFor(session, 0, facts)} adds to it.`);
  if (session.depositedSats > 0 || facts.hasOther)
    return notNow(session, `${session.id} is over. session opens another.`);
  const order: Session = { ...session, state: 'awaiting_payment', priceUntold: true, replacedUnasked: false };
  return change(order, facts, [deposit(order, facts, replyTo, true)]);
}

function ready(session: Session, purpose: string, replyTo: number | null, facts: SessionFacts): SessionDecision {
  if (purpose === 'topup') {
    if (!isLive(session)) return same(session, []);
    const { askersRequest: forRequest } = facts;
    const notice: SessionNotice = replyTo === null ? { type: 'paused' } : { type: 'topup', forRequest };
    return change(session, facts, [{ type: 'notify', notice, replyTo }]);
  }
  const shown: SessionEffect = { type: 'notify', notice: { type: 'invoice', again: false }, replyTo };
  if (session.state !== 'awaiting_payment') return same(session, [shown]);
  const price: SessionEffect[] = session.priceUntold ? [{ type: 'notify', notice: { type: 'price' }, replyTo }] : [];
  return change({ ...session, priceUntold: false }, facts, [...price, shown]);
}

function failed(session: Session, purpose: string, replyTo: number | null, facts: SessionFacts): SessionDecision {
  if (facts.invoiceComing) return same(session, []);
  const notice: SessionNotice = replyTo === null ? { type: 'paused' } : { type: 'unavailable' };
  const told: SessionEffect = { type: 'notify', notice, replyTo };
  if (purpose === 'topup') return same(session, isLive(session) ? [told] : []);
  const silent = replyTo === null ? [] : [told];
  if (session.state !== 'awaiting_payment') return same(session, silent);
  const effects = [...silent, ...tellWaiting(facts, 'ended')];
  if (facts.invoice === null) return { order: null, effects };
  if (facts.invoice.open) return same(session, silent);
  return change({ ...session, state: 'expired' }, facts, effects);
}

function lapsed(session: Session, purpose: string, facts: SessionFacts): SessionDecision {
  if (facts.invoice?.open === true || facts.invoiceComing) return same(session, []);
  if (purpose === 'topup' || session.state !== 'awaiting_payment')
    return isLive(session) ? change(session, facts, []) : same(session, []);
  const beforeStart = facts.eventInvoiceEnd !== null && facts.eventInvoiceEnd < facts.startedAt;
  if ((beforeStart || facts.eventInvoiceCut) && !session.replacedUnasked) {
    const order = { ...session, replacedUnasked: true, priceUntold: true };
    return change(order, facts, [{ type: 'replace_invoices' }, deposit(order, facts, null, true)]);
  }
  return change({ ...session, state: 'expired' }, facts, tellWaiting(facts, 'ended'));
}

type Payment = Extract<OrderEvent<SessionCommand>, { type: 'invoice_paid' }>;

/** All money that comes for a session is its owner's balance; after the end it opens it again, with what was left of it. */
function paid(session: Session, event: Payment, facts: SessionFacts): SessionDecision {
  const { amountSats, invoiceId } = event;
  const replyTo = event.replyTo ?? facts.eventInvoiceAsked;
  if (!isOpen(session) && facts.hasOther) {
    return change(session, facts, [
      { ...oweBack(session, amountSats, 'late_payment', `invoice:${invoiceId}`), invoiceId },
      { type: 'notify', notice: { type: 'late_money', amountSats } },
    ]);
  }
  // What is brought back unasked with a payment after the end was said with it, and is no sum that they chose.
  const isBroughtBack = facts.eventPaidFromOwed && event.purpose === 'topup' && replyTo === null;
  const order = renewed(
    {
      ...session,
      state: 'active',
      lastDepositSats: isBroughtBack ? session.lastDepositSats : amountSats,
      depositedSats: sats(session.depositedSats + amountSats),
      taken: [...session.taken, invoiceId],
      priceUntold: false,
    },
    isLive(session) ? facts : { ...facts, endsAt: null },
  );
  const wasOver = session.state === 'expired' || session.state === 'closed';
  const effects: SessionEffect[] = [{ type: 'replace_invoices' }, endTimer(order)];
  if (!isBroughtBack) {
    const { eventPaidFromOwed: fromOwed } = facts;
    effects.push({ type: 'notify', notice: { type: 'open', first: !isLive(session), amountSats, fromOwed }, replyTo });
  }
  // What was left at its end and is still here goes on with it.
  if (wasOver && facts.owedSats > 0) {
    const { invoiceExpirySeconds: expirySeconds, owedSats } = facts;
    effects.push({
      type: 'invoice',
      purpose: 'topup',
      amountSats: owedSats,
      expirySeconds,
      mayFail: true,
      reopens: false,
      replyTo: null,
      fromOwed: true,
    });
  }
  return change(order, facts, [...effects, ...goOn(facts)]);
}

function heard(session: Session, news: RequestNews, facts: SessionFacts): SessionDecision {
  if (news.type === 'short') {
    if (!isLive(session)) return same(session, tellWaiting(facts, 'ended'));
    const wanted = topupFor(session, news.missingSats, facts);
    const order = { ...session, wantedSats: wanted };
    const isThere = facts.invoice?.open === true && facts.invoice.amountSats >= news.missingSats;
    if (isThere || facts.invoiceComing) return same(session, []);
    return change(order, facts, [{ type: 'replace_invoices' }, topup(order, facts, news.replyTo)]);
  }
  if (!isOpen(session)) {
    // Its last request has ended: what is left is its owner's.
    if (facts.heldSats > 0) return change(session, facts, []);
    if (facts.freeSats === 0) return change(session, facts, [{ type: 'receipt' }]);
    return change(session, facts, [
      oweRest(session, facts),
      { type: 'receipt' },
      { type: 'notify', notice: { type: 'rest', owedSats: facts.freeSats } },
    ]);
  }
  const next = news.answered ? renewed(session, facts) : session;
  const missing = facts.minBalanceSats - facts.freeSats - facts.heldSats;
  const timers = news.answered ? [endTimer(next)] : [];
  if (missing <= 0) return change({ ...next, state: 'active' }, facts, [...timers, ...goOn(facts)]);
  const order: Session = { ...next, state: 'paused', wantedSats: topupFor(session, missing, facts) };
  // Said once; by a request that waits, where there is one.
  const isSaid = session.state === 'paused' || facts.waiting.length > 0;
  const told = isSaid ? [] : tellPaused(order, missing, facts);
  return change(order, facts, [...timers, ...told, ...goOn(facts)]);
}

/** With a top-up: the one that is open already, where it is enough. */
function tellPaused(session: Session, missingSats: number, facts: SessionFacts): SessionEffect[] {
  const isThere = facts.invoice?.open === true && facts.invoice.amountSats >= missingSats;
  if (isThere || facts.invoiceComing) return [{ type: 'notify', notice: { type: 'paused' } }];
  return [{ type: 'replace_invoices' }, topup(session, facts, null)];
}

/** The top-up that is proposed, wherever one is: the last deposit again, never less than is missing, within the bounds of today. */
export function topupFor(
  session: Pick<Session, 'lastDepositSats'>,
  missingSats: number,
  { bounds }: Pick<SessionFacts, 'bounds'>,
): Sats {
  return sats(Math.min(bounds.max, Math.max(session.lastDepositSats, missingSats, bounds.min)));
}

function timeIsOver(session: Session, facts: SessionFacts): SessionDecision {
  const { now, endsAt, heldSats } = facts;
  if (!isLive(session) || endsAt === null) return same(session, []);
  if (endsAt > now) {
    const added = endsAt - (session.expiresAt ?? endsAt);
    const timer: SessionEffect = { type: 'timer', name: 'expire', at: endsAt };
    if (added < 60) return same(session, [timer]);
    return change({ ...session, expiresAt: endsAt }, facts, [
      timer,
      { type: 'notify', notice: { type: 'extended', seconds: added, wasAway: true } },
    ]);
  }
  if (heldSats > 0) return same(session, [{ type: 'timer', name: 'expire', at: plusSeconds(now, 60) }]);
  const rest = facts.freeSats > 0 ? [oweRest(session, facts)] : [];
  return change({ ...session, state: 'expired', tokenHash: null }, facts, [
    { type: 'replace_invoices' },
    ...rest,
    { type: 'receipt' },
    ...tellWaiting(facts, 'ended'),
    { type: 'notify', notice: { type: 'ended', owedSats: facts.freeSats } },
  ]);
}

/** What running requests have set aside is settled first: then the rest follows. */
function close(session: Session, replyTo: number | null, facts: SessionFacts): SessionDecision {
  const { freeSats, heldSats } = facts;
  const owedSats = heldSats > 0 ? sats(0) : freeSats;
  return change({ ...session, state: 'closed', tokenHash: null }, facts, [
    { type: 'replace_invoices' },
    { type: 'cancel_timer', name: 'expire' },
    ...(owedSats > 0 ? [oweRest(session, facts)] : []),
    { type: 'receipt' },
    ...tellWaiting(facts, 'ended'),
    { type: 'notify', notice: { type: 'closed', owedSats, heldSats }, replyTo },
  ]);
}

function cancel(session: Session, replyTo: number, facts: SessionFacts): SessionDecision | Refusal {
  if (session.state === 'awaiting_payment')
    return change({ ...session, state: 'closed' }, facts, [
      { type: 'replace_invoices' },
      ...tellWaiting(facts, 'ended'),
      { type: 'notify', notice: { type: 'cancelled' }, replyTo },
    ]);
  if (isLive(session))
    return notNow(session, `${session.id} is open and paid for. close ends it, and its balance is yours.`);
  return notNow(session, `${session.id} is over already: nothing changed.`);
}

/** Requests that wait look whether they can run now. */
function goOn(facts: SessionFacts): SessionEffect[] {
  return tellWaiting(facts, 'go');
}

function tellWaiting(facts: SessionFacts, news: 'go' | 'ended'): SessionEffect[] {
  return facts.waiting.map((id) => ({ type: 'tell', order: { kind: 'request', id }, news }));
}

/** Its time begins anew. It never ends sooner than it would have: not where that was moved by hand, nor by other settings. */
function renewed(session: Session, { now, expirySeconds, endsAt }: SessionFacts): Session {
  const termSeconds = Math.max(expirySeconds, endsAt === null ? 0 : endsAt - now);
  return { ...session, countsFrom: now, termSeconds, expiresAt: plusSeconds(now, termSeconds) };
}

function endTimer({ expiresAt }: Session): SessionEffect {
  if (expiresAt === null) throw new Error('session.without_end');
  return { type: 'timer', name: 'expire', at: expiresAt };
}

function oweRest(session: Session, { freeSats }: SessionFacts): SessionEffect {
  return oweBack(session, freeSats, 'balance', `end:${session.seq}`);
}

function oweBack(
  session: Session,
  amountSats: Sats,
  because: string,
  cause: string,
): Extract<SessionEffect, { type: 'owe' }> {
  return { type: 'owe', amountMsats: toMsats(amountSats), because, cause: `${session.id}:${cause}` };
}

function notNow(session: Session, text: string): Refusal {
  return refuse('bad_state', text, { state: session.state, reason: text });
}

function change(session: Session, facts: SessionFacts, effects: readonly SessionEffect[]): SessionDecision {
  return { order: { ...session, updatedAt: facts.now }, effects };
}

function same(session: Session, effects: readonly SessionEffect[]): SessionDecision {
  return { order: session, effects };
}
