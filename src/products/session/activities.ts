import type { Texts } from '../../customers/index.ts';
import type { Database } from '../../db/index.ts';
import type { Activity, ActivityOutcome, ActivityRun } from '../../engine/types.ts';
import { sats } from '../../lib/units.ts';
import type { Turn } from '../../ports/agent.ts';
import { affordableOutputTokens } from '../../pricing/index.ts';
import { callModel, type ModelCallRules } from '../_shared/model-call.ts';
import type { ModelGate } from '../_shared/model-gate.ts';
import { resultParts } from '../_shared/result-parts.ts';
import type { SessionSettings } from './config.ts';
import { keepMemoryFrom, memoryOf } from './memory.ts';
import type { AnswerOutput, PartNews, Request, RequestVerdict } from './request-states.ts';
import { balanceOf, loadRequest } from './request-store.ts';
import { partTeller } from './telling.ts';

export interface RequestActivityOptions {
  readonly database: Database;
  readonly texts: Texts;
  readonly models: ModelGate;
  readonly settings: SessionSettings;
  readonly rules: ModelCallRules;
}

/** The work of a request in a session that happens outside: the look, and the answer. */
export function requestActivities(options: RequestActivityOptions): Readonly<Record<string, Activity>> {
  const { database, texts, models, settings, rules } = options;
  const { clock } = rules;

  /**
   * Killed midway: the model may have looked and been paid by us; the verdict is lost. The attempt counts, and there
   * is one more at most; the customer pays one look.
   */
  const evaluate: ActivityRun = async (orderId, _input, run, signal): Promise<ActivityOutcome> => {
    const order = loadRequest(database.read, orderId);
    const request = texts.read(database.read, order?.requestId ?? null);
    if (order?.state !== 'evaluating') return { failed: 'gone' };
    if (request === null) return { failed: 'erased' };
    const { tariff } = order.need;
    const { turns } = memoryOf(database.read, texts, order, settings);
    const look = { model: tariff.eval.model, request: inContext(turns, request) };
    const result = await callModel(rules, run, () => models.evaluate(look, tariff, signal));
    if ('failed' in result) return result;
    const { accept, reason, model, usage } = result.done;
    const reasonId = database.write((tx) => texts.keep(tx, order.owner, reason, clock.now()));
    return { done: { accept, reasonId, model, usage } satisfies RequestVerdict };
  };

  /**
   * Killed midway: the model may have answered and been paid by us; the answer is lost. The attempt counts, and there
   * is one more at most; the customer is charged for the one that finished.
   */
  const execute: ActivityRun = async (orderId, _input, run, signal): Promise<ActivityOutcome> => {
    const order = loadRequest(database.read, orderId);
    const request = texts.read(database.read, order?.requestId ?? null);
    if (order?.state !== 'executing') return { failed: 'gone' };
    if (request === null) return { failed: 'erased' };
    const { need, verdict } = order;
    const memory = memoryOf(database.read, texts, order, settings);
    database.write((tx) => keepMemoryFrom(tx, order, memory.from));
    // Lost midway after some of it was told, its rest is asked for: the next try goes on where that ended.
    const begun =
      order.told === null ? '' : (texts.read(database.read, order.told.textId) ?? '').slice(0, order.told.said);
    const asked: readonly Turn[] = [
      ...memory.turns,
      { role: 'customer', text: request },
      { role: 'timmy', text: begun },
    ];
    const work = {
      model: need.tariff.work.model,
      ...(begun === '' ? { request, history: memory.turns } : { request: GO_ON, history: asked }),
      words: need.words,
      format: 'plain',
      maxTokens: outputBound(order.sessionId, need, verdict),
      ...(order.dialect === 'rpc' ? {} : { onText: tellParts(order, begun, run.speak) }),
    } as const;
    const result = await callModel(rules, run, () => models.work(work, need.tariff, signal));
    if ('failed' in result) return result;
    const { cut, model, usage } = result.done;
    const text = begun === '' ? result.done.text : `${begun}\n\n${result.done.text}`;
    // Kept before the outcome that names it: killed in between, it is an orphan that retention erases.
    const resultId = database.write((tx) => texts.keep(tx, order.owner, text, clock.now()));
    const parts = resultParts(text).length;
    const rememberedTokens = memory.tokens;
    return { done: { resultId, resultParts: parts, cut, model, usage, rememberedTokens } satisfies AnswerOutput };
  };

  /** Each part is kept before it is told, so that the next try knows where to go on. */
  function tellParts(
    order: Extract<Request, { state: 'executing' }>,
    begun: string,
    speak: (news: PartNews) => void,
  ): (textSoFar: string) => void {
    let textId = order.told?.textId ?? null;
    const hear = partTeller((text, said, textSoFar) => {
      database.write((tx) => {
        if (textId === null) textId = texts.keep(tx, order.owner, textSoFar, clock.now());
        else texts.replace(tx, textId, textSoFar);
      });
      if (textId !== null) speak({ text, textId, said });
    }, begun.length);
    return (textSoFar) => hear(begun === '' ? textSoFar : `${begun}\n\n${textSoFar}`);
  }

  /**
   * What was set aside pays for the answer, and a share of what is free in the session: as many requests of one customer
   * run at once as there are shares, so that together they never use what is not there.
   */
  function outputBound(
    sessionId: string,
    need: {
      readonly sats: number;
      readonly inputTokens: number;
      readonly tariff: Parameters<typeof affordableOutputTokens>[3];
    },
    verdict: RequestVerdict,
  ): number {
    const share = Math.floor(balanceOf(database.read, sessionId).freeSats / settings.LIMIT_RUNNING);
    const spent = [{ role: 'eval' as const, ...verdict.usage }];
    const budget = sats(need.sats + share);
    const cap = settings.WORK_MAX_OUTPUT_TOKENS;
    return Math.max(1, affordableOutputTokens(budget, spent, need.inputTokens, need.tariff, cap));
  }

  const call = {
    pool: 'model',
    leaseSeconds: 300,
    maxAttempts: 10,
    lane: { name: 'run', width: settings.LIMIT_RUNNING },
  } as const;
  return { evaluate: { ...call, run: evaluate }, execute: { ...call, run: execute } };
}

/** What the model is told after an answer of its own that was lost midway. */
const GO_ON = 'Go on exactly where you stopped, and repeat nothing.';

const CONTEXT_CHARACTERS = 300;

/** A request alone may make no sense ("and in French?"): the last turn is shown with it, cut. */
function inContext(turns: readonly Turn[], request: string): string {
  const [asked, answered] = turns.slice(-2);
  if (asked === undefined || answered === undefined) return request;
  const cut = (text: string): string => [...text].slice(0, CONTEXT_CHARACTERS).join('');
  return `(Earlier in this conversation the customer wrote: ${cut(asked.text)}\nand was answered: ${cut(answered.text)})\n\nNow the customer writes:\n${request}`;
}
