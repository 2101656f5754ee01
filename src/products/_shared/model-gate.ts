import type { Database, Tx } from '../../db/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { OutsideError } from '../../lib/errors.ts';
import {
  AgentError,
  NO_USAGE,
  type Agent,
  type Evaluation,
  type EvaluationRequest,
  type TokenUsage,
  type Work,
  type WorkRequest,
} from '../../ports/agent.ts';
import { evaluationMaxTokens, thinkingRoomOf, type Tariff, type UsageItem } from '../../pricing/index.ts';
import {
  correctSpend,
  isBudgetLeft,
  reserveSpend,
  tellBudgetOnce,
  usdNanosOf,
  type Reservation,
} from './model-budget.ts';
import { correctPurse, takeFromPurse, type Purse } from './model-purse.ts';
import { noteAnswer, noteFailure, type ModelRole, type ModelTroubleOptions } from './model-trouble.ts';

export interface ModelGateOptions extends ModelTroubleOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly agent: Agent;
  /** `MODEL_DAILY_BUDGET_USD` */
  readonly dailyBudgetUsd: number;
  /** What is asked through this gate is paid out of it as well: what it cannot pay for is not asked. */
  readonly purse?: Purse;
}

/**
 * The one door to the model. Before each call the most that it can cost is set aside, durably; after it that is
 * corrected to what it did cost, whatever came of it. How it went is remembered: a model that is of no use closes
 * sales. Throws as the agent does, and `model.purse_empty` (`rejected`) where its purse does not pay for the call.
 */
export interface ModelGate {
  evaluate(request: EvaluationRequest, tariff: Tariff, signal: AbortSignal): Promise<Evaluation>;
  work(request: WorkRequest, tariff: Tariff, signal: AbortSignal): Promise<Work>;
  /** A call of our own, as cheap as can be, to see whether the model answers this role as asked. */
  probe(role: ModelRole, tariff: Tariff, signal: AbortSignal): Promise<void>;
  /** The same door for what has a budget of its own beside. */
  within(purse: Purse): ModelGate;
}

interface Ask {
  readonly role: ModelRole;
  readonly texts: readonly string[];
  readonly maxTokens: number;
  readonly tariff: Tariff;
  /** A call of our own: its words were chosen by nobody else. */
  readonly isProbe: boolean;
}

/** System prompt, schema and framing. Tokens. */
const FRAMING_TOKENS = 1000;
const PROBE_REQUEST = 'Name the colour of a clear sky at noon in one word.';
const PROBE_TOKENS = 64;

export function createModelGate(options: ModelGateOptions): ModelGate {
  const { database, clock, agent } = options;

  async function ask<T extends { readonly usage: TokenUsage }>(what: Ask, call: () => Promise<T>): Promise<T> {
    const { role, isProbe } = what;
    const reservation = reserve(what);
    try {
      const answer = await call();
      after(what, reservation, answer.usage, (tx) => noteAnswer(tx, options, role, clock.now()));
      return answer;
    } catch (error) {
      // Anything else is a bug: what it cost is not known then, and stays set aside.
      if (!(error instanceof OutsideError)) throw error;
      const code = error.message;
      after(what, reservation, costOf(error), (tx) => {
        if (code === 'model.refused') noteAnswer(tx, options, role, clock.now());
        else noteFailure(tx, options, { role, code, isProbe }, clock.now());
      });
      throw error;
    }
  }

  function reserve({ role, texts, maxTokens, tariff }: Ask): Reservation {
    const worst = worstUsage(role, texts, maxTokens);
    return database.write((tx) => {
      const reservation = reserveSpend(tx, worst, tariff, clock.now());
      if (options.purse !== undefined && !takeFromPurse(tx, options.purse, reservation))
        throw new AgentError('rejected', 'model.purse_empty', { usage: NO_USAGE });
      if (!isBudgetLeft(tx, options.dailyBudgetUsd, clock.now()) && tellBudgetOnce(tx, clock.now())) {
        options.alert(
          tx,
          `The model's budget for today (MODEL_DAILY_BUDGET_USD) is spent: nothing is sold until 00:00 UTC. What is paid for goes on.`,
        );
      }
      return reservation;
    });
  }

  /** A power cut may undo it: then the most stays counted, which errs on the side of the budget. */
  function after(
    { role, tariff }: Ask,
    reservation: Reservation,
    usage: TokenUsage | null,
    note: (tx: Tx) => void,
  ): void {
    database.writeUnsynced((tx) => {
      if (usage !== null) {
        const actual = { role, ...usage };
        correctSpend(tx, reservation, actual, tariff);
        if (options.purse !== undefined) correctPurse(tx, options.purse, reservation, usdNanosOf(actual, tariff));
      }
      note(tx);
    });
  }

  const evaluate = (request: EvaluationRequest, tariff: Tariff, signal: AbortSignal, isProbe: boolean) => {
    const what: Ask = {
      role: 'eval',
      texts: [request.request],
      maxTokens: evaluationMaxTokens(request.model),
      tariff,
      isProbe,
    };
    return ask(what, () => agent.evaluate(request, signal));
  };
  const work = (request: WorkRequest, tariff: Tariff, signal: AbortSignal, isProbe: boolean) => {
    const texts = [...request.history.map(({ text }) => text), request.request];
    const what: Ask = { role: 'work', texts, maxTokens: request.maxTokens, tariff, isProbe };
    return ask(what, () => agent.work(request, signal));
  };

  return {
    within: (purse) => createModelGate({ ...options, purse }),
    evaluate: (request, tariff, signal) => evaluate(request, tariff, signal, false),
    work: (request, tariff, signal) => work(request, tariff, signal, false),
    probe: async (role, tariff, signal) => {
      const request = PROBE_REQUEST;
      if (role === 'eval') return void (await evaluate({ model: tariff.eval.model, request }, tariff, signal, true));
      const { model } = tariff.work;
      const maxTokens = PROBE_TOKENS + thinkingRoomOf(model);
      await work({ model, request, history: [], words: 1, format: 'plain', maxTokens }, tariff, signal, true);
    },
  };
}

/**
 * The most that a call can use. Two bytes of UTF-8 to a token is more than any tokenizer makes of a language; of a
 * conversation all may be written to the cache, which is the dearest that input can be.
 */
export function worstUsage(role: ModelRole, texts: readonly string[], maxTokens: number): UsageItem {
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const inputTokens = Math.ceil(bytes / 2) + FRAMING_TOKENS;
  const input =
    texts.length > 1 ? { inputTokens: 0, cacheWriteTokens: inputTokens } : { inputTokens, cacheWriteTokens: 0 };
  return { role, ...input, cacheReadTokens: 0, outputTokens: maxTokens };
}

/** Null: not known. */
function costOf(error: OutsideError): TokenUsage | null {
  if (error instanceof AgentError) return error.usage;
  return error.fault === 'unavailable' ? NO_USAGE : null;
}
