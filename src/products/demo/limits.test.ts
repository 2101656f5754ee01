import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/builders/fresh-database.ts';
import type { Database } from '../../db/index.ts';
import { unixSeconds } from '../../lib/units.ts';
import { tariffFrom } from '../../pricing/index.ts';
import { loadSettings } from '../../config/index.ts';
import { takeFromPurse } from '../_shared/model-purse.ts';
import { dayOf } from '../_shared/model-budget.ts';
import { demoPurse, remainingThisHour, whyNotFree, type DemoLimits } from './limits.ts';
import type { Demo } from './states.ts';
import { insertDemo } from './store.ts';

/** 09:00:00 UTC. */
const NINE = unixSeconds(1_800_003_600);
const at = (seconds: number) => unixSeconds(NINE + seconds);
const [ALICE, BOB] = ['a'.repeat(64), 'b'.repeat(64)];

let database: Database;
let serial: number;
let closed: string | null;
let full: boolean;
let hasPaid: (owner: string) => boolean;
beforeEach(() => {
  [database, serial, closed, full] = [freshDatabase(), 0, null, false];
  hasPaid = () => true;
});
afterEach(() => database.close());

function limitsOf(env: Record<string, string> = {}): DemoLimits {
  const settings = loadSettings({ env: { TIMMY_RELAYS: 'ws://127.0.0.1:1', ...env }, cwd: '/' });
  return {
    settings,
    purse: demoPurse(settings),
    tariffNow: () => tariffFrom(settings, { usdMicros: 100_000_000_000n, source: 'fallback' }),
    closedBecause: () => closed,
    hasPaid: (_reader, owner) => hasPaid(owner),
    isPaidWorkFull: () => full,
  };
}

function asked(owner: string, when: number, state: Demo['state'] = 'complete'): void {
  const id = `D-${String(++serial).padStart(5, '0')}`;
  const row = { id, owner, seq: 1, state, createdAt: at(when), updatedAt: at(when) };
  database.write((tx) =>
    insertDemo(tx, { ...row, dialect: 'words', requestId: null, replyTo: 1, waitingId: null } as unknown as Demo),
  );
}
const why = (limits: DemoLimits, owner: string, when: number, text = 'Why is the sky blue?') =>
  whyNotFree(limits, database.read, { owner, text, waitingId: null }, at(when));

describe('five an hour for each npub', () => {
  it('roll: the sixth is free when the first is an hour old', () => {
    const limits = limitsOf();
    for (let n = 0; n < 5; n++) {
      expect(why(limits, ALICE, n * 60)).toBeNull();
      asked(ALICE, n * 60);
      expect(remainingThisHour(limits, database.read, ALICE, at(n * 60))).toBe(4 - n);
    }
    expect(why(limits, ALICE, 600)).toMatchObject({ refusal: 'rate_limited', data: { retry_after: 3000 } });
    expect(why(limits, ALICE, 3599)).toMatchObject({ data: { retry_after: 1 } });
    expect(why(limits, ALICE, 3600)).toBeNull();
    expect(why(limits, BOB, 600)).toBeNull();
  });

  it('count what is under way, not what is given back; but ten beginnings are all', () => {
    const limits = limitsOf();
    for (let n = 0; n < 4; n++) asked(ALICE, n, 'looking');
    for (let n = 4; n < 9; n++) asked(ALICE, n, 'failed');
    expect(why(limits, ALICE, 10)).toBeNull();
    expect(remainingThisHour(limits, database.read, ALICE, at(10))).toBe(1);
    asked(ALICE, 9, 'failed');
    expect(why(limits, ALICE, 10)).toMatchObject({ data: { retry_after: 3590 } });
  });

  it('do not count from the future, when the clock was put back', () => {
    const limits = limitsOf();
    for (let n = 0; n < 5; n++) asked(ALICE, 86_400);
    expect(why(limits, ALICE, 0)).toBeNull();
    for (let n = 0; n < 5; n++) asked(ALICE, 0);
    expect(why(limits, ALICE, 0)).toMatchObject({ data: { retry_after: 3600 } });
    expect(why(limits, ALICE, 3600)).toBeNull();
  });
});

describe('all npubs together', () => {
  it('have so many an hour, whatever came of them', () => {
    const limits = limitsOf({ DEMO_ALL_REQUESTS_PER_HOUR: '3' });
    for (const [n, state] of (['complete', 'failed', 'answering'] as const).entries())
      asked(String(n).repeat(64), n, state);
    expect(why(limits, ALICE, 60)).toMatchObject({ refusal: 'rate_limited', data: { retry_after: 3540 } });
    expect(why(limits, ALICE, 3600)).toBeNull();
  });

  it('have a purse: what those under way may cost is counted, and it is full again at midnight', () => {
    // One question is at most 0.0102 USD: a look of some 1010 + 512 tokens, an answer of 1010 + 160.
    const limits = limitsOf({ DEMO_DAILY_BUDGET_USD: '0.02' });
    expect(why(limits, ALICE, 0)).toBeNull();
    asked(BOB, 0, 'looking');
    expect(why(limits, ALICE, 0)).toBeNull();
    database.write((tx) => takeFromPurse(tx, limits.purse, { day: dayOf(NINE), usdNanos: 10_000_000 }));
    const untilMidnight = 86_400 - (NINE % 86_400);
    expect(why(limits, ALICE, 0)).toMatchObject({ isSpent: true, data: { retry_after: untilMidnight } });
    expect(why(limits, ALICE, untilMidnight)).toBeNull();
  });

  it('make room for paid work, and for whatever closes us', () => {
    full = true;
    expect(why(limitsOf(), ALICE, 0)).toMatchObject({ refusal: 'busy' });
    closed = 'my disk is nearly full';
    expect(why(limitsOf(), ALICE, 0)).toMatchObject({ refusal: 'unavailable' });
  });
});

it('a question has its bound, in characters', () => {
  const limits = limitsOf();
  expect(why(limits, ALICE, 0, '𝄞'.repeat(1000))).toBeNull();
  expect(why(limits, ALICE, 0, 'x'.repeat(1001))).toMatchObject({ refusal: 'too_large', data: { max_chars: 1000 } });
});

it.each(['DEMO_REQUESTS_PER_HOUR', 'DEMO_DAILY_BUDGET_USD'])('%s = 0 offers none', (name) => {
  expect(why(limitsOf({ [name]: '0' }), ALICE, 0)).toMatchObject({ data: { state: 'off' } });
});

it('says until when, what it means for the money, and how to pay instead', () => {
  const limits = limitsOf({ DEMO_REQUESTS_PER_HOUR: '1' });
  asked(ALICE, 0);
  expect(why(limits, ALICE, 600)?.text).toBe(
    'You had your free answer of this hour; the next is free in 50 minutes. Nothing was charged. For a full answer now, send: job and your request (quote tells the price).',
  );
  const waiting = { owner: ALICE, text: 'x', waitingId: 'J-4KQ7M' };
  expect(whyNotFree(limits, database.read, waiting, at(3560))?.text).toMatch(
    /free in 40 seconds\. .* pay the invoice of J-4KQ7M: invoice J-4KQ7M shows it\.$/,
  );
});

describe('who never paid has two thirds, together', () => {
  it('of the hour: the rest is for who has', () => {
    hasPaid = (owner) => owner === ALICE;
    const limits = limitsOf({ DEMO_ALL_REQUESTS_PER_HOUR: '6' });
    for (let n = 0; n < 4; n++) asked(`${n}`.repeat(64), n);
    expect(why(limits, BOB, 10)).toMatchObject({ refusal: 'rate_limited', data: { retry_after: 3590 } });
    expect(why(limits, BOB, 10)?.text).toMatch(/^The free answers of this hour for newcomers are taken/);
    expect(why(limits, ALICE, 10)).toBeNull();
    for (let n = 4; n < 6; n++) asked(`${n}`.repeat(64), n);
    expect(why(limits, ALICE, 10)?.text).toMatch(/^The free answers of this hour are taken/);
  });

  it('of the day: the purse is empty for them sooner, and the operator hears of it when it is', () => {
    hasPaid = (owner) => owner === ALICE;
    const limits = limitsOf({ DEMO_DAILY_BUDGET_USD: '0.03' });
    const take = (usdNanos: number) =>
      database.write((tx) => takeFromPurse(tx, limits.purse, { day: dayOf(NINE), usdNanos }));
    expect(why(limits, BOB, 0)).toBeNull();
    take(15_000_000);
    const refused = why(limits, BOB, 0);
    expect(refused?.text).toMatch(/^What I may spend on free answers for newcomers today is spent/);
    expect(refused?.isSpent).toBeUndefined();
    expect(why(limits, ALICE, 0)).toBeNull();
    take(14_000_000);
    for (const owner of [ALICE, BOB]) expect(why(limits, owner, 0)).toMatchObject({ isSpent: true });
  });
});
