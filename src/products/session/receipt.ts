import { statement, type Reader } from '../../db/index.ts';
import { invoicesOf, sessionSoFar, type SessionSoFar } from '../../payments/index.ts';
import type { UsageItem } from '../../pricing/index.ts';
import type { SessionCharge, SessionEnd } from '../../receipts/index.ts';
import { isOpen } from './machine.ts';
import type { Request } from './request-states.ts';
import type { Session } from './states.ts';
import { loadSession, openSessionOf } from './store.ts';

/**
 * What the receipt of the charge just made is built from; null in states that charge nothing. Read after its money
 * moved. A holder of the token has it in their own chain, without the session's balance, which is not theirs to know.
 */
export function requestReceipt(reader: Reader, request: Request): SessionCharge | null {
  if (request.state !== 'complete' && request.state !== 'rejected' && request.state !== 'failed') return null;
  const outcome =
    request.state === 'failed' ? (request.step === 'eval' ? 'eval_failed' : 'work_failed') : request.state;
  const items: UsageItem[] = [];
  if (request.verdict !== null) items.push({ role: 'eval', ...request.verdict.usage });
  if (request.state === 'complete') items.push({ role: 'work', ...request.usage });
  const session = loadSession(reader, request.sessionId);
  const own = session?.owner === request.owner ? soFar(reader, session) : null;
  return {
    product: 'session',
    id: request.id,
    session: request.sessionId,
    outcome,
    tariff: request.need.tariff,
    items,
    cut: request.state === 'complete' && request.cut,
    limitSats: request.state === 'failed' ? request.need.sats : request.bill.limitSats,
    ...(own ?? { payments: [], balanceBeforeSats: null }),
  };
}

/** The receipt of a session that is over, of what no receipt has told of it; null where there is nothing. */
export function endReceipt(reader: Reader, session: Session): SessionEnd | null {
  if (isOpen(session)) return null;
  const untold = soFar(reader, session);
  const { payments, spentByTokenSats, returnedSats } = untold;
  if (payments.length === 0 && spentByTokenSats === 0 && returnedSats === 0) return null;
  return { product: 'session', session: session.id, outcome: 'ended', ...untold };
}

function soFar(reader: Reader, session: Session): SessionSoFar {
  return sessionSoFar(reader, { session: session.id, owner: session.owner, taken: takenBy(reader, session) });
}

/** Money that has just come counts before its session has heard of it: its account holds it, and requests spend it. */
function takenBy(reader: Reader, session: Session): readonly number[] {
  if (!isOpen(session) && openSessionOf(reader, session.owner) !== undefined) return session.taken;
  const wasOwedBack = statement(reader, `SELECT 1 FROM transfers WHERE kind = 'owed:late_payment' AND cause = ?`);
  return invoicesOf(reader, session.id)
    .filter(({ state }) => state === 'paid' || state === 'kept')
    .filter(({ id }) => wasOwedBack.get(`${session.id}:invoice:${id}`) === undefined)
    .map(({ id }) => id);
}
