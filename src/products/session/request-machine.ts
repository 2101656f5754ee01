import type { Decision, Effect, OrderEvent } from '../../engine/types.ts';
import { refuse, type Refusal } from '../../lib/errors.ts';
import { plusSeconds, sats, toMsats, type Sats, type UnixSeconds } from '../../lib/units.ts';
import type { OrderRef } from '../../payments/index.ts';
import type {
  AnswerOutput,
  Need,
  PartNews,
  Request,
  RequestBase,
  RequestCommand,
  RequestFacts,
  RequestNotice,
  RequestVerdict,
  Settlement,
} from './request-states.ts';
import type { RequestNews, SessionNews } from './states.ts';

export type RequestDecision = Decision<Request, RequestNotice>;
type RequestEffect = Effect<RequestNotice>;

const SAY_PROGRESS_AFTER = 60;

export interface NewRequest {
  readonly id: string;
  readonly owner: string;
  readonly sessionId: string;
  readonly dialect: 'words' | 'rpc';
  readonly requestId: number;
  readonly talk: number;
  readonly replyTo: number;
}

/** `start`: its price is set aside and it is looked at; else it waits. */
export function openRequest(
  wish: NewRequest,
  start: { readonly need: Need } | { readonly waits: 'turn' | 'topup' },
  now: UnixSeconds,
): RequestDecision {
  const base: RequestBase = {
    ...wish,
    seq: 1,
    state: 'waiting',
    createdAt: now,
    updatedAt: now,
    resultId: null,
    chargedSats: sats(0),
    joined: false,
  };
  if ('need' in start) return begin(base, start.need, now);
  const order: Request = { ...base, state: 'waiting' };
  // What waits for a top-up is named by the session, with its invoice.
  const told: RequestEffect[] =
    start.waits === 'turn' ? [{ type: 'notify', notice: { type: 'waits' }, replyTo: wish.replyTo }] : [];
  return { order, effects: told };
}

function begin(base: RequestBase, need: Need, now: UnixSeconds): RequestDecision {
  const order: Request = { ...base, state: 'evaluating', need, updatedAt: now };
  const cause = order.id;
  return {
    order,
    effects: [
      {
        type: 'move',
        from: sessionOf(order),
        to: self(order),
        amountMsats: toMsats(need.sats),
        because: 'set_aside',
        cause,
      },
      { type: 'timer', name: 'say_progress', at: plusSeconds(now, SAY_PROGRESS_AFTER) },
      { type: 'run', activity: 'evaluate', input: {} },
    ],
  };
}

/** The request's next state and what follows. Pure. */
export function decideRequest(
  request: Request,
  event: OrderEvent<RequestCommand>,
  facts: RequestFacts,
): RequestDecision | Refusal {
  switch (event.type) {
    case 'command':
      return obey(request, event.command, event.replyTo, facts);
    case 'news':
      return heard(request, event.news as SessionNews, facts);
    case 'activity_done':
      return event.activity === 'evaluate'
        ? evaluated(request, event.output as RequestVerdict, facts)
        : executed(request, event.output as AnswerOutput, facts);
    case 'activity_failed':
      return failed(request, event.code, facts);
    case 'progress':
      return spoke(request, event.news as PartNews);
    case 'timer':
      return isAtWork(request) && event.name === 'say_progress'
        ? same(request, [{ type: 'notify', notice: { type: 'progress' }, replyTo: request.replyTo }])
        : same(request, []);
    // No invoice is its own: its session has them.
    case 'invoice_ready':
    case 'invoice_failed':
    case 'invoice_delayed':
    case 'invoice_dropped':
    case 'invoice_paid':
    case 'invoice_lapsed':
    case 'surplus':
    case 'refund_changed':
    case 'by_hand':
      return same(request, []);
  }
}

export function isAtWork(request: Request): request is Extract<Request, { state: 'evaluating' | 'executing' }> {
  return request.state === 'evaluating' || request.state === 'executing';
}

function obey(
  request: Request,
  command: RequestCommand,
  replyTo: number,
  facts: RequestFacts,
): RequestDecision | Refusal {
  switch (command.type) {
    case 'join':
      if (request.state !== 'waiting') return notNow(request, `${request.id} is being answered already.`);
      return change({ ...request, joined: true }, facts, []);
    case 'cancel': {
      if (request.state === 'waiting')
        return change({ ...base(request), state: 'cancelled' }, facts, [
          { type: 'notify', notice: { type: 'cancelled' }, replyTo },
        ]);
      const text = isAtWork(request)
        ? `${request.id} is being answered: it can no longer be called off.`
        : `${request.id} is over already: nothing changed.`;
      return notNow(request, text);
    }
    case 'invoice':
      return notNow(request, `${request.id} is paid from your session: it has no invoice of its own.`);
  }
}

function heard(request: Request, news: SessionNews, facts: RequestFacts): RequestDecision {
  if (request.state !== 'waiting') return same(request, []);
  const isOver = news === 'ended' || !facts.sessionLives;
  if (isOver || !facts.requestKept)
    return change({ ...base(request), state: 'cancelled' }, facts, [
      { type: 'notify', notice: { type: isOver ? 'ended' : 'erased' }, replyTo: request.replyTo },
    ]);
  if (facts.isBusy) return same(request, []);
  const missingSats = facts.need.sats - facts.freeSats;
  if (missingSats > 0) {
    const short: RequestNews = { type: 'short', requestId: request.id, missingSats, replyTo: request.replyTo };
    return same(request, [{ type: 'tell', order: sessionOf(request), news: short }]);
  }
  return begin(base(request), facts.need, facts.now);
}

function evaluated(request: Request, verdict: RequestVerdict, facts: RequestFacts): RequestDecision {
  if (request.state !== 'evaluating') return same(request, []);
  const { need } = request;
  if (verdict.accept) {
    const order: Request = { ...base(request), state: 'executing', need, verdict, told: null };
    return change(order, facts, [{ type: 'run', activity: 'execute', input: {} }]);
  }
  const bill = facts.settle(need, verdict, null);
  const order: Request = {
    ...base(request),
    state: 'rejected',
    chargedSats: bill.chargedSats,
    need,
    verdict,
    bill,
  };
  return change(order, facts, [
    ...stopTimers(),
    ...settle(order, need, bill),
    { type: 'receipt' },
    { type: 'notify', notice: { type: 'rejected' }, replyTo: request.replyTo },
    { type: 'answer', replyTo: request.replyTo },
    tellEnd(order, false),
  ]);
}

function executed(request: Request, output: AnswerOutput, facts: RequestFacts): RequestDecision {
  if (request.state !== 'executing') return same(request, []);
  const { need, verdict, told } = request;
  const { resultId, ...answer } = output;
  const bill = facts.settle(need, verdict, output.usage);
  const order: Request = {
    ...base(request),
    state: 'complete',
    chargedSats: bill.chargedSats,
    need,
    verdict,
    ...answer,
    resultId,
    told,
    bill,
  };
  return change(order, facts, [
    ...stopTimers(),
    ...settle(order, need, bill),
    { type: 'receipt' },
    { type: 'notify', notice: { type: 'result' }, replyTo: request.replyTo },
    { type: 'answer', replyTo: request.replyTo },
    tellEnd(order, true),
  ]);
}

/** Costs nothing, whatever it cost us. */
function failed(request: Request, code: string, facts: RequestFacts): RequestDecision {
  if (!isAtWork(request)) return same(request, []);
  const { need } = request;
  const step = request.state === 'evaluating' ? 'eval' : 'work';
  const verdict = request.state === 'executing' ? request.verdict : null;
  const order: Request = { ...base(request), state: 'failed', step, code, need, verdict };
  return change(order, facts, [
    ...stopTimers(),
    release(order, need.sats),
    { type: 'receipt' },
    { type: 'notify', notice: { type: 'failed' }, replyTo: request.replyTo },
    { type: 'answer', replyTo: request.replyTo },
    tellEnd(order, false),
  ]);
}

/** A part of the answer, while the rest is still being written. What a second try says again was told already. */
function spoke(request: Request, { text, textId, said }: PartNews): RequestDecision {
  if (request.state !== 'executing' || said <= (request.told?.said ?? 0)) return same(request, []);
  const order: Request = { ...request, told: { textId, said } };
  return { order, effects: [{ type: 'notify', notice: { type: 'part', text }, replyTo: request.replyTo }] };
}

/** What it cost is earned; of what was set aside the rest goes back, or what is missing comes from what is free. */
function settle(order: Request, need: Need, { chargedSats }: Settlement): RequestEffect[] {
  const more = chargedSats - need.sats;
  const effects: RequestEffect[] = [];
  if (more > 0) {
    const amountMsats = toMsats(sats(more));
    effects.push({
      type: 'move',
      from: sessionOf(order),
      to: self(order),
      amountMsats,
      because: 'used_more',
      cause: order.id,
    });
  }
  effects.push({ type: 'earn', amountMsats: toMsats(chargedSats), as: 'session', cause: order.id });
  if (more < 0) effects.push(release(order, sats(-more)));
  return effects;
}

function release(order: Request, amountSats: Sats): RequestEffect {
  const amountMsats = toMsats(amountSats);
  return { type: 'move', from: self(order), to: sessionOf(order), amountMsats, because: 'released', cause: order.id };
}

function tellEnd(order: Request, answered: boolean): RequestEffect {
  const news: RequestNews = { type: 'ended', answered };
  return { type: 'tell', order: sessionOf(order), news };
}

function stopTimers(): RequestEffect[] {
  return [{ type: 'cancel_timer', name: 'say_progress' }];
}

function self({ id }: RequestBase): OrderRef {
  return { kind: 'request', id };
}

function sessionOf({ sessionId }: RequestBase): OrderRef {
  return { kind: 'session', id: sessionId };
}

function base(request: Request): RequestBase {
  const { id, seq, owner, sessionId, dialect, createdAt, updatedAt, requestId, resultId, talk, chargedSats } = request;
  const { replyTo, joined, state } = request;
  return {
    id,
    seq,
    state,
    owner,
    sessionId,
    dialect,
    createdAt,
    updatedAt,
    requestId,
    resultId,
    talk,
    chargedSats,
    replyTo,
    joined,
  };
}

function notNow(request: Request, text: string): Refusal {
  return refuse('bad_state', text, { state: request.state, reason: text });
}

function change(request: Request, facts: RequestFacts, effects: readonly RequestEffect[]): RequestDecision {
  return { order: { ...request, updatedAt: facts.now }, effects };
}

function same(request: Request, effects: readonly RequestEffect[]): RequestDecision {
  return { order: request, effects };
}
