import { describe, expect } from 'vitest';
import { scripts, type Profile } from '../fakes/lnbits/index.ts';
import { script } from './script.ts';
import { hashOf, type Stage } from './stage.ts';
import { ends } from './verdict.ts';

/** Invoices that LNbits would refuse, or hand to its node all the same. */
const UNPAYABLE: Readonly<
  Record<string, readonly [invoice: (stage: Stage, amountMsats: number) => string, why: RegExp]>
> = {
  'without an amount': [({ fake }) => fake.receiveInvoice(0), /names no amount/],
  'for one sat more': [({ fake }, amountMsats) => fake.receiveInvoice(amountMsats + 1000), /another amount/],
  'for part of a sat more': [({ fake }, amountMsats) => fake.receiveInvoice(amountMsats + 1), /another amount/],
  'of another network': [
    ({ fake }, amountMsats) => fake.receiveInvoice(amountMsats, scripts.ok, { network: 'testnet' }),
    /another network/,
  ],
  'that runs out at once': [
    ({ fake }, amountMsats) => fake.receiveInvoice(amountMsats, scripts.ok, { expirySeconds: 20 }),
    /runs out too soon/,
  ],
  'that has run out': [
    ({ fake, clock }, amountMsats) => {
      const bolt11 = fake.receiveInvoice(amountMsats, scripts.ok, { expirySeconds: 20 });
      clock.skip(30);
      return bolt11;
    },
    /has run out/,
  ],
};

describe.for(['1.5', '1.6'] satisfies Profile[])('what the customer sends (LNbits %s)', (profile) => {
  for (const [name, [invoice, why]] of Object.entries(UNPAYABLE)) {
    script(
      `an invoice ${name}: refused with what is right, and nothing is posted (LNbits ${profile})`,
      { profile },
      async (stage) => {
        const { changeMsats } = await stage.buy();
        await stage.guest.say(`refund ${invoice(stage, changeMsats)}`);
        expect(await stage.hears(/The money is still yours\. Send me an invoice for exactly/)).toMatch(why);
        expect(stage.fake.requests.filter(({ body }) => body.includes('"out":true'))).toEqual([]);
        await ends(stage, await stage.refund(changeMsats), 'paid');
      },
    );
  }

  script(`capitals and a prefix (LNbits ${profile})`, { profile }, async (stage) => {
    const { changeMsats } = await stage.buy();
    const bolt11 = stage.fake.receiveInvoice(changeMsats);
    await stage.guest.say(`refund LIGHTNING:${bolt11.toUpperCase()}`);
    await stage.hears(/^Paying out /);
    await ends(stage, hashOf(bolt11), 'paid');
  });

  script(`the same invoice, again and again (LNbits ${profile})`, { profile }, async (stage) => {
    const { changeMsats } = await stage.buy();
    const bolt11 = stage.fake.receiveInvoice(changeMsats, scripts.inFlight(40));
    for (let time = 0; time < 3; time++) await stage.guest.say(`refund ${bolt11}`);
    await ends(stage, hashOf(bolt11), 'paid');
    await stage.guest.say(`refund ${bolt11}`);
    await stage.hears(/^That was paid: /);
    expect(stage.fake.node.payCalls(hashOf(bolt11))).toBe(1);
  });
});
