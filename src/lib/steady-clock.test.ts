import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { createHandClock, type HandClock } from '../../test/fakes/hand-clock.ts';
import { createSteadyClock, type SteadyClock, type TimeNews } from './steady-clock.ts';
import { plusSeconds, unixSeconds } from './units.ts';

const START = 1_800_000_000;
const DAY = 86_400;

let machine: HandClock;
let steady: SteadyClock;
let news: TimeNews[];

beforeEach(() => {
  machine = createHandClock(START);
  steady = createSteadyClock(machine);
  news = [];
});

const observe = (): void => steady.observe((heard) => void news.push(...heard));

/** Time passes, looked at each second; what `now` said meanwhile. */
function pass(seconds: number): number[] {
  const said: number[] = [];
  for (let second = 0; second < seconds; second++) {
    machine.advance(1000);
    said.push(steady.now());
    observe();
    said.push(steady.now());
  }
  return said;
}

describe('a step of the wall clock', () => {
  it.each([20 * DAY, -20 * DAY])('of %i s for five minutes changes nothing', (step) => {
    pass(10);
    machine.stepWall(step);
    expect(steady.now()).toBe(START + 10);
    const said = pass(300);
    machine.stepWall(-step);
    pass(10);
    expect(Math.max(...said)).toBe(START + 310);
    expect(Math.min(...said)).toBe(START + 11);
    expect(steady.now()).toBe(START + 320);
    expect(news).toEqual([{ type: 'stepped', seconds: step, gently: false }, { type: 'returned' }]);
  });

  it.each([20 * DAY, -20 * DAY])('of %i s that stays is followed after ten minutes', (step) => {
    machine.stepWall(step);
    expect(pass(600).at(-1)).toBe(START + 600);
    pass(2);
    expect(steady.now()).toBe(START + 602 + step);
    expect(news).toEqual([
      { type: 'stepped', seconds: step, gently: false },
      { type: 'followed', from: START + 601, to: START + 601 + step },
    ]);
  });

  it.each([200, -200])('of %i s is followed gently, and time never goes back', (step) => {
    machine.stepWall(step);
    const said = pass(2500);
    expect(said.every((at, index) => index === 0 || at >= (said[index - 1] ?? 0))).toBe(true);
    expect(said.slice(0, 100).every((at) => Math.abs(at - START - 50) < 70)).toBe(true);
    expect(steady.now()).toBe(machine.now());
    expect(news).toEqual([{ type: 'stepped', seconds: step, gently: true }]);
  });

  it.each([20 * DAY, -20 * DAY])('of %i s is followed at once where a witness has seen it', (step) => {
    machine.stepWall(step);
    pass(3);
    expect(steady.isInDoubt()).toBe(true);
    steady.witness(unixSeconds(START - 5000));
    pass(3);
    expect(steady.now()).toBe(START + 6);
    steady.witness(plusSeconds(machine.now(), 30));
    pass(1);
    expect([steady.now(), steady.isInDoubt()]).toEqual([START + 7 + step, false]);
  });

  it('is not followed for as long as witnesses say that we are right', () => {
    machine.stepWall(DAY);
    for (let minute = 0; minute < 30; minute++) {
      pass(60);
      steady.witness(steady.now());
    }
    expect(steady.now()).toBe(START + 1800);
    pass(602);
    expect(steady.now()).toBe(machine.now());
  });

  it('that goes on jumping is never believed', () => {
    for (let jump = 0; jump < 20; jump++) {
      machine.stepWall(jump > 0 && jump % 2 === 0 ? -DAY : DAY);
      pass(60);
    }
    expect(steady.now()).toBe(START + 1200);
  });

  it('is not followed to before the floor', () => {
    steady = createSteadyClock(machine, { floor: unixSeconds(START - DAY) });
    machine.stepWall(-2 * DAY);
    pass(2000);
    expect(steady.now()).toBe(START + 2000);
  });

  it('makes the latest time that it may be the later one', () => {
    machine.stepWall(1000);
    expect(steady.latest()).toBe(START + 1000);
    machine.stepWall(-3000);
    expect(steady.latest()).toBe(START);
  });
});

describe('a sleep of the machine', () => {
  it('moves time when it is recorded, not before', () => {
    pass(10);
    machine.sleepMachine(3 * 3600);
    expect(steady.now()).toBe(START + 10);
    let during = 0;
    steady.observe(() => (during = steady.now()));
    expect(during).toBe(START + 10);
    expect(steady.now()).toBe(START + 10 + 3 * 3600);
  });

  it('that cannot be recorded is told again', () => {
    machine.sleepMachine(100);
    expect(() =>
      steady.observe(() => {
        throw new Error('disk full');
      }),
    ).toThrow('disk full');
    expect(steady.now()).toBe(START);
    observe();
    expect(news).toEqual([{ type: 'slept', from: START, to: START + 100 }]);
    expect(steady.now()).toBe(START + 100);
  });

  it('is told from an uptime of whole seconds, which never adds up to one', () => {
    const coarse = { ...machine, uptimeMs: () => Math.floor((machine.uptimeMs?.() ?? 0) / 1000) * 1000 };
    steady = createSteadyClock(coarse);
    machine.stepWall(DAY);
    for (let look = 0; look < 500; look++) {
      machine.advance(997);
      observe();
    }
    expect(Math.abs(steady.now() - START - 498)).toBeLessThanOrEqual(1);
    machine.sleepMachine(60);
    pass(1);
    expect(Math.abs(steady.now() - START - 559)).toBeLessThanOrEqual(2);
  });

  it('in a doubted step counts, and the step is still doubted', () => {
    machine.stepWall(DAY);
    pass(10);
    machine.sleepMachine(3600);
    pass(10);
    expect(steady.now()).toBe(START + 20 + 3600);
    expect(news.map((one) => one.type)).toEqual(['stepped', 'slept']);
  });
});

describe('the beginning', () => {
  it('is the last sign of life, where the wall clock is before that', () => {
    steady = createSteadyClock(machine, { lastAlive: unixSeconds(START + DAY) });
    expect(steady.now()).toBe(START + DAY);
    pass(10);
    machine.stepWall(DAY + 60);
    pass(700);
    expect(steady.now()).toBe(machine.now());
    expect(news.map((one) => one.type)).toEqual(['stepped', 'stepped']);
  });

  it('is now, where the last sign of life was before that', () => {
    steady = createSteadyClock(machine, { lastAlive: plusSeconds(unixSeconds(START), -31 * DAY) });
    expect(steady.now()).toBe(START);
  });
});

it('whatever jumps and sleeps, time is what really passed, and never goes back', () => {
  const jump = fc.integer({ min: 303, max: 40 * DAY }).chain((seconds) => fc.constantFrom(seconds, -seconds));
  const episode = fc.record({
    before: fc.integer({ min: 1, max: 20 }),
    jump,
    during: fc.integer({ min: 0, max: 60 }),
    sleep: fc.constantFrom(0, 0, 600, 3 * 3600, 20 * DAY),
  });
  fc.assert(
    fc.property(fc.array(episode, { maxLength: 12 }), (episodes) => {
      machine = createHandClock(START);
      steady = createSteadyClock(machine);
      let passed = 0;
      let last = 0;
      const live = (seconds: number): void => {
        for (const at of pass(seconds)) {
          expect(at).toBeGreaterThanOrEqual(last);
          last = at;
        }
        passed += seconds;
        expect(Math.abs(steady.now() - START - passed)).toBeLessThanOrEqual(3);
      };
      for (const { before, jump: step, during, sleep } of episodes) {
        live(before);
        machine.stepWall(step);
        live(during);
        machine.sleepMachine(sleep);
        passed += sleep;
        live(during + 1);
        machine.stepWall(-step);
        live(3);
      }
    }),
    { numRuns: 60 },
  );
});
