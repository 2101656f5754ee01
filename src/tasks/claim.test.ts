import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../test/builders/fresh-database.ts';
import { statement, type Database } from '../db/index.ts';
import { plusSeconds, unixSeconds, type UnixSeconds } from '../lib/units.ts';
import { claim, type ClaimedRow, type Kinds } from './claim.ts';
import { finish, park, putBack, schedule, voidLeases } from './store.ts';
import type { LaneRule } from './task.ts';

const START = unixSeconds(1_800_000_000);

let database: Database;
beforeEach(() => void (database = freshDatabase()));
afterEach(() => database.close());

function owe(kind: string, lane: string | null, name: string, now: UnixSeconds = START, dueAt = now): void {
  database.write((tx) => schedule(tx, { kind, lane, payload: name, dueAt, now }));
}

function take(kinds: Kinds, now: UnixSeconds = START): ClaimedRow | undefined {
  return database.write((tx) => claim(tx, kinds, now));
}

const end = (row: ClaimedRow, now: UnixSeconds = START): boolean => database.write((tx) => finish(tx, row, now));
const name = (row: ClaimedRow | undefined): unknown => (row === undefined ? null : JSON.parse(row.payload));
const of = (width: number, whileRepeated: LaneRule['whileRepeated'] = 'steps_aside'): Kinds =>
  new Map([['do', { width, whileRepeated }]]);

describe('lanes', () => {
  it('have as many places as their kind says when they are claimed, whoever filed into them and when', () => {
    for (const one of ['1', '2', '3', '4']) owe('do', 'x', one);
    const [first, second] = [take(of(2)), take(of(2))];
    expect([name(first), name(second), take(of(2))]).toEqual(['1', '2', undefined]);
    // Restarted with a setting that allows three.
    database.write(voidLeases);
    expect([take(of(3)), take(of(3)), take(of(3)), take(of(3))].map(name)).toEqual(['1', '2', '3', null]);
  });

  it('go to the emptiest place: none waits beside an empty one', () => {
    for (const one of ['1', '2', '3', '4']) owe('do', 'x', one);
    const running = [take(of(3)), take(of(3)), take(of(3))];
    expect(running.map(name)).toEqual(['1', '2', '3']);
    expect(take(of(3))).toBeUndefined();
    const [, second] = running;
    if (second !== undefined) end(second);
    expect(name(take(of(3)))).toBe('4');
  });

  it('are counted over all kinds that share them', () => {
    owe('look', 'x', 'a');
    owe('work', 'x', 'b');
    const kinds: Kinds = new Map([
      ['look', { width: 1, whileRepeated: 'steps_aside' }],
      ['work', { width: 1, whileRepeated: 'steps_aside' }],
    ]);
    const first = take(kinds);
    expect([name(first), take(kinds)]).toEqual(['a', undefined]);
    if (first !== undefined) end(first);
    expect(name(take(kinds))).toBe('b');
  });

  it('one put back is passed, and goes first again once it is due', () => {
    for (const one of ['1', '2', '3']) owe('do', 'x', one);
    const first = take(of(1));
    expect(take(of(1))).toBeUndefined();
    const later = plusSeconds(START, 5);
    database.write((tx) =>
      putBack(tx, first!, { dueAt: later, error: null, countAttempt: false, stepsAside: true }, START),
    );
    const second = take(of(1));
    expect(name(second)).toBe('2');
    end(second!, later);
    expect(name(take(of(1), later))).toBe('1');
  });

  it('that hold: what is filed while one waits to be repeated waits behind it, though it is due', () => {
    const holds = of(1, 'holds');
    owe('do', 'x', '1');
    const first = take(holds)!;
    const later = plusSeconds(START, 5);
    const how = { dueAt: later, error: null, countAttempt: false, stepsAside: false };
    database.write((tx) => putBack(tx, first, how, START));
    owe('do', 'x', '2');
    expect(take(holds)).toBeUndefined();
    const again = take(holds, later);
    expect(name(again)).toBe('1');
    end(again!, later);
    expect(name(take(holds, later))).toBe('2');
  });

  it('take turns: a long queue of one is not all before those of others, filed before or after it', () => {
    for (const lane of ['a', 'b', 'c']) for (const n of [1, 2, 3]) owe('do', lane, `${lane}${n}`);
    const order: unknown[] = [];
    for (let row = take(of(1)); row !== undefined; row = take(of(1))) {
      order.push(name(row));
      if (order.length === 4) owe('do', 'd', 'd1');
      end(row);
    }
    expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'c2', 'd1', 'a3', 'b3', 'c3']);
  });

  it('a moved or a parked task frees its place', () => {
    database.write((tx) => {
      for (const key of ['a', 'b']) {
        schedule(tx, { kind: 'do', lane: 'x', key, payload: key, dueAt: START, now: START });
      }
    });
    owe('do', 'x', 'c');
    const first = take(of(1));
    expect([name(first), take(of(1))]).toEqual(['a', undefined]);
    const far = plusSeconds(START, 1000);
    database.write((tx) => {
      schedule(tx, { kind: 'do', lane: 'x', key: 'b', payload: 'b', dueAt: far, now: START });
      park(tx, first!, 'broken', START);
    });
    expect(name(take(of(1)))).toBe('c');
  });
});

describe('cost', () => {
  it('reads an index, whatever waits: nothing that a claim or an end asks scans or sorts', () => {
    const client = database.read.$client;
    const asked: string[] = [];
    const prepare = client.prepare.bind(client);
    client.prepare = (sql: string) => {
      asked.push(sql);
      return prepare(sql);
    };
    for (const one of ['1', '2', '3']) owe('do', 'x', one);
    end(take(of(1))!);
    end(take(of(2))!);
    const searches = asked.filter((sql) => /^(SELECT|UPDATE tasks|DELETE)/.test(sql));
    expect(searches.length).toBeGreaterThan(5);
    for (const sql of searches) {
      const explain = `EXPLAIN QUERY PLAN ${sql.replaceAll(/\?|@\w+/g, '1')}`;
      const steps = (prepare(explain).all() as { detail: string }[]).map(({ detail }) => detail);
      expect(steps.filter((step) => /SCAN tasks|TEMP B-TREE/.test(step))).toEqual([]);
      expect(steps[0]).toMatch(/^SEARCH tasks USING (COVERING INDEX|INDEX|INTEGER PRIMARY KEY)/);
    }
  });
});

type Step =
  | { readonly do: 'file'; readonly lane: number; readonly late: number }
  | { readonly do: 'claim' }
  | { readonly do: 'end' | 'again' | 'park'; readonly which: number }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'crash'; readonly width: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('file' as const), lane: fc.nat(3), late: fc.constantFrom(0, 0, 0, 7) }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('claim' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('end' as const, 'end', 'again', 'park'), which: fc.nat(9) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), width: fc.integer({ min: 1, max: 3 }) }) },
);

describe('whatever is filed, ended, put back, set aside or killed, in any order', () => {
  it.each(['holds', 'steps_aside'] as const)(
    'a lane that %s never has more than its width, keeps its order, and everything runs',
    (whileRepeated) => {
      fc.assert(
        fc.property(
          fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }),
          fc.integer({ min: 1, max: 3 }),
          (steps, firstWidth) => {
            const world = database;
            world.write((tx) => statement(tx, 'DELETE FROM tasks').run());
            let now = START;
            // Order is promised where one goes at a time.
            let width = whileRepeated === 'holds' ? 1 : firstWidth;
            let running: ClaimedRow[] = [];
            let filed = 0;
            let ended = 0;
            const drop = (row: ClaimedRow): void => void (running = running.filter((one) => one !== row));
            const claimOne = (): boolean => {
              const row = world.write((tx) => claim(tx, of(width, whileRepeated), now));
              if (row === undefined) return false;
              running.push(row);
              const begun = whileRepeated === 'holds' ? 'OR tries > 0' : '';
              const sql = `SELECT count(*) AS n FROM tasks WHERE lane = ? AND state = 'waiting' AND id < ? AND (due_at <= ? ${begun})`;
              const passed = statement(world.read, sql).get(row.lane, row.id, now);
              expect(row.lane === null ? { n: 0 } : passed).toEqual({ n: 0 });
              const inLane = running.filter((one) => one.lane === row.lane);
              if (row.lane !== null) expect(inLane.length).toBeLessThanOrEqual(width);
              return true;
            };
            for (const one of steps) {
              const row = 'which' in one ? running[one.which % Math.max(1, running.length)] : undefined;
              if (one.do === 'file') {
                filed += 1;
                const lane = one.lane === 0 ? null : `lane ${one.lane}`;
                world.write((tx) =>
                  schedule(tx, { kind: 'do', lane, payload: filed, dueAt: plusSeconds(now, one.late), now }),
                );
              } else if (one.do === 'claim') claimOne();
              else if (one.do === 'wait') now = plusSeconds(now, one.seconds);
              else if (one.do === 'crash') {
                if (whileRepeated === 'steps_aside') width = one.width;
                running = [];
                world.write(voidLeases);
              } else if (row !== undefined) {
                drop(row);
                const how = { dueAt: plusSeconds(now, 3), error: null, countAttempt: false };
                const stepsAside = whileRepeated === 'steps_aside';
                if (one.do === 'again') world.write((tx) => putBack(tx, row, { ...how, stepsAside }, now));
                else ended += 1;
                if (one.do === 'park') world.write((tx) => park(tx, row, 'broken', now));
                if (one.do === 'end') world.write((tx) => finish(tx, row, now));
              }
            }
            // From here on nothing fails: all that is left runs.
            now = plusSeconds(now, 10);
            for (let round = 0; round < 200; round++) {
              while (claimOne());
              const [row] = running;
              if (row === undefined) break;
              drop(row);
              ended += 1;
              world.write((tx) => finish(tx, row, now));
            }
            expect(ended).toBe(filed);
          },
        ),
        { numRuns: 100 },
      );
    },
  );
});
