import { describe, expect } from 'vitest';
import { scripts, type PayScript, type Profile } from '../fakes/lnbits/index.ts';
import { script } from './script.ts';
import type { Stage } from './stage.ts';
import { ends, payouts, stateOf } from './verdict.ts';

interface Story {
  readonly script: PayScript;
  /** Before the invoice is sent. */
  readonly before?: (stage: Stage) => unknown;
  /** Once the payout is under way. */
  readonly then?: (stage: Stage, hash: string) => unknown;
  /** What becomes of it: proven paid, proven dead, or still under way when the story ends. */
  readonly end: 'paid' | 'dead' | 'sent';
  /** What the customer hears on the way. */
  readonly hears?: RegExp;
}

const { ok } = scripts;
const paidLater = async ({ clock, fake }: Stage, hash: string): Promise<void> => {
  await clock.until('the node being asked', () => fake.node.payCalls(hash) === 1);
  await clock.pass(100);
  fake.node.resolve(hash, 'paid');
};
const failedLater = async ({ clock, fake }: Stage, hash: string): Promise<void> => {
  await clock.until('the node being asked', () => fake.node.payCalls(hash) === 1);
  await clock.pass(100);
  fake.node.resolve(hash, 'failed');
};

/** What a node may do with a payment. */
const STORIES: Readonly<Record<string, Story>> = {
  'paid at once': { script: ok, end: 'paid' },
  'paid, with a routing fee': { script: { ...ok, feeMsats: 1234 }, end: 'paid' },
  'paid, with a fee above the reserve': { script: { ...ok, feeMsats: 9999 }, end: 'paid' },
  'paid, no preimage shown': { script: { ...ok, preimage: 'null' }, end: 'paid' },
  'paid, zeros for a preimage': { script: { ...ok, preimage: 'zeros' }, end: 'paid' },
  'paid, a wrong preimage': { script: { ...ok, preimage: 'wrong' }, end: 'paid' },
  'failed at once': { script: scripts.fail, end: 'dead' },
  'unknown, then paid': {
    script: scripts.unknownThenPaid,
    then: paidLater,
    end: 'paid',
    hears: /on their way\. It takes/,
  },
  'unknown, then failed': {
    script: scripts.unknownThenFailed,
    then: failedLater,
    end: 'dead',
    hears: /on their way\. It takes/,
  },
  'in flight, then paid': { script: scripts.inFlight(40), end: 'paid' },
  'in flight, then failed': { script: scripts.inFlight(40, 'failed'), end: 'dead' },
  'in flight, then paid, and nobody can look meanwhile': {
    script: scripts.inFlight(90),
    before: ({ fake }) => (fake.node.statusRaises = true),
    then: async ({ clock, fake }) => {
      await clock.pass(150);
      fake.node.statusRaises = false;
    },
    end: 'paid',
    hears: /on their way\. It takes/,
  },
  'in flight, and each look takes half a minute': {
    script: scripts.inFlight(60),
    before: ({ fake }) => (fake.node.statusDelayMs = 30_000),
    end: 'paid',
  },
  'in flight for more than a day, then paid': {
    script: scripts.inFlight(90_000),
    then: async ({ clock, fake }, hash) => {
      await clock.until('the node being asked', () => fake.node.payCalls(hash) === 1);
      await clock.pass(30);
      clock.skip(86_400);
      await clock.pass(310);
      clock.skip(4000);
    },
    end: 'paid',
    hears: /A person is looking at it/,
  },
  'the adapter crashes, but it was paid': { script: scripts.crash(), then: paidLater, end: 'paid' },
  'the adapter crashes, and it failed': { script: scripts.crash('failed'), then: failedLater, end: 'dead' },
  'slower than LNbits waits, then paid': { script: scripts.slow(9_000), end: 'paid' },
  'slower than LNbits waits, then failed': { script: scripts.slow(9_000, 'failed'), end: 'dead' },
  'nobody ever learns': {
    script: scripts.never,
    then: ({ clock }) => clock.pass(400),
    end: 'sent',
    hears: /on their way\. It takes/,
  },
  'paid, and the node calls it by an id of its own': { script: { ...ok, ownId: 'node-7' }, end: 'paid' },
  'in flight under an id of its own, then paid': { script: { ...scripts.inFlight(40), ownId: 'node-8' }, end: 'paid' },
  'failed, and for a while the node cannot be asked about it': {
    script: scripts.fail,
    then: async ({ clock, fake }, hash) => {
      await clock.until('the node being asked', () => fake.node.payCalls(hash) === 1);
      fake.node.statusRaises = true;
      await clock.pass(200);
      fake.node.statusRaises = false;
    },
    end: 'dead',
    hears: /on their way\. It takes/,
  },
  'LNbits has no real node (FakeWallet)': {
    script: scripts.onlyInternal,
    then: ({ clock }) => clock.pass(400),
    end: 'sent',
  },
};

const AGAIN_AND_AGAIN = [
  'payout.send:acting',
  'payout.send:acted',
  'payout.watch:acted',
  'payout.watch:acting',
] as const;

describe.for(['1.5', '1.6'] satisfies Profile[])('LNbits %s', (profile) => {
  for (const [name, story] of Object.entries(STORIES)) {
    script(`${name} (LNbits ${profile})`, { profile, chains: [AGAIN_AND_AGAIN] }, (stage) => tell(stage, story));
  }
});

async function tell(stage: Stage, story: Story): Promise<void> {
  const { changeMsats } = await stage.buy();
  await story.before?.(stage);
  const hash = await stage.refund(changeMsats, story.script);
  await story.then?.(stage, hash);
  if (story.end === 'sent') {
    // Whatever they ask for now, nothing else is paid.
    await stage.guest.say(`refund ${stage.fake.receiveInvoice(changeMsats)}`);
    await stage.hears(/are on their way\. Nothing for you to do/);
    expect(stateOf(stage, hash)).toBe('sent');
  } else {
    await ends(stage, hash, story.end);
  }
  if (story.hears !== undefined) await stage.hears(story.hears);
  if (story.end === 'dead') {
    await stage.hears(/could not be sent .* They are still yours: send a fresh invoice/);
    await ends(stage, await stage.refund(changeMsats), 'paid');
  }
  expect(payouts(stage).length).toBe(story.end === 'dead' ? 2 : 1);
}
