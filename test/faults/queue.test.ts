import { describe, expect } from 'vitest';
import { requests, scripts, type Profile } from '../fakes/lnbits/index.ts';
import { hangs, invoiceInTheEnd, payAndGet } from './purchase.ts';
import { script } from './script.ts';
import { asNeighbour } from './stage.ts';
import { ends, payouts, stateOf } from './verdict.ts';

/** What waits in LNbits: behind its one lock, behind a slow node, or in a process that is killed. */
describe.for(['1.5', '1.6'] satisfies Profile[])('behind the lock (LNbits %s)', (profile) => {
  for (const payments of [2, 5, 9]) {
    const seconds = payments * 5;
    script(`an invoice is wanted while it hangs for ${seconds} s (LNbits ${profile})`, { profile }, async (stage) => {
      await hangs(stage, payments);
      await payAndGet(stage, await invoiceInTheEnd(stage));
    });

    script(`an invoice is paid while it hangs for ${seconds} s (LNbits ${profile})`, { profile }, async (stage) => {
      const bolt11 = await stage.asks();
      stage.fake.push.silent = true;
      await hangs(stage, payments);
      await payAndGet(stage, bolt11);
    });
  }

  for (const payments of [2, 9, 30]) {
    const seconds = payments * 5;
    script(`a payout waits while it hangs for ${seconds} s (LNbits ${profile})`, { profile }, async (stage) => {
      const { changeMsats } = await stage.buy();
      await hangs(stage, payments);
      const hash = await stage.refund(changeMsats);
      await ends(stage, hash, 'paid');
      expect(stage.fake.node.payCalls(hash)).toBe(1);
    });
  }

  script(`it hangs when the payout has been posted (LNbits ${profile})`, { profile }, async (stage) => {
    const { changeMsats } = await stage.buy();
    const hash = await stage.refund(changeMsats, scripts.slow(9_000));
    await stage.clock.until('the node being asked', () => stage.fake.node.payCalls(hash) === 1);
    await hangs(stage, 12);
    await ends(stage, hash, 'paid');
  });

  /** It holds enough for one payout and not for two. */
  const POOR = { profile, fundSats: 10 };
  script(
    `a lost post runs just before its repetition, which the emptied wallet refuses (LNbits ${profile})`,
    POOR,
    async (stage) => {
      const { changeMsats } = await stage.buy();
      stage.fake.faults.add({ ...requests.pay, fault: { kind: 'silence', runAfterMs: 'before_next' } });
      const hash = await stage.refund(changeMsats);
      await ends(stage, hash, 'paid');
      expect(stage.fake.requests.filter(({ body }) => body.includes('"out":true')).length).toBeGreaterThan(1);
      expect(payouts(stage).length).toBe(1);
    },
  );

  script(
    `it is killed when it has read the post and written nothing (LNbits ${profile})`,
    { profile },
    async (stage) => {
      const { fake, clock } = stage;
      const { changeMsats } = await stage.buy();
      fake.faults.add({ ...requests.pay, fault: { kind: 'silence', runAfterMs: null } });
      const hash = await stage.refund(changeMsats);
      await clock.until('the post', () => fake.requests.some(({ body }) => body.includes('"out":true')));
      await fake.stop();
      await clock.pass(20);
      await fake.start();
      await ends(stage, hash, 'paid');
    },
  );

  script(
    `both die over a post that runs when its invoice has run out (LNbits ${profile})`,
    { profile },
    async (stage) => {
      const { fake, clock } = stage;
      const { changeMsats } = await stage.buy();
      fake.faults.add({ ...requests.pay, fault: { kind: 'silence', runAfterMs: null } });
      fake.node.down = true;
      const start = clock.seconds();
      const hash = await stage.refund(changeMsats, scripts.ok, { expirySeconds: 310 });
      await clock.pass(270);
      fake.node.down = false;
      const post = (): string => fake.requests.find(({ body }) => body.includes('"out":true'))?.body ?? '';
      await clock.until('the post', () => post() !== '');
      await stage.kill();
      await fake.stop();
      await clock.pass(312 - (clock.seconds() - start));
      await fake.start();
      // It has looked by now, and found nothing.
      await clock.pass(60);
      expect(stateOf(stage, hash)).toMatch(/committed|sent/);
      await asNeighbour(stage, fake.wallet, JSON.parse(post()) as object);
      await ends(stage, hash, 'paid');
    },
  );

  /** What a real LND away at the wrong moment leaves behind: the question for the node cannot foresee it. */
  const AWAY = { 'has lost its node': 'isVoid', 'finds its node away': 'down' } as const;
  for (const [what, flag] of Object.entries(AWAY)) {
    script(
      `it ${what} just when the payout is posted: that stays unproven (LNbits ${profile})`,
      { profile },
      async (stage) => {
        const { fake, guest, clock } = stage;
        const { changeMsats } = await stage.buy();
        fake.faults.otherwise(({ body }) => {
          if (body.includes('"out":true')) fake.node[flag] = true;
          return null;
        });
        const hash = await stage.refund(changeMsats);
        await clock.pass(120);
        fake.faults.clear();
        fake.node[flag] = false;
        await clock.pass(1200);
        await guest.say(`refund ${fake.receiveInvoice(changeMsats)}`);
        await stage.hears(/are on their way\. Nothing for you to do/);
        expect(payouts(stage)).toMatchObject([{ hash, state: 'sent' }]);
        expect(fake.node.payCalls(hash)).toBe(0);
      },
    );
  }
});
