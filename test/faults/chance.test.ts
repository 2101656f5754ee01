import { describe, expect } from 'vitest';
import { scripts, unexpectedError, type Fault, type PayScript } from '../fakes/lnbits/index.ts';
import { script } from './script.ts';
import { seededRng, type Stage } from './stage.ts';
import { payouts } from './verdict.ts';

/** How many stories chance tells; each comes out the same every time. */
const STORIES = Number(process.env['FAULTS_CHANCE'] ?? 16);

const FAULTS: readonly Fault[] = [
  { kind: 'reset_before' },
  { kind: 'reset_after' },
  { kind: 'stall', ms: 12_000 },
  { kind: 'silence', runAfterMs: null },
  { kind: 'silence', runAfterMs: 30_000 },
  { kind: 'silence', runAfterMs: 200_000 },
  { kind: 'silence', runAfterMs: 'before_next' },
  { kind: 'garble', as: 'html_502' },
  { kind: 'garble', as: 'truncated' },
  { kind: 'garble', as: 'wrong_shape' },
  unexpectedError,
  { kind: 'instead', status: 429, body: '{"error":"Rate limit exceeded: 200 per 1 minute"}' },
];

const PAYMENTS: readonly PayScript[] = [
  scripts.ok,
  { ...scripts.ok, feeMsats: 1700 },
  scripts.fail,
  scripts.unknownThenPaid,
  scripts.unknownThenFailed,
  scripts.inFlight(70),
  scripts.inFlight(70, 'failed'),
  scripts.slow(9_000),
  scripts.slow(9_000, 'failed'),
  scripts.crash(),
  scripts.crash('failed'),
  scripts.never,
];

/** Where it dies, one after the other. */
const DEATHS = ['dm.handle', 'invoice.watch', 'outbox.publish', 'order.event', 'outbox.seal', 'invoice.create'];

describe('whatever chance does, the books agree when it has calmed down', () => {
  for (let number = 1; number <= STORIES; number++) {
    const chance = chanceOf(`deaths of story ${number}`);
    const deaths = DEATHS.map((kind) => `${kind}:${chance.one(['acting', 'acted', 'committed'])}`);
    const profile = number % 2 === 0 ? '1.5' : '1.6';
    // Enough for all that is in flight together to stay below a fifth of it.
    const options = { profile, fundSats: 10_000, chains: [deaths] } as const;
    script(`story ${number} (LNbits ${profile})`, options, (stage) => tell(stage, number));
  }
});

async function tell(stage: Stage, number: number): Promise<void> {
  const { fake, guest, clock } = stage;
  const chance = chanceOf(`story ${number}`);
  const rate = chance.one([0.05, 0.15, 0.3]);
  fake.faults.otherwise(() => (chance.below(1000) < rate * 1000 ? chance.one(FAULTS) : null));
  for (let purchase = 0; purchase < 3; purchase++) {
    const before = guest.heard.length;
    await guest.say(`job Why is the sky blue, question ${purchase}?`);
    await clock.pass(40);
    for (const bolt11 of guest.heard.slice(before).filter((text) => text.startsWith('lnbc'))) {
      fake.payInvoice(bolt11, chance.one([true, false]));
    }
    await clock.pass(chance.below(200));
    if (chance.below(3) === 0) await stage.restart();
    await asksForChange(stage, chance);
    await clock.pass(chance.below(300));
  }
  fake.faults.clear();
  for (const hash of fake.node.attemptedHashes()) {
    if (fake.node.mayStillSettle(hash) && fake.node.truth(hash) === 'pending')
      fake.node.resolve(hash, chance.one(['paid', 'failed']));
  }
  await clock.pass(1500);
  expect(stage.guest.heard.some((text) => text.includes(' yours. receipt'))).toBe(true);
  for (const { hash, state } of payouts(stage)) if (state === 'committed') expect(hash).toBe('sent by now');
}

/** For all that is owed, or for one thing of it, or for nothing; twice, it may be. */
async function asksForChange({ fake, guest, database }: Stage, chance: Chance): Promise<void> {
  const sql = `SELECT coalesce(sum(amount_msats), 0) FROM debts WHERE state = 'owed'`;
  const owed = Number(database().read.$client.prepare(sql).pluck().get());
  if (owed < 1000) return;
  // Of one customer two are in flight at a time: what nobody ever proves may hold one place, or a story has no end.
  const isUnending = fake.node.attemptedHashes().some((hash) => !fake.node.mayStillSettle(hash));
  const chosen = chance.one(PAYMENTS);
  const payment = chosen === scripts.never && isUnending ? scripts.fail : chosen;
  const bolt11 = fake.receiveInvoice(owed, payment, { expirySeconds: chance.one([400, 86_400]) });
  for (let time = 0; time <= chance.below(2); time++) await guest.say(`refund ${bolt11}`);
}

interface Chance {
  below(n: number): number;
  one<T>(of: readonly T[]): T;
}

function chanceOf(seed: string): Chance {
  const rng = seededRng(seed);
  const below = (n: number): number => Buffer.from(rng.bytes(4)).readUInt32BE(0) % n;
  return {
    below,
    one: <T>(of: readonly T[]): T => {
      const chosen = of[below(of.length)];
      if (chosen === undefined) throw new Error('nothing to choose from');
      return chosen;
    },
  };
}
