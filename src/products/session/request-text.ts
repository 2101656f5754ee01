import type { Reader, Tx } from '../../db/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { numberParts, splitMessage } from '../../lib/message-parts.ts';
import { failureMessage } from '../_shared/failure-words.ts';
import { boundsOf } from './config.ts';
import { topupFor } from './machine.ts';
import { questionNow, type NeedOptions } from './need.ts';
import type { Request, RequestNotice } from './request-states.ts';
import { balanceOf } from './request-store.ts';
import { loadSession } from './store.ts';

/** The sentences of a request in a session. An answer ends with what it cost. */
export function requestWords(options: NeedOptions, tx: Tx, request: Request, notice: RequestNotice): readonly string[] {
  const { texts } = options;
  switch (notice.type) {
    case 'waits':
      return ['I take that next, as soon as the one before is answered. Further lines join it.'];
    case 'joined':
      return [];
    case 'progress':
      return ['Still working on it. Nothing for you to do.'];
    case 'part':
      return [notice.text];
    case 'result': {
      if (request.state !== 'complete') return [];
      const answer = texts.read(tx, request.resultId) ?? '';
      const rest = answer.slice(request.told?.said ?? 0).trimStart();
      const cut = request.cut ? '\n\n(The answer was cut here: it reached what the balance pays.)' : '';
      return numberParts(splitMessage(`${rest}${cut}\n\n${costText(options, tx, request)}`.trimStart()));
    }
    case 'rejected': {
      const reason = request.state === 'rejected' ? texts.read(tx, request.verdict.reasonId) : null;
      return [`I decline that${reason === null ? '.' : `: ${sentence(reason)}`} ${costText(options, tx, request)}`];
    }
    case 'failed': {
      const why = failureMessage(request.state === 'failed' ? request.code : '');
      const { freeSats, heldSats } = balanceOf(tx, request.sessionId);
      return [
        `That could not be done: ${why}. It cost nothing, ${freeSats + heldSats} sats are left. Please ask again.`,
      ];
    }
    case 'cancelled':
      return ['It is called off. Nothing was charged.'];
    case 'ended':
      return ['The session is over, so what waited in it was not answered and cost nothing. session opens another.'];
    case 'erased':
      return [
        'What you asked was erased with your texts, so it was not answered and cost nothing. Please write it again.',
      ];
    default:
      return assertNever(notice);
  }
}

/** "128 sats, 372 left." And where the rest would not pay another like it, the top-up that would. */
function costText(options: NeedOptions, reader: Reader, request: Request): string {
  const { freeSats, heldSats } = balanceOf(reader, request.sessionId);
  const left = freeSats + heldSats;
  const bill = `${request.chargedSats} sats, ${left} left.`;
  const session = loadSession(reader, request.sessionId);
  const like = Math.max(request.chargedSats, questionNow(options, reader).sats);
  const isLive = session?.state === 'active' || session?.state === 'paused';
  // Below the minimum the session says so itself, with an invoice.
  if (!isLive || left >= like || left < options.settings.SESSION_MIN_BALANCE_SATS) return bill;
  const topup = topupFor(session, like - left, { bounds: boundsOf(options.settings) });
  return `${bill} That does not pay another like it: topup ${topup} does.`;
}

/** How a request stands, in one line. */
export function requestStatusLine(request: Request): string {
  switch (request.state) {
    case 'waiting':
      return `${request.id}: waits in ${request.sessionId}, for its turn or for a top-up. cancel ${request.id} calls it off.`;
    case 'evaluating':
    case 'executing':
      return `${request.id}: I am working on it. The answer comes here.`;
    case 'complete':
      return `${request.id}: answered, ${request.chargedSats} sats. receipt ${request.id} shows all.`;
    case 'rejected':
      return `${request.id}: declined, ${request.chargedSats} sats for the look.`;
    case 'failed':
      return `${request.id}: could not be done (${failureMessage(request.code)}). It cost nothing.`;
    case 'cancelled':
      return `${request.id}: called off.`;
    default:
      return assertNever(request);
  }
}

function sentence(reason: string): string {
  return /[.!?]$/.test(reason.trim()) ? reason.trim() : `${reason.trim()}.`;
}
