import { describe, expect } from 'vitest';
import type { Profile } from '../fakes/lnbits/index.ts';
import { script } from './script.ts';
import type { Stage } from './stage.ts';
import { ends } from './verdict.ts';

const PROFILES: readonly Profile[] = ['1.5', '1.6'];

/** Lives that end where a session's money, its questions and its payout are lost midway. */
const AT_ITS_POINTS = [
  [
    'invoice.create:acted',
    'invoice.watch:acted',
    'request.evaluate:acted',
    'request.execute:acted',
    'order.event:acted',
    'payout.send:acted',
    'payout.watch:acted',
  ],
  [
    'invoice.create:committed',
    'order.event:acted',
    'request.evaluate:committed',
    'request.execute:committed',
    'order.event:committed',
    'payout.send:committed',
  ],
] as const;

describe.for(PROFILES)('sessions (LNbits %s)', (profile) => {
  script(
    `topped up while LNbits is away, closed and paid out (LNbits ${profile})`,
    { profile, chains: AT_ITS_POINTS },
    async (stage) => {
      const { fake, guest, clock } = stage;
      await opens(stage, 200);
      const left = await asks(stage);
      await guest.say('topup 300');
      const bolt11 = await stage.hears(/^lnbc/);
      await fake.stop();
      fake.payInvoice(bolt11, 'later');
      await clock.pass(90);
      await fake.start();
      await stage.hears(new RegExp(`^Paid\\. S-\\w{5} has ${left + 300} sats`));
      const rest = await asks(stage);
      await guest.say('close');
      await stage.hears(/ is closed\. /);
      await ends(stage, await stage.refund(rest * 1000), 'paid');
      expect(held(stage)).toBe(0);
    },
  );

  const SHORT = { profile, env: { SESSION_EXPIRY_HOURS: '0.1' }, chains: AT_ITS_POINTS.slice(0, 1) };
  script(
    `topped up after it was closed: it opens again with what was left, and its time runs out (LNbits ${profile})`,
    SHORT,
    async (stage) => {
      const { fake, guest, clock } = stage;
      await opens(stage, 200);
      const left = await asks(stage);
      await guest.say('topup 300');
      const bolt11 = await stage.hears(/^lnbc/);
      await guest.say('close');
      await stage.hears(new RegExp(` is closed\\. ${left} sats kept for you`));
      fake.payInvoice(bolt11);
      await clock.until('all of it being in the session', () => held(stage) === left + 300);
      const rest = await asks(stage);
      await stage.hears(new RegExp(`^The time of S-\\w{5} is over\\. ${rest} sats kept for you`));
      await ends(stage, await stage.refund(rest * 1000), 'paid');
      expect(held(stage)).toBe(0);
    },
  );
});

async function opens(stage: Stage, sats: number): Promise<void> {
  await stage.guest.say(`session ${sats}`);
  if (!stage.fake.payInvoice(await stage.hears(/^lnbc/))) throw new Error('the invoice could not be paid');
  await stage.hears(/^Paid\. S-\w{5} is open: /);
}

/** A question, answered. @returns what is left, sats. */
async function asks(stage: Stage): Promise<number> {
  await stage.guest.say(`Why is the sky blue, question ${stage.guest.heard.length}?`);
  const [, left = ''] = / sats, (\d+) left\./.exec(await stage.hears(/^An answer\./)) ?? [];
  return Number(left);
}

/** What sessions hold, and their requests at work. Sats. */
function held(stage: Stage): unknown {
  const sql = `SELECT coalesce(sum(credits - debits), 0) / 1000 FROM accounts WHERE id GLOB 'session:*' OR id GLOB 'request:*'`;
  return stage.database().read.$client.prepare(sql).pluck().get();
}
