import type { Texts } from '../../customers/index.ts';
import type { Database, Reader } from '../../db/index.ts';
import { product, type Product, type WaitingRequest } from '../../engine/index.ts';
import { refuse } from '../../lib/errors.ts';
import { rpcInvoice } from '../../engine/rpc-shapes.ts';
import { openInvoiceOf } from '../../payments/index.ts';
import type { ModelCallRules } from '../_shared/model-call.ts';
import type { ModelGate } from '../_shared/model-gate.ts';
import type { Ware } from '../_shared/shop.ts';
import { requestActivities } from './activities.ts';
import { requestFacts, sessionFacts, type FactsOptions } from './facts.ts';
import { sessionCommands } from './commands.ts';
import { requestFace, sessionFace } from './face.ts';
import { decide, isLive } from './machine.ts';
import { endReceipt, requestReceipt } from './receipt.ts';
import { decideRequest } from './request-machine.ts';
import type { Request, RequestCommand, RequestFacts, RequestNotice } from './request-states.ts';
import {
  balanceOf,
  insertRequest,
  isBusyIn,
  loadRequest,
  newestWaitingOf,
  removeRequest,
  requestsAtWork,
  saveRequest,
} from './request-store.ts';
import { requestStatusLine, requestWords } from './request-text.ts';
import { requestParts, rpcRequest, rpcSession } from './rpc.ts';
import type { Session, SessionCommand, SessionFacts, SessionNotice } from './states.ts';
import { insertSession, loadSession, newestThatOwes, removeSession, saveSession } from './store.ts';
import { tokenTask } from './token.ts';
import { sessionStatusLine, sessionWords } from './text.ts';

/** Paid once, asked many times; each request is charged at what it cost, and what is left goes back. */
export const session: Ware = {
  faces: [sessionFace, requestFace],
  open: (shop) => {
    const rules = { clock: shop.clock, retrySeconds: shop.settings.MODEL_RETRY_SECONDS };
    const options = { ...shop, rules };
    const [sessions, requests] = [sessionProduct(options), requestProduct(options)];
    return {
      products: [sessions, requests],
      commands: (engine) => sessionCommands({ ...shop, engine, sessions, requests }),
      tasks: (engine) => [tokenTask({ ...shop, engine })],
    };
  },
};

interface SessionOptions extends FactsOptions {
  readonly database: Database;
  readonly models: ModelGate;
  readonly rules: ModelCallRules;
}

function sessionProduct(options: SessionOptions): Product {
  const { clock, settings } = options;
  const saying = { ...options, now: () => clock.now() };
  return product<Session, SessionCommand, SessionNotice, SessionFacts>({
    face: sessionFace,
    rpcName: 'session',
    load: loadSession,
    insert: insertSession,
    save: saveSession,
    remove: removeSession,
    decide,
    facts: (reader, session, event) => sessionFacts(options, reader, session, event),
    activities: {},
    atWork: () => [],
    words: (tx, session, notice) => sessionWords(saying, tx, session, notice),
    rpc: (reader, session, _brief, to) => rpcSession(reader, session, settings.SESSION_MIN_BALANCE_SATS, to),
    answer: (reader, session, _event, asked) => {
      // The token is sealed when it is made, and is no part of any text of ours.
      if (asked.rpcMethod === 'session.token') return session.tokenHash === null ? { token: null } : 'later';
      if (asked.rpcMethod !== 'session.request') return undefined;
      const invoice = openInvoiceOf(reader, session.id);
      const { freeSats } = balanceOf(reader, session.id);
      return balanceTooLow(freeSats, invoice === undefined ? null : rpcInvoice(invoice));
    },
    wantsUpdate: () => true,
    receipt: endReceipt,
    isPaid: (session) => isLive(session) || session.depositedSats > 0,
    meantForRefund: (reader, owner) => newestThatOwes(reader, owner)?.id,
    statusLine: (reader, session) => sessionStatusLine(saying, reader, session),
    summary: ({ id, state, createdAt, updatedAt }) => ({ id, kind: 'session', state, createdAt, updatedAt }),
  });
}

/** -32006: the request was not taken; the top-up that would pay it, where one could be made. */
function balanceTooLow(freeSats: number, invoice: object | null): ReturnType<typeof refuse> {
  return refuse(
    'balance_too_low',
    `${freeSats} sats are free in this session, which does not pay this request. Nothing was charged. Pay the top-up and ask again.`,
    { balance_sats: freeSats, invoice },
  );
}

/** One request in a session: an order of its own, whose owner is who asked, so that nobody else hears of it. */
function requestProduct(options: SessionOptions): Product {
  const { texts } = options;
  return product<Request, RequestCommand, RequestNotice, RequestFacts>({
    face: requestFace,
    rpcName: 'request',
    load: loadRequest,
    insert: insertRequest,
    save: saveRequest,
    remove: removeRequest,
    decide: decideRequest,
    facts: (reader, request, event) => requestFacts(options, reader, request, event),
    activities: requestActivities(options),
    atWork: requestsAtWork,
    words: (tx, request, notice) => requestWords(options, tx, request, notice),
    rpc: (reader, request) => ({
      ...objectOf(rpcRequest(reader, texts, request)),
      id: request.id,
      state: request.state,
    }),
    answer: (reader, request) => rpcRequest(reader, texts, request),
    rpcParts: (reader, request, notice) => (notice.type === 'result' ? requestParts(reader, texts, request) : []),
    // A program hears of a request by its answer, and of the session's balance by the session's news.
    wantsUpdate: () => false,
    receipt: (reader, request) => requestReceipt(reader, request),
    isPaid: () => true,
    waitingRequest: (reader, owner) => waitingForMoney(reader, texts, owner),
    statusLine: (_reader, request) => requestStatusLine(request),
    summary: ({ id, state, createdAt, updatedAt }) => ({ id, kind: 'request', state, createdAt, updatedAt }),
  });
}

/** What waits for a deposit or a top-up, not for its turn: its session has the invoice. */
function waitingForMoney(reader: Reader, texts: Texts, owner: string): WaitingRequest | undefined {
  const request = newestWaitingOf(reader, owner);
  if (request === undefined || isBusyIn(reader, request.sessionId, owner)) return undefined;
  const text = texts.read(reader, request.requestId);
  return text === null ? undefined : { orderId: request.sessionId, text };
}

function objectOf(answer: ReturnType<typeof rpcRequest>): object {
  return typeof answer === 'object' && !('refusal' in answer) ? answer : {};
}
