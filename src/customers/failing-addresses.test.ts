import { afterEach, beforeEach, expect, it } from 'vitest';
import { freshDatabase } from '../../test/builders/fresh-database.ts';
import type { Database } from '../db/index.ts';
import { plusSeconds, unixSeconds, type UnixSeconds } from '../lib/units.ts';
import {
  askFor,
  automaticDestination,
  failingOf,
  findFailing,
  forgetFailures,
  knownDestination,
  meet,
  nextTryAt,
  noteFailure,
  setPreferences,
  storeDestination,
} from './index.ts';

const START = unixSeconds(1_800_000_000);
const ME = 'aa'.repeat(32);
let database: Database;
beforeEach(() => {
  database = freshDatabase();
  database.write((tx) => {
    meet(tx, ME, 'nip17', null, START);
    setPreferences(tx, ME, { lastDestination: 'asked@a.example', refundTo: 'stored@b.example', lud16: 'me@c.example' });
  });
});
afterEach(() => database.close());

const fail = (destination: string, at: UnixSeconds, begunAt = at): ReturnType<typeof noteFailure> =>
  database.write((tx) => noteFailure(tx, ME, destination, begunAt, at));
const known = (): string | null => knownDestination(database.read, ME);

/** Tries it as it is told to, until it is given up. */
function failForAnHour(destination: string, firstSeconds = 30): number[] {
  const waits: number[] = [];
  for (let at = START; ;) {
    const failing = fail(destination, at);
    if (failing.givenUpAt !== null) return waits;
    const next = nextTryAt(failing, firstSeconds, at);
    waits.push(next - at);
    at = next;
  }
}

it('is tried ever more seldom, for the last time an hour after it first failed, and then given up', () => {
  expect(failForAnHour('asked@a.example')).toEqual([30, 60, 120, 240, 480, 960, 1200, 510]);
  expect(failForAnHour('stored@b.example', 300)).toEqual([300, 600, 1200, 1200, 300]);
});

it('what was given up is passed over: asked for last, then stored, then in the profile', () => {
  expect(known()).toBe('asked@a.example');
  failForAnHour('asked@a.example');
  expect(known()).toBe('stored@b.example');
  failForAnHour('stored@b.example');
  expect(known()).toBe('me@c.example');
  failForAnHour('me@c.example');
  expect(known()).toBeNull();
  database.write((tx) => storeDestination(tx, ME, 'stored@b.example'));
  expect(known()).toBe('stored@b.example');
  database.write((tx) => askFor(tx, ME, 'asked@a.example'));
  expect(known()).toBe('asked@a.example');
});

it('nothing goes anywhere unasked with refunds off or keep on; asked for, it does', () => {
  for (const off of [{ refundsOn: false }, { refundsOn: true, keepOn: true }]) {
    database.write((tx) => setPreferences(tx, ME, off));
    expect(automaticDestination(database.read, ME)).toBeNull();
    expect(known()).toBe('asked@a.example');
  }
});

it('an hour without a try, or a payment, begins the hour anew; a try that took that long does not', () => {
  fail('me@c.example', START);
  const later = plusSeconds(START, 4000);
  expect(fail('me@c.example', later)).toEqual({
    destination: 'me@c.example',
    since: later,
    failures: 1,
    givenUpAt: null,
  });
  database.write((tx) => forgetFailures(tx, ME, 'me@c.example'));
  fail('me@c.example', START);
  const begunAt = plusSeconds(START, 300);
  expect(fail('me@c.example', later, begunAt)).toMatchObject({ since: START, failures: 2, givenUpAt: later });
});

it('keeps nothing about addresses that are known no more', () => {
  for (let n = 0; n < 5; n++) {
    database.write((tx) => askFor(tx, ME, `n${n}@a.example`));
    fail(`n${n}@a.example`, START);
  }
  expect(failingOf(database.read, ME).map(({ destination }) => destination)).toEqual(['n4@a.example']);
  expect(findFailing(database.read, ME, 'n0@a.example')).toBeUndefined();
});
