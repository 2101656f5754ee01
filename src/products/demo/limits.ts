import type { Reader } from '../../db/index.ts';
import { refuse, type Refusal } from '../../lib/errors.ts';
import type { UnixSeconds } from '../../lib/units.ts';
import { countCharacters, evaluationMaxTokens, thinkingRoomOf, type Tariff } from '../../pricing/index.ts';
import { usdNanosOf } from '../_shared/model-budget.ts';
import { worstUsage } from '../_shared/model-gate.ts';
import { leftInPurse, type Purse } from '../_shared/model-purse.ts';
import type { DemoSettings } from './config.ts';
import { countDemosAtWork, countDemosOf, secondsUntilFree } from './store.ts';

export interface DemoLimits {
  readonly settings: DemoSettings;
  readonly purse: Purse;
  readonly tariffNow: () => Tariff;
  /** Why nothing is sold now, in a customer's words; null: open. */
  readonly closedBecause: (reader: Reader) => string | null;
  readonly hasPaid: (reader: Reader, owner: string) => boolean;
  /** Does paid work fill the places that it has? What is free makes room for it. */
  readonly isPaidWorkFull: (reader: Reader) => boolean;
}

export interface Question {
  readonly owner: string;
  readonly text: string;
  /** The unpaid order whose request this is. */
  readonly waitingId: string | null;
}

/** What is given back does not count; but so often in all, whatever came of it, one npub may have us begin in an hour. */
const BEGUN_FOR_EACH = 2;
const DAY = 86_400;
/**
 * Npubs cost nothing: those that never paid have this part of the hour and of the day's budget together, whoever has
 * paid before finds the rest.
 */
const STRANGERS_SHARE = 2 / 3;

/** The purse of free answers. */
export function demoPurse(settings: Pick<DemoSettings, 'DEMO_DAILY_BUDGET_USD'>): Purse {
  return { name: 'demo', dailyUsd: Number(settings.DEMO_DAILY_BUDGET_USD) };
}

/** 0 of either offers none. */
export function isDemoOffered({ settings, purse }: DemoLimits): boolean {
  return settings.DEMO_REQUESTS_PER_HOUR > 0 && purse.dailyUsd > 0;
}

/** Free questions that are left to this npub in the hour that ends now. */
export function remainingThisHour({ settings }: DemoLimits, reader: Reader, owner: string, now: UnixSeconds): number {
  return Math.max(0, settings.DEMO_REQUESTS_PER_HOUR - countDemosOf(reader, owner, now));
}

/** Why this is not answered for nothing now, until when, and how to have it all the same; null: it may be. Cheapest first. */
export function whyNotFree(
  limits: DemoLimits,
  reader: Reader,
  question: Question,
  now: UnixSeconds,
): (Refusal & { readonly isSpent?: true }) | null {
  const { settings, purse } = limits;
  const { owner, text } = question;
  const perHour = settings.DEMO_REQUESTS_PER_HOUR;
  if (!isDemoOffered(limits)) {
    const off = `Free answers are not offered here. ${wayOn(question)}`;
    return refuse('bad_state', off, { state: 'off', reason: 'not offered here' });
  }
  const closed = limits.closedBecause(reader);
  if (closed !== null)
    return refuse('unavailable', `I answer nothing just now: ${closed}. Nothing was charged. Please try again later.`);
  if (countCharacters(text) > settings.DEMO_MAX_CHARS) {
    return refuse(
      'too_large',
      `A free question has ${settings.DEMO_MAX_CHARS} characters at most. Please send a shorter one. ${wayOn(question)}`,
      { max_chars: settings.DEMO_MAX_CHARS },
    );
  }
  const ofOwner = Math.max(
    secondsUntilFree(reader, { owner, limit: perHour, among: 'counted' }, now),
    secondsUntilFree(reader, { owner, limit: perHour * BEGUN_FOR_EACH, among: 'all' }, now),
  );
  if (ofOwner > 0)
    return later(
      `You had your ${perHour === 1 ? 'free answer' : `${perHour} free answers`} of this hour`,
      ofOwner,
      question,
    );
  const isKnown = limits.hasPaid(reader, owner);
  const hour = settings.DEMO_ALL_REQUESTS_PER_HOUR;
  const limit = isKnown ? hour : Math.max(1, Math.floor(hour * STRANGERS_SHARE));
  const ofAll = secondsUntilFree(reader, { owner: null, limit, among: 'all' }, now);
  const forWhom = isKnown ? '' : ' for newcomers';
  if (ofAll > 0) return later(`The free answers of this hour${forWhom} are taken`, ofAll, question);
  const missing = needed(limits, reader, text) - leftInPurse(reader, purse, now);
  if (missing > (isKnown ? 0 : -keptForKnown(purse))) {
    const tomorrow = DAY - (now % DAY);
    const spent = later(`What I may spend on free answers${forWhom} today is spent`, tomorrow, question);
    return missing > 0 ? { ...spent, isSpent: true } : spent;
  }
  if (limits.isPaidWorkFull(reader)) {
    const busy = `Paid work comes first, and there is a lot of it just now. Ask again in a few minutes. ${wayOn(question)}`;
    return refuse('busy', busy);
  }
  return null;
}

/** What of the day's budget strangers leave alone. Billionths of a USD. */
function keptForKnown({ dailyUsd }: Purse): number {
  return dailyUsd * 1e9 * (1 - STRANGERS_SHARE);
}

/** The most that this question, and those under way, may still cost today. Billionths of a USD. */
function needed({ settings, tariffNow }: DemoLimits, reader: Reader, text: string): number {
  const worst = worstOfOne(settings, tariffNow(), text);
  return worst * (countDemosAtWork(reader) + 1);
}

/** The most that one question costs: its look and its answer. Billionths of a USD. */
function worstOfOne({ DEMO_OUTPUT_TOKENS }: DemoSettings, tariff: Tariff, text: string): number {
  const look = worstUsage('eval', [text], evaluationMaxTokens(tariff.eval.model));
  const answer = worstUsage('work', [text], demoMaxTokens(DEMO_OUTPUT_TOKENS, tariff.work.model));
  return usdNanosOf(look, tariff) + usdNanosOf(answer, tariff);
}

/** `max_tokens` of a free answer: thinking, where it cannot be off, is not to eat it whole. */
export function demoMaxTokens(outputTokens: number, model: string): number {
  return outputTokens + thinkingRoomOf(model);
}

function later(why: string, retryAfter: number, question: Question): Refusal {
  const text = `${why}; the next is free in ${duration(retryAfter)}. Nothing was charged. ${wayOn(question)}`;
  return refuse('rate_limited', text, { retry_after: retryAfter });
}

/** How to have it answered all the same. */
export function wayOn({ waitingId }: Pick<Question, 'waitingId'>): string {
  return waitingId === null
    ? 'For a full answer now, send: job and your request (quote tells the price).'
    : `For a full answer now, pay the invoice of ${waitingId}: invoice ${waitingId} shows it.`;
}

function duration(seconds: number): string {
  if (seconds <= 90) return `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes <= 90 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}
