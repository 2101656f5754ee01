import { describe, expect } from 'vitest';
import { requests, scripts, unexpectedError, type Fault, type PayScript, type Profile } from '../fakes/lnbits/index.ts';
import { script } from './script.ts';
import type { Stage } from './stage.ts';
import { ends, payouts } from './verdict.ts';

const html: Fault = { kind: 'instead', status: 502, body: '<html><body><h1>502 Bad Gateway</h1></body></html>' };
const limited: Fault = {
  kind: 'instead',
  status: 429,
  body: '{"error":"Rate limit exceeded: 200 per 1 minute"}',
};

/** What can happen to one request between us and LNbits. */
const FAULTS: Readonly<Record<string, Fault>> = {
  'cut off before it is read': { kind: 'reset_before' },
  'cut off after it ran': { kind: 'reset_after' },
  'answered late': { kind: 'stall', ms: 12_000 },
  'never answered, and never run': { kind: 'silence', runAfterMs: null },
  'run long after we gave it up': { kind: 'silence', runAfterMs: 96_000 },
  'run when we have long posted again': { kind: 'silence', runAfterMs: 216_000 },
  'run, and answered by a proxy': { kind: 'garble', as: 'html_502' },
  'run, and answered with a web page': { kind: 'garble', as: 'html_200' },
  'run, and its answer torn': { kind: 'garble', as: 'truncated' },
  'run, and its answer empty': { kind: 'garble', as: 'empty' },
  'run, and its answer senseless': { kind: 'garble', as: 'wrong_shape' },
  'not run, an error 500': unexpectedError,
  'not run, answered by a proxy': html,
  'not run, rate limited': limited,
};

/** Which request of a payout is hit: each posts an invoice of ours to see that the node is there, then itself. */
const WHERE = {
  'the question for the node': requests.create,
  'the payment': requests.pay,
  'the payment and what follows': { ...requests.post, since: requests.pay, times: 3 },
  'the first look-ups': { ...requests.look, times: 3 },
  'the reading of the wallet': { ...requests.wallet, times: 3 },
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
    const { profile, where, what } = one;
    script(`${where} (LNbits ${profile}, the node says ${one.script}) is ${what}`, { profile }, (stage) =>
      tell(stage, one),
    );
  }

  script('nothing listens for a while', { profile: '1.6' }, async (stage) => {
    const { changeMsats } = await stage.buy();
    await stage.fake.stop();
    const hash = await stage.refund(changeMsats);
    await stage.clock.pass(200);
    await stage.restart();
    await stage.clock.pass(30);
    await stage.fake.start();
    await ends(stage, hash, 'paid');
    await stage.hears(/^Paid out/);
  });

  script('LNbits is restarted while its node pays', { profile: '1.6' }, async (stage) => {
    const { changeMsats } = await stage.buy();
    const hash = await stage.refund(changeMsats, { ...scripts.slow(4_000), truthAfterSeconds: 60 });
    await stage.clock.until('the node paying', () => stage.fake.node.payCalls(hash) === 1);
    await stage.fake.stop();
    await stage.clock.pass(90);
    await stage.fake.start();
    await ends(stage, hash, 'paid');
    await stage.hears(/^Paid out/);
  });
});

async function tell(stage: Stage, { where, what, script }: Case): Promise<void> {
  const { changeMsats } = await stage.buy();
  const fault = FAULTS[what];
  if (fault === undefined) throw new Error(what);
  stage.fake.faults.add({ ...WHERE[where], fault });
  const hash = await stage.refund(changeMsats, scriptOf(script));
  await ends(stage, hash, script === 'ok' ? 'paid' : 'dead', 1200);
  stage.fake.faults.clear();
  if (script === 'ok') await stage.hears(/^Paid out/);
  else await failsAndIsPaidAnew(stage, changeMsats);
  // What still waits in a queue of theirs comes to pass now.
  await stage.clock.pass(300);
  expect(stage.fake.node.payCalls(hash)).toBe(1);
  expect(payouts(stage).length).toBe(script === 'ok' ? 1 : 2);
}

function scriptOf(name: 'ok' | 'fail'): PayScript {
  return name === 'ok' ? { ...scripts.ok, feeMsats: 700 } : scripts.fail;
}

async function failsAndIsPaidAnew(stage: Stage, amountMsats: number): Promise<void> {
  await stage.hears(/could not be sent/);
  await ends(stage, await stage.refund(amountMsats), 'paid');
  await stage.hears(/^Paid out/);
}
