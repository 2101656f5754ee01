import { describe, expect } from 'vitest';
import { reopenAfterWrongInvoice } from '../../src/payments/index.ts';
import { requests, unexpectedError, type Fault, type HostileIssue } from '../fakes/lnbits/index.ts';
import { invoiceInTheEnd, NONE, payAndGet } from './purchase.ts';
import { script } from './script.ts';
import { hashOf } from './stage.ts';

/** What can happen to one request between us and LNbits. */
const FAULTS: Readonly<Record<string, Fault>> = {
  'cut off before they are read': { kind: 'reset_before' },
  'cut off after they ran': { kind: 'reset_after' },
  'never answered': { kind: 'silence', runAfterMs: null },
  'run, and never answered': { kind: 'silence', runAfterMs: 5_000 },
  'answered by a proxy': { kind: 'garble', as: 'html_502' },
  'answered with a web page': { kind: 'garble', as: 'html_200' },
  'answered, and torn': { kind: 'garble', as: 'truncated' },
  'answered with nothing': { kind: 'garble', as: 'empty' },
  'answered with nonsense': { kind: 'garble', as: 'wrong_shape' },
  'an error 500': unexpectedError,
  'rate limited': { kind: 'instead', status: 429, body: '{"error":"Rate limit exceeded: 200 per 1 minute"}' },
};

describe('an invoice over a bad line', () => {
  for (const [what, fault] of Object.entries(FAULTS)) {
    script(`two requests for it are ${what}`, { profile: '1.6' }, async (stage) => {
      stage.fake.faults.add({ ...requests.create, times: 2, fault });
      await payAndGet(stage, await invoiceInTheEnd(stage));
    });

    script(`four look-ups of it are ${what}`, { profile: '1.5' }, async (stage) => {
      const bolt11 = await stage.asks();
      stage.fake.push.silent = true;
      stage.fake.faults.add({ ...requests.look, times: 4, fault });
      await payAndGet(stage, bolt11);
    });
  }

  script('nothing listens when it is asked for, and nobody is charged', { profile: '1.6' }, async (stage) => {
    await stage.fake.stop();
    await stage.guest.say('job Why is the sky blue?');
    await stage.hears(NONE);
    await stage.fake.start();
    // As they were told to.
    await stage.guest.say('job Why is the sky blue?');
    await payAndGet(stage, await stage.hears(/^lnbc/));
  });

  script('LNbits is away while the invoice is open, and is paid meanwhile', { profile: '1.5' }, async (stage) => {
    const bolt11 = await stage.asks();
    await stage.fake.stop();
    stage.fake.payInvoice(bolt11, false);
    await stage.clock.pass(120);
    await stage.restart();
    await stage.fake.start();
    await stage.hears(/ yours\. receipt/);
  });

  const TWO_STEPS = { profile: '1.6', env: { JOB_ONE_INVOICE: 'off' } } as const;
  script('the second invoice takes long: the customer hears it, once, and it comes', TWO_STEPS, async (stage) => {
    const bolt11 = await stage.asks();
    stage.fake.faults.add({ ...requests.create, times: 1000, fault: { kind: 'instead', status: 503, body: 'busy' } });
    stage.fake.payInvoice(bolt11);
    await stage.hears(/my wallet is slow just now/);
    await stage.clock.pass(200);
    await stage.restart();
    expect(stage.guest.heard.filter((text) => text.includes('my wallet is slow')).length).toBe(1);
    stage.fake.faults.clear();
    await payAndGet(stage, await stage.hears(/^lnbc/));
  });
});

describe('an invoice that is not what was asked for', () => {
  const HOSTILE: Readonly<Record<string, HostileIssue>> = {
    'another amount': { amountMsats: 1_000 },
    'no amount': { amountMsats: null },
    'another network': { network: 'testnet' },
    'another hash': { otherHash: true },
    'a shorter life': { expirySeconds: 30 },
    'another payee': { foreignKey: true },
  };
  for (const [what, hostile] of Object.entries(HOSTILE)) {
    // The first sound invoice has shown whose node it is.
    script(`${what}, once: another is made`, { profile: '1.6' }, async (stage) => {
      await stage.buy();
      stage.fake.node.hostile = hostile;
      let asked = 0;
      stage.fake.faults.otherwise(({ body }) => {
        if (body.includes('"out":false')) asked += 1;
        if (asked > 1) stage.fake.node.hostile = null;
        return null;
      });
      await stage.buy();
    });

    const closes = { profile: '1.6', expectedErrors: /^invoice\.mismatch / } as const;
    script(`${what}: shown to nobody, and nothing is sold before a person has looked`, closes, async (stage) => {
      const { fake, guest, clock } = stage;
      await stage.buy();
      fake.node.hostile = hostile;
      await guest.say('job And why is the grass green?');
      await stage.hears(NONE);
      expect(guest.heard.filter((text) => text.startsWith('lnbc')).length).toBe(1);
      fake.node.hostile = null;
      await guest.say('job And why is the grass green?');
      await stage.hears(/my books are being checked/);
      stage.database().write((tx) => reopenAfterWrongInvoice(tx, null, clock.now()));
      await stage.buy();
    });
  }
});

describe('what the wallet pushes is a hint', () => {
  script('nothing is pushed', { profile: '1.6' }, async (stage) => {
    stage.fake.push.silent = true;
    await stage.buy();
  });

  script('everything is pushed twice', { profile: '1.6' }, async (stage) => {
    stage.fake.push.doubled = true;
    await stage.buy();
    await stage.buy();
  });

  script('forged pushes credit nothing', { profile: '1.6' }, async (stage) => {
    const bolt11 = await stage.asks();
    const payment = { payment_hash: hashOf(bolt11), amount: 161_000, status: 'success', pending: false };
    for (const [topic, text] of [
      [stage.fake.wallet.inkey, JSON.stringify({ wallet_balance: 9999, payment })],
      [hashOf(bolt11), '{"pending":false,"status":"success"}'],
      [stage.fake.wallet.inkey, '{"payment":{"payment_hash":"; DROP TABLE invoices"}}'],
      [stage.fake.wallet.inkey, '[[[['],
      [stage.fake.wallet.inkey, 'null'],
    ] as const) {
      await fetch(`${stage.fake.url}/api/v1/ws/${topic}?data=${encodeURIComponent(text)}`, { method: 'POST' });
    }
    await stage.clock.pass(30);
    expect(stage.guest.heard.some((text) => text.startsWith('Paid'))).toBe(false);
    await payAndGet(stage, bolt11);
  });

  script('the socket drops, and what was paid meanwhile is seen', { profile: '1.6' }, async (stage) => {
    const bolt11 = await stage.asks();
    stage.fake.push.drop();
    await payAndGet(stage, bolt11);
    await stage.clock.during('the socket', stage.fake.push.listened(stage.fake.wallet.inkey));
    await stage.buy();
  });
});
