import { describe, expect, it } from 'vitest';
import { scripts, unexpectedError, type Fault, type PayScript, type Profile } from '../fakes/lnbits/index.ts';
import { openStage, type Stage } from './stage.ts';
import { ends, expectTruth, payouts } from './verdict.ts';

const html: Fault = { kind: 'instead', status: 502, body: '<html><body><h1>502 Bad Gateway</h1></body></html>' };
const limited: Fault = {
  kind: 'instead',
  status: 429,
  body: '{"error":"Rate limit exceeded: 200 per 1 minute"}',
};

/** What can happen to one request between us and LNbits (fidelity A14, E21, E23, E24). */
const FAULTS: Readonly<Record<string, Fault>> = {
  'cut off before it is read': { kind: 'reset_before' },
  'cut off after it ran': { kind: 'reset_after' },
  'answered late': { kind: 'stall', ms: 50 },
  'never answered, and never run': { kind: 'silence', runAfterMs: null },
  'run long after we gave it up': { kind: 'silence', runAfterMs: 400 },
  'run when we have long posted again': { kind: 'silence', runAfterMs: 900 },
  'run, and answered by a proxy': { kind: 'garble', as: 'html_502' },
  'run, and answered with a web page': { kind: 'garble', as: 'html_200' },
  'run, and its answer torn': { kind: 'garble', as: 'truncated' },
  'run, and its answer empty': { kind: 'garble', as: 'empty' },
  'run, and its answer senseless': { kind: 'garble', as: 'wrong_shape' },
  'not run, an error 500': unexpectedError,
  'not run, answered by a proxy': html,
  'not run, rate limited': limited,
};

const POST = { method: 'POST', path: /^\/api\/v1\/payments$/ };
const LOOK = { method: 'GET', path: /^\/api\/v1\/payments\/[0-9a-f]{64}$/ };
const WALLET = { method: 'GET', path: /^\/api\/v1\/wallet$/ };

/** Which request of a payout is hit: each of them posts an invoice to see that the node is there, then itself. */
const WHERE = {
  'the question for the node': { ...POST, nth: 1 },
  'the payment': { ...POST, nth: 2 },
  'the payment and what follows': { ...POST, nth: 2, times: 3 },
  'the first look-ups': { ...LOOK, nth: 1, times: 3 },
  'the reading of the wallet': { ...WALLET, nth: 1, times: 3 },
};

interface Case {
  readonly profile: Profile;
  readonly where: keyof typeof WHERE;
  readonly what: string;
  readonly script: 'ok' | 'fail';
}

const CASES: readonly Case[] = Object.keys(FAULTS).flatMap((what): Case[] => [
  { profile: '1.5', where: 'the payment', what, script: 'ok' },
  { profile: '1.6', where: 'the payment', what, script: 'ok' },
  { profile: '1.6', where: 'the payment', what, script: 'fail' },
  { profile: '1.6', where: 'the payment and what follows', what, script: 'ok' },
  { profile: '1.6', where: 'the question for the node', what, script: 'ok' },
  { profile: '1.6', where: 'the first look-ups', what, script: 'ok' },
  { profile: '1.6', where: 'the reading of the wallet', what, script: 'fail' },
]);

describe('a payout over a bad line', () => {
  for (const one of CASES) {
    const name = `${one.where} (LNbits ${one.profile}, the node says ${one.script}) is ${one.what}`;
    it.concurrent(name, { timeout: 60_000 }, () => tell(one));
  }

  it.concurrent('nothing listens for a while', { timeout: 60_000 }, async () => {
    const stage = await openStage({ profile: '1.6' });
    try {
      const { changeMsats } = await stage.buy();
      await stage.fake.stop();
      const hash = await stage.refund(changeMsats);
      await stage.clock.pass(200);
      await stage.restart();
      await stage.clock.pass(30);
      await stage.fake.start();
      await ends(stage, hash, 'paid');
      await stage.hears(/^Paid out/);
      await expectTruth(stage);
    } finally {
      await stage.close();
    }
  });

  it.concurrent('LNbits is restarted while its node pays', { timeout: 60_000 }, async () => {
    const stage = await openStage({ profile: '1.6' });
    try {
      const { changeMsats } = await stage.buy();
      const hash = await stage.refund(changeMsats, { ...scripts.slow(40), truthAfterSeconds: 60 });
      await stage.clock.until('the node paying', () => stage.fake.node.payCalls(hash) === 1);
      await stage.fake.stop();
      await stage.clock.pass(90);
      await stage.fake.start();
      await ends(stage, hash, 'paid');
      await stage.hears(/^Paid out/);
      await expectTruth(stage);
    } finally {
      await stage.close();
    }
  });
});

async function tell({ profile, where, what, script }: Case): Promise<void> {
  const stage = await openStage({ profile });
  try {
    const { changeMsats } = await stage.buy();
    await stage.quiet();
    const fault = FAULTS[what];
    if (fault === undefined) throw new Error(what);
    stage.fake.faults.add({ ...WHERE[where], fault });
    const hash = await stage.refund(changeMsats, scriptOf(script));
    await ends(stage, hash, script === 'ok' ? 'paid' : 'dead', 1200);
    stage.fake.faults.clear();
    if (script === 'ok') await stage.hears(/^Paid out/);
    else await failsAndIsPaidAnew(stage, changeMsats);
    // What still waits in a queue of theirs comes to pass now.
    await stage.clock.pass(30);
    await stage.restart();
    await expectTruth(stage);
    expect(stage.fake.node.payCalls(hash)).toBe(1);
    expect(payouts(stage).length).toBe(script === 'ok' ? 1 : 2);
  } finally {
    await stage.close();
  }
}

function scriptOf(name: 'ok' | 'fail'): PayScript {
  return name === 'ok' ? { ...scripts.ok, feeMsats: 700 } : scripts.fail;
}

async function failsAndIsPaidAnew(stage: Stage, amountMsats: number): Promise<void> {
  await stage.hears(/could not be sent/);
  await ends(stage, await stage.refund(amountMsats), 'paid');
  await stage.hears(/^Paid out/);
}
