import fc from 'fast-check';
import { expect, it } from 'vitest';
import { freshDatabase } from '../../../test/builders/fresh-database.ts';
import { unixSeconds } from '../../lib/units.ts';
import { dayOf } from './model-budget.ts';
import { correctPurse, leftInPurse, takeFromPurse, type Purse } from './model-purse.ts';

const now = unixSeconds(1_800_000_000);
const purse: Purse = { name: 'demo', dailyUsd: 0.001 };

it('never pays for more than is in it, whatever is taken and corrected in which order', () => {
  const calls = fc.array(fc.record({ worst: fc.nat(600_000), actual: fc.nat(600_000), ends: fc.boolean() }));
  fc.assert(
    fc.property(calls, (all) => {
      const database = freshDatabase();
      let spent = 0;
      for (const { worst, actual, ends } of all) {
        const reservation = { day: dayOf(now), usdNanos: worst };
        const took = database.write((tx) => takeFromPurse(tx, purse, reservation));
        expect(took).toBe(spent + worst <= 1_000_000);
        if (!took) continue;
        // What it cost is never more than was set aside; what is never known has cost that.
        const cost = ends ? Math.min(actual, worst) : worst;
        if (ends) database.write((tx) => correctPurse(tx, purse, reservation, cost));
        spent += cost;
        expect(leftInPurse(database.read, purse, now)).toBe(1_000_000 - spent);
      }
      database.close();
    }),
    { numRuns: 30 },
  );
});

it('is full again the next day, and a call is corrected on the day that it was begun', () => {
  const database = freshDatabase();
  const tomorrow = unixSeconds(now + 86_400);
  const reservation = { day: dayOf(now), usdNanos: 1_000_000 };
  database.write((tx) => takeFromPurse(tx, purse, reservation));
  expect(leftInPurse(database.read, purse, tomorrow)).toBe(1_000_000);
  database.write((tx) => correctPurse(tx, purse, reservation, 400_000));
  expect(leftInPurse(database.read, purse, tomorrow)).toBe(1_000_000);
  expect(leftInPurse(database.read, purse, now)).toBe(600_000);
  database.close();
});
