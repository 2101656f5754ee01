import { describe, expect } from 'vitest';
import { requests, scripts, type PayScript, type Profile } from '../fakes/lnbits/index.ts';
import { script } from './script.ts';
import { asNeighbour, hashOf, type Stage, type StageOptions } from './stage.ts';
import { ends, payouts, stateOf } from './verdict.ts';

const WAITS = /go out as soon as my wallet can pay. Nothing for you to do/;
const ON_ITS_WAY = /on their way\. It takes longer than usual; nothing for you to do/;
const FRESH = /could not be sent .* They are still yours: send a fresh invoice/;

interface Story {
  readonly with?: Partial<StageOptions>;
  /** What stands in the way before the customer asks, and after a while no longer does. */
  readonly obstacle: (stage: Stage) => void;
  readonly mended: (stage: Stage) => unknown;
}

/** What LNbits refuses before it sends anything, and what its owner can mend. */
const MENDED: Readonly<Record<string, Story>> = {
  'the wallet does not hold the routing reserve as well': {
    with: { fundSats: 0, env: { OUTPUT_TOKENS_SHORT_EST: '80000' } },
    obstacle: () => {},
    mended: ({ fake }) => fake.fund(fake.wallet, 500),
  },
  'the wallet only takes payments': {
    obstacle: ({ fake }) => (fake.instance.onlyIncoming = true),
    mended: ({ fake }) => (fake.instance.onlyIncoming = false),
  },
  'the limit of a day is reached': {
    obstacle: ({ fake }) => (fake.instance.dailyLimitSats = 5),
    mended: ({ fake }) => (fake.instance.dailyLimitSats = null),
  },
  'LNbits started without its node (VoidWallet)': {
    obstacle: ({ fake }) => (fake.node.isVoid = true),
    mended: ({ fake }) => (fake.node.isVoid = false),
  },
  'the node is away': {
    obstacle: ({ fake }) => (fake.node.down = true),
    mended: ({ fake }) => (fake.node.down = false),
  },
  'LNbits waits for its first install': {
    obstacle: ({ fake }) => (fake.firstInstall = true),
    mended: ({ fake }) => (fake.firstInstall = false),
  },
};

describe.for(['1.5', '1.6'] satisfies Profile[])('LNbits %s refuses', (profile) => {
  for (const [name, story] of Object.entries(MENDED)) {
    script(
      `${name}: the payout waits, the customer is told, and it is paid in the end (LNbits ${profile})`,
      { profile, ...story.with },
      async (stage) => {
        const { changeMsats } = await stage.buy();
        story.obstacle(stage);
        const hash = await stage.refund(changeMsats);
        await stage.hears(WAITS);
        await stage.clock.pass(60);
        await stage.restart();
        // A post that the stop broke off may have arrived, for all we know.
        expect(stateOf(stage, hash)).toMatch(/committed|sent/);
        story.mended(stage);
        await ends(stage, hash, 'paid');
        await stage.hears(/^Paid out/);
      },
    );
  }

  script(`payments may not follow each other so fast (LNbits ${profile})`, { profile }, async (stage) => {
    const first = await stage.buy();
    await ends(stage, await stage.refund(first.changeMsats), 'paid');
    const second = await stage.buy();
    stage.fake.instance.secondsBetween = 400;
    await ends(stage, await stage.refund(second.changeMsats), 'paid');
    await stage.hears(WAITS);
  });

  script(`the invoice runs out while the node is away (LNbits ${profile})`, { profile }, async (stage) => {
    const { changeMsats } = await stage.buy();
    stage.fake.node.down = true;
    const hash = await stage.refund(changeMsats, scripts.ok, { expirySeconds: 300 });
    await ends(stage, hash, 'dead');
    await stage.hears(FRESH);
    stage.fake.node.down = false;
    await ends(stage, await stage.refund(changeMsats), 'paid');
    expect(stage.fake.node.payCalls(hash)).toBe(0);
  });

  script(`the key for payments is refused for a while (LNbits ${profile})`, { profile }, async (stage) => {
    const { changeMsats } = await stage.buy();
    const fault = { kind: 'instead', status: 404, body: '{"detail":"Wallet not found."}' } as const;
    stage.fake.faults.add({ ...requests.pay, fault });
    const hash = await stage.refund(changeMsats);
    await stage.clock.pass(30);
    expect(stateOf(stage, hash)).toBe('committed');
    await ends(stage, hash, 'paid');
  });

  script(
    `a post that we gave up is carried out when its invoice has run out (LNbits ${profile})`,
    { profile },
    async (stage) => {
      const { fake, clock } = stage;
      const { changeMsats } = await stage.buy();
      fake.node.down = true;
      const start = clock.seconds();
      const hash = await stage.refund(changeMsats, scripts.ok, { expirySeconds: 310 });
      await clock.pass(195);
      fake.node.down = false;
      fake.faults.add({ ...requests.pay, fault: { kind: 'silence', runAfterMs: null } });
      // Two minutes after the post began, but not two after it was given up.
      await clock.pass(350 - (clock.seconds() - start));
      expect(stateOf(stage, hash)).not.toBe('dead');
      const late = fake.requests.findLast(({ body }) => body.includes('"out":true'));
      await asNeighbour(stage, fake.wallet, JSON.parse(late?.body ?? '{}') as object);
      await ends(stage, hash, 'paid');
    },
  );

  script(
    `with a service fee it can never be asked again: what failed stays unproven (LNbits ${profile})`,
    { profile },
    async (stage) => {
      const { changeMsats } = await stage.buy();
      stage.fake.instance.serviceFee = true;
      const hash = await stage.refund(changeMsats, scripts.fail);
      await stage.hears(ON_ITS_WAY);
      await stage.clock.pass(400);
      await stage.guest.say(`refund ${stage.fake.receiveInvoice(changeMsats)}`);
      await stage.hears(/are on their way\. Nothing for you to do/);
      expect(payouts(stage)).toMatchObject([{ hash, state: 'sent' }]);
    },
  );

  script(`with a service fee what is paid is paid (LNbits ${profile})`, { profile }, async (stage) => {
    const { changeMsats } = await stage.buy();
    stage.fake.instance.serviceFee = true;
    await ends(stage, await stage.refund(changeMsats), 'paid');
  });

  /** Another wallet of the same LNbits was given the same invoice. */
  const NEIGHBOURS: readonly (readonly [string, PayScript, ('paid' | 'failed')?])[] = [
    ['has paid it', scripts.ok],
    ['tried in vain', scripts.fail],
    ['tried, and nobody knows what came of it', scripts.never],
    ['is paying it', scripts.unknownThenPaid, 'paid'],
    ['is paying it in vain', scripts.unknownThenFailed, 'failed'],
  ];
  for (const [name, how, later] of NEIGHBOURS) {
    script(
      `another wallet ${name}: the customer is asked for another invoice (LNbits ${profile})`,
      { profile },
      async (stage) => {
        const { fake, guest } = stage;
        const { changeMsats } = await stage.buy();
        const bolt11 = fake.receiveInvoice(changeMsats, how, { expirySeconds: 1200 });
        await asNeighbour(stage, fake.addWallet('Neighbour', 5000), { out: true, bolt11 });
        await guest.say(`refund ${bolt11}`);
        await stage.hears(/^Paying out /);
        await stage.clock.pass(200);
        if (later !== undefined) fake.node.resolve(hashOf(bolt11), later);
        await ends(stage, hashOf(bolt11), 'dead', 1600);
        await stage.hears(FRESH);
        await ends(stage, await stage.refund(changeMsats), 'paid');
        expect(fake.node.payCalls(hashOf(bolt11))).toBe(1);
      },
    );
  }

  script(`an invoice of our own node is none to pay out to (LNbits ${profile})`, { profile }, async (stage) => {
    const { changeMsats } = await stage.buy();
    const neighbour = stage.fake.addWallet('Neighbour');
    stage.fake.oracle.strictKeys = false;
    const { bolt11 = '' } = await asNeighbour(stage, neighbour, { out: false, amount: changeMsats / 1000 });
    await stage.guest.say(`refund ${bolt11}`);
    stage.fake.oracle.strictKeys = true;
    await stage.hears(/cannot pay it from there\. The money is still yours/);
    await ends(stage, await stage.refund(changeMsats), 'paid');
  });
});
