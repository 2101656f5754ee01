import type { Reader } from '../../db/index.ts';
import { extendedDeadline } from '../../downtime/index.ts';
import type { OrderEvent } from '../../engine/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { plusSeconds, sats, type UnixSeconds } from '../../lib/units.ts';
import { loadInbound } from '../../messaging/index.ts';
import { debtsOf, findInvoice, invoicesOf, isInvoiceComing } from '../../payments/index.ts';
import { wasCut } from '../_shared/cut-invoice.ts';
import { boundsOf } from './config.ts';
import { needFor, questionNow, settleRequest, type NeedOptions } from './need.ts';
import type { Request, RequestCommand, RequestFacts } from './request-states.ts';
import { balanceOf, isBusyIn, waitingIn, waitingRequestOf } from './request-store.ts';
import type { Session, SessionCommand, SessionFacts } from './states.ts';
import { loadSession, openSessionOf } from './store.ts';

export interface FactsOptions extends NeedOptions {
  readonly clock: Clock;
  /** When this process began. */
  readonly startedAt: UnixSeconds;
}

/** What the world looks like when a session decides. */
export function sessionFacts(
  options: FactsOptions,
  reader: Reader,
  session: Session,
  event: OrderEvent<SessionCommand>,
): SessionFacts {
  const { clock, settings } = options;
  const now = clock.now();
  const shown = invoicesOf(reader, session.id).at(-1);
  const eventInvoice = 'invoiceId' in event ? findInvoice(reader, event.invoiceId) : undefined;
  const { freeSats, heldSats } = balanceOf(reader, session.id);
  const owedMsats = debtsOf(reader, session.id)
    .filter(({ state }) => state === 'owed')
    .reduce((sum, { amountMsats }) => sum + amountMsats, 0);
  const open = openSessionOf(reader, session.owner);
  return {
    now,
    startedAt: options.startedAt,
    invoiceExpirySeconds: settings.INVOICE_EXPIRY_SECONDS,
    expirySeconds: Math.max(1, Math.round(Number(settings.SESSION_EXPIRY_HOURS) * 3600)),
    minBalanceSats: sats(settings.SESSION_MIN_BALANCE_SATS),
    bounds: boundsOf(settings),
    freeSats,
    heldSats,
    questionSats: questionNow(options, reader).sats,
    endsAt: endOf(reader, session, now),
    invoice:
      shown === undefined
        ? null
        : { amountSats: shown.amountSats, expiresAt: shown.expiresAt ?? 0, open: shown.state === 'open' },
    invoiceComing: isInvoiceComing(reader, session.id),
    eventInvoiceCut: wasCut(reader, eventInvoice),
    eventInvoiceEnd: eventInvoice?.expiresAt ?? null,
    eventPaidFromOwed: eventInvoice?.state === 'kept',
    eventInvoiceAsked: eventInvoice?.replyTo ?? null,
    waiting: waitingIn(reader, session.id),
    askersRequest: event.type === 'invoice_ready' ? requestOfAsker(reader, session.id, event.replyTo) : null,
    owedSats: sats(Math.floor(owedMsats / 1000)),
    hasOther: open !== undefined && open.id !== session.id,
  };
}

function requestOfAsker(reader: Reader, sessionId: string, replyTo: number | null): string | null {
  if (replyTo === null) return null;
  return waitingRequestOf(reader, sessionId, loadInbound(reader, replyTo).sender)?.id ?? null;
}

/** When its time is over for its owner: later by all that we were away since it began to count. */
function endOf(reader: Reader, { countsFrom, termSeconds }: Session, now: UnixSeconds): UnixSeconds | null {
  if (countsFrom === null) return null;
  return extendedDeadline(reader, countsFrom, plusSeconds(countsFrom, termSeconds), now);
}

/** What the world looks like when a request decides. */
export function requestFacts(
  options: FactsOptions,
  reader: Reader,
  request: Request,
  _event: OrderEvent<RequestCommand>,
): RequestFacts {
  const { clock, texts } = options;
  const session = loadSession(reader, request.sessionId);
  const { freeSats } = balanceOf(reader, request.sessionId);
  const text = texts.read(reader, request.requestId);
  return {
    now: clock.now(),
    sessionLives: session?.state === 'active' || session?.state === 'paused',
    freeSats,
    isBusy: isBusyIn(reader, request.sessionId, request.owner),
    need: needFor(options, reader, text ?? '', request),
    requestKept: text !== null,
    settle: (need, verdict, work) => settleRequest(need, verdict, work, freeSats),
  };
}
