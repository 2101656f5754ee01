import type { Texts } from '../../customers/index.ts';
import type { Reader } from '../../db/index.ts';
import { rpcMoney } from '../../engine/rpc-shapes.ts';
import { refuse, type Refusal } from '../../lib/errors.ts';
import { failureMessage } from '../_shared/failure-words.ts';
import { resultParts } from '../_shared/result-parts.ts';
import type { Request } from './request-states.ts';
import { balanceOf } from './request-store.ts';
import type { Session } from './states.ts';

/** A session in JSON-RPC (docs/rpc.md). `to`: a token's holder sees no refunds. */
export function rpcSession(
  reader: Reader,
  session: Session,
  minBalanceSats: number,
  to: string,
): Record<string, unknown> {
  const { freeSats, heldSats, spentSats, requests } = balanceOf(reader, session.id);
  const { invoice, refund } = rpcMoney(reader, session.id, 'open and paid');
  return {
    id: session.id,
    seq: session.seq,
    state: session.state,
    balance_sats: freeSats + heldSats,
    held_sats: heldSats,
    minimum_balance_sats: minBalanceSats,
    deposited_sats: session.depositedSats,
    spent_sats: spentSats,
    expires_at: session.expiresAt,
    invoice,
    refund: to === session.owner ? refund : null,
    requests,
  };
}

/** What `session.request` answers, once there is an answer. */
export function rpcRequest(
  reader: Reader,
  texts: Texts,
  request: Request,
): Record<string, unknown> | Refusal | 'later' {
  const { freeSats, heldSats } = balanceOf(reader, request.sessionId);
  const bill = { debited_sats: request.chargedSats, balance_sats: freeSats + heldSats };
  const { id: request_id, state } = request;
  switch (state) {
    case 'waiting':
    case 'evaluating':
    case 'executing':
      return 'later';
    case 'complete': {
      const result = texts.read(reader, request.resultId) ?? '';
      const parts = resultParts(result).length;
      return { request_id, state, result: parts <= 1 ? result : null, result_parts: parts, cut: request.cut, ...bill };
    }
    case 'rejected':
      return { request_id, state, reason: texts.read(reader, request.verdict.reasonId), ...bill };
    case 'failed':
      return { request_id, state, reason: failureMessage(request.code), error: { code: request.code }, ...bill };
    case 'cancelled':
      return refuse('bad_state', `${request_id} was called off. Nothing was charged.`, { state, reason: 'called off' });
  }
}

/** The notifications that carry a long result in parts; empty for one that travels in its answer. */
export function requestParts(
  reader: Reader,
  texts: Texts,
  request: Request,
): { method: string; params: Record<string, unknown> }[] {
  if (request.state !== 'complete') return [];
  const parts = resultParts(texts.read(reader, request.resultId) ?? '');
  if (parts.length <= 1) return [];
  return parts.map((text, index) => ({
    method: 'session.part',
    params: { id: request.id, part: index + 1, of: parts.length, text },
  }));
}
