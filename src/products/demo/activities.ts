import type { Texts } from '../../customers/index.ts';
import type { Database } from '../../db/index.ts';
import type { Activity, ActivityOutcome, ActivityRun } from '../../engine/types.ts';
import type { Tariff } from '../../pricing/index.ts';
import { callModel, type ModelCallRules } from '../_shared/model-call.ts';
import type { ModelGate } from '../_shared/model-gate.ts';
import type { DemoSettings } from './config.ts';
import type { Answer, Look } from './states.ts';
import { demoMaxTokens } from './limits.ts';
import { loadDemo } from './store.ts';

export interface DemoActivityOptions {
  readonly database: Database;
  readonly texts: Texts;
  /** With the purse of free answers. */
  readonly models: ModelGate;
  readonly settings: DemoSettings;
  readonly rules: ModelCallRules;
  readonly tariffNow: () => Tariff;
}

/** A model that refuses work is asked again for so long at most: paid work wants it too, and nobody paid for this. Seconds. */
const RETRY_SECONDS = 20;
/** Words that surely fit: the answer is to end by itself, not by its bound. */
const WORDS_OF_TOKEN = 0.5;

/** What is done outside for a free question: the same look and the same model as for a paid one (decision 026). */
export function demoActivities(options: DemoActivityOptions): Readonly<Record<string, Activity>> {
  const { database, texts, models, settings, tariffNow } = options;
  const { clock } = options.rules;
  const rules = { clock, retrySeconds: Math.min(options.rules.retrySeconds, RETRY_SECONDS) };

  /**
   * Killed midway: the model may have looked and been paid by us; the verdict is lost. The attempt counts, and there is
   * one more at most; its cost stays set aside in the purse.
   */
  const look: ActivityRun = async (orderId, _input, run, signal): Promise<ActivityOutcome> => {
    const demo = loadDemo(database.read, orderId);
    const request = texts.read(database.read, demo?.requestId ?? null);
    if (demo?.state !== 'looking') return { failed: 'gone' };
    if (request === null) return { failed: 'erased' };
    const asked = { model: settings.EVAL_MODEL, request };
    const result = await callModel(rules, run, () => models.evaluate(asked, tariffNow(), signal));
    if ('failed' in result) return result;
    const { accept, reason } = result.done;
    // Kept before the outcome that names it: killed in between, it is an orphan that retention erases.
    const reasonId = database.write((tx) => texts.keep(tx, demo.owner, reason, clock.now()));
    return { done: { accept, reasonId } satisfies Look };
  };

  /**
   * Killed midway: the model may have answered and been paid by us; the answer is lost. The attempt counts, and there is
   * one more at most; its cost stays set aside in the purse.
   */
  const answer: ActivityRun = async (orderId, _input, run, signal): Promise<ActivityOutcome> => {
    const demo = loadDemo(database.read, orderId);
    const request = texts.read(database.read, demo?.requestId ?? null);
    if (demo?.state !== 'answering') return { failed: 'gone' };
    if (request === null) return { failed: 'erased' };
    const { DEMO_OUTPUT_TOKENS: outputTokens, WORK_MODEL: model } = settings;
    const words = Math.floor(outputTokens * WORDS_OF_TOKEN);
    const maxTokens = demoMaxTokens(outputTokens, model);
    const asked = { model, request, history: [], words, format: 'plain', maxTokens } as const;
    const result = await callModel(rules, run, () => models.work(asked, tariffNow(), signal));
    if ('failed' in result) return result;
    const { text, cut } = result.done;
    const resultId = database.write((tx) => texts.keep(tx, demo.owner, text, clock.now()));
    return { done: { resultId, cut } satisfies Answer };
  };

  // Places of its own, and of each npub one: thousands of them take none of the paid work's.
  const call = { pool: 'free', leaseSeconds: 300, maxAttempts: 10, lane: { name: 'demo', width: 1 } } as const;
  return { look: { ...call, run: look }, answer: { ...call, run: answer } };
}
