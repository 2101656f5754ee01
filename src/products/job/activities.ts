import type { Texts } from '../../customers/index.ts';
import type { Database } from '../../db/index.ts';
import type { Activity, ActivityOutcome, ActivityRun } from '../../engine/types.ts';
import type { PriceBook } from '../../payments/index.ts';
import { maxOutputTokens } from '../../pricing/index.ts';
import { callModel, type ModelCallRules } from '../_shared/model-call.ts';
import type { ModelGate } from '../_shared/model-gate.ts';
import { resultParts } from '../_shared/result-parts.ts';
import type { JobSettings } from './config.ts';
import type { Verdict, WorkOutput } from './states.ts';
import { loadJob } from './store.ts';

export interface JobActivityOptions {
  readonly database: Database;
  readonly texts: Texts;
  readonly models: ModelGate;
  readonly settings: JobSettings;
  readonly rules: ModelCallRules;
  readonly prices: PriceBook;
}

/** The work of a job that happens outside: the look, and the answer. */
export function jobActivities(options: JobActivityOptions): Readonly<Record<string, Activity>> {
  const { database, texts, models, settings, rules, prices } = options;
  const { clock } = rules;

  /**
   * Killed midway: the model may have looked and been paid by us; the verdict is lost. The attempt counts, and there
   * is one more at most; the customer pays one look, whatever it took.
   */
  const evaluate: ActivityRun = async (orderId, _input, run, signal): Promise<ActivityOutcome> => {
    const job = loadJob(database.read, orderId);
    const request = texts.read(database.read, job?.requestId ?? null);
    if (job?.state !== 'evaluating') return { failed: 'gone' };
    if (request === null) return { failed: 'erased' };
    const { tariff } = job.offer;
    const look = { model: settings.EVAL_MODEL, request };
    const result = await callModel(rules, run, () => models.evaluate(look, tariff, signal));
    if ('failed' in result) return result;
    // The work is quoted next: at the price of now.
    await prices.refresh(signal);
    const { accept, reason, model, usage } = result.done;
    // Like the answer's text below: kept before the outcome that names it.
    const reasonId = database.write((tx) => texts.keep(tx, job.owner, reason, clock.now()));
    const verdict: Verdict = { accept, reasonId, model, usage };
    return { done: verdict };
  };

  /**
   * Killed midway: the model may have answered and been paid by us; the answer is lost. The attempt counts, and there
   * is one more at most; the customer is charged for the one that finished.
   */
  const execute: ActivityRun = async (orderId, _input, run, signal): Promise<ActivityOutcome> => {
    const job = loadJob(database.read, orderId);
    const request = texts.read(database.read, job?.requestId ?? null);
    if (job?.state !== 'executing') return { failed: 'gone' };
    if (request === null) return { failed: 'erased' };
    const { quote, tariff } = job.offer;
    const cap = settings.WORK_MAX_OUTPUT_TOKENS;
    const maxTokens = maxOutputTokens(quote.amountSats, quote.estimatedInputTokens, tariff, cap);
    const work = { model: tariff.work.model, request, history: [], words: quote.words, format: job.format, maxTokens };
    const result = await callModel(rules, run, () => models.work(work, tariff, signal));
    if ('failed' in result) return result;
    const { text, cut, model, usage } = result.done;
    // The text is kept in its own transaction, before the outcome that names it: killed in between, it is an orphan
    // that retention erases.
    const resultId = database.write((tx) => texts.keep(tx, job.owner, text, clock.now()));
    const output: WorkOutput = { resultId, resultParts: resultParts(text).length, cut, model, usage };
    return { done: output };
  };

  // Both call the model, which may take minutes; `callModel` counts the attempts that cost tokens, and ends them itself.
  const call = {
    pool: 'model',
    leaseSeconds: 300,
    maxAttempts: 10,
    lane: { name: 'run', width: settings.LIMIT_RUNNING },
  } as const;
  return { evaluate: { ...call, run: evaluate }, execute: { ...call, run: execute } };
}
