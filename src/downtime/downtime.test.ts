import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../test/builders/fresh-database.ts';
import type { Database } from '../db/index.ts';
import { unixSeconds } from '../lib/units.ts';
import {
  awaySeconds,
  beginOutage,
  endAllOutages,
  endOutage,
  extendedDeadline,
  reachingBack,
  recentOutages,
  recordOutage,
  wasAway,
} from './index.ts';

const at = unixSeconds;
let database: Database;
beforeEach(() => (database = freshDatabase()));
afterEach(() => database.close());

const record = (from: number, to: number): void => database.write((tx) => recordOutage(tx, 'down', at(from), at(to)));

describe('outages', () => {
  it('that overlap count once', () => {
    record(100, 200);
    record(150, 250);
    record(300, 310);
    expect(awaySeconds(database.read, at(0), at(1000))).toBe(160);
    expect(awaySeconds(database.read, at(120), at(305))).toBe(135);
    expect([99, 100, 250, 251].map((when) => wasAway(database.read, at(when)))).toEqual([false, true, true, false]);
  });

  it('that go on count until now; each kind goes on once', () => {
    expect(database.write((tx) => beginOutage(tx, 'deaf', at(100)))).toBe(true);
    expect(database.write((tx) => beginOutage(tx, 'deaf', at(150)))).toBe(false);
    expect(awaySeconds(database.read, at(0), at(160))).toBe(60);
    expect(database.write((tx) => endOutage(tx, 'deaf', at(170)))).toEqual({ why: 'deaf', from: 100, to: 170 });
    expect(database.write((tx) => endOutage(tx, 'deaf', at(180)))).toBeNull();
    expect(recentOutages(database.read, 9)).toEqual([{ why: 'deaf', from: 100, to: 170 }]);
  });

  it('that went on when we died end there', () => {
    database.write((tx) => beginOutage(tx, 'deaf', at(100)));
    database.write((tx) => endAllOutages(tx, at(130)));
    expect(recentOutages(database.read, 9)).toEqual([{ why: 'deaf', from: 100, to: 130 }]);
  });

  it('are bounded: the longest stay, whatever crashes every few seconds', () => {
    record(1000, 90_000);
    for (let crash = 0; crash < 600; crash++) record(100_000 + crash * 10, 100_004 + crash * 10);
    expect(recentOutages(database.read, 9999)).toHaveLength(500);
    expect(wasAway(database.read, at(50_000))).toBe(true);
  });

  it('are forgotten after 400 days', () => {
    record(1000, 2000);
    record(401 * 86_400, 401 * 86_400 + 2000);
    expect(recentOutages(database.read, 9)).toHaveLength(1);
  });
});

it('terms are longer by each second away, once: as counted second by second', () => {
  const span = fc.tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 60 }));
  fc.assert(
    fc.property(
      fc.array(span, { maxLength: 6 }),
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 1, max: 80 }),
      (spans, since, term) => {
        database.write((tx) => {
          tx.$client.exec('DELETE FROM outages');
          for (const [from, length] of spans) recordOutage(tx, 'down', at(from), at(from + length));
        });
        const isAway = (second: number): boolean =>
          spans.some(([from, length]) => second >= from && second < from + length);
        const now = 300;
        let [end, served] = [since, 0];
        for (; served < term; end++) if (!isAway(end)) served += 1;
        expect(extendedDeadline(database.read, at(since), at(since + term), at(now))).toBe(end);
        let [back, kept] = [now, 0];
        for (; kept < term; back--) if (!isAway(back - 1)) kept += 1;
        expect(reachingBack(database.read, at(now), term)).toBe(back);
      },
    ),
  );
});
