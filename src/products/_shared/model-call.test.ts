import { describe, expect, it } from 'vitest';
import { createHandClock } from '../../../test/fakes/hand-clock.ts';
import { OutsideError } from '../../lib/errors.ts';
import { RunAgain } from '../../tasks/index.ts';
import { AttemptLost, callModel } from './model-call.ts';

const clock = createHandClock();
const rules = { clock, retrySeconds: 120 };
const down = (): Promise<never> => Promise.reject(new OutsideError('unavailable', 'model.down'));

/** Calls until it is given up; `between`: what else passes between two calls, besides the wait asked for. */
async function tryOn(between: () => void): Promise<{ waits: number[]; end: unknown }> {
  const waits: number[] = [];
  let memory: unknown;
  for (let tries = 1; tries < 100; tries++) {
    try {
      return { waits, end: await callModel(rules, { attempt: 1, tries, memory }, down) };
    } catch (error) {
      if (!(error instanceof RunAgain)) throw error;
      waits.push(error.seconds);
      memory = error.payload;
      clock.advance(error.seconds * 1000);
      between();
    }
  }
  throw new Error('never given up');
}

describe('a model that refuses work', () => {
  it('is asked again for MODEL_RETRY_SECONDS, then the step has failed', async () => {
    const { waits, end } = await tryOn(() => {});
    expect(end).toEqual({ failed: 'model.unavailable' });
    expect(waits.slice(0, 6)).toEqual([1, 2, 4, 8, 15, 15]);
    expect(waits.reduce((sum, wait) => sum + wait)).toBe(120);
  });

  it('time in our own queue does not count', async () => {
    const { waits } = await tryOn(() => clock.advance(3_600_000));
    expect(waits.reduce((sum, wait) => sum + wait)).toBe(120);
  });

  it('waits as long as it is told, within that time', async () => {
    const busy = (): Promise<never> =>
      Promise.reject(new OutsideError('unavailable', 'model.rate_limited', { retryAfterSeconds: 30 }));
    await expect(callModel(rules, { attempt: 1, tries: 1, memory: undefined }, busy)).rejects.toMatchObject({
      seconds: 30,
    });
    const memory = { triedMs: 110_000 };
    await expect(callModel(rules, { attempt: 1, tries: 9, memory }, busy)).rejects.toMatchObject({ seconds: 10 });
  });
});

describe('a call that may have cost tokens', () => {
  const lost = (): Promise<never> => Promise.reject(new OutsideError('unknown', 'model.timeout'));
  it('is made twice at most', async () => {
    const run = { tries: 1, memory: undefined };
    await expect(callModel(rules, { ...run, attempt: 1 }, lost)).rejects.toBeInstanceOf(AttemptLost);
    expect(await callModel(rules, { ...run, attempt: 2 }, lost)).toEqual({ failed: 'model.timeout' });
    expect(await callModel(rules, { ...run, attempt: 3 }, lost)).toEqual({ failed: 'model.lost' });
  });

  it.each(['model.refused', 'model.bad_request'])('%s is not asked twice', async (code) => {
    const final = (): Promise<never> => Promise.reject(new OutsideError('rejected', code));
    expect(await callModel(rules, { attempt: 1, tries: 1, memory: undefined }, final)).toEqual({ failed: code });
  });
});
