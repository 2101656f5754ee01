import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeInvoice } from '../../src/bolt11/index.ts';
import { sha256Hex } from '../../src/lib/hash.ts';
import { unixSeconds } from '../../src/lib/units.ts';
import { verifyEverything } from '../../src/operator/verify.ts';
import { profileEvent } from '../../src/nostr/profile.ts';
import type { LnurlPay } from '../../src/ports/lnurl.ts';
import { openHouse, RELAY, type Guest, type House } from '../builders/house.ts';

let house: House;
afterEach(() => house.close());

/** A Lightning address server that makes real invoices. */
function addresses(): LnurlPay & { asked: [string, bigint][] } {
  const asked: [string, bigint][] = [];
  return {
    asked,
    resolve: () => Promise.resolve(),
    invoice: (destination, amountMsats) => {
      asked.push([destination, amountMsats]);
      return Promise.resolve(invoiceFor(amountMsats));
    },
  };
}

function invoiceFor(amountMsats: bigint): string {
  const draft = {
    network: 'regtest',
    amountMsats,
    timestamp: unixSeconds(Math.floor(Date.now() / 1000)),
    expirySeconds: 3600,
  } as const;
  const hashes = { paymentHash: sha256Hex(randomBytes(32)), paymentSecret: sha256Hex(randomBytes(32)) };
  return encodeInvoice({ ...draft, description: 'change', ...hashes }, randomBytes(32));
}

const settled = (): unknown[] =>
  house.database.read.$client.prepare(`SELECT destination, amount_msats FROM payouts WHERE state = 'paid'`).all();

async function buy(guest: Guest, request: string): Promise<string> {
  await guest.say(request);
  house.pay(await guest.hears(/^lnbcrt/));
  house.pay(await guest.hears(/^lnbcrt/));
  return guest.hears(/ yours\. receipt/);
}

describe('change without a word', () => {
  it('goes to the Lightning address in the profile', async () => {
    const lnurl = addresses();
    house = await openHouse({ lnurl });
    const guest = await house.guest();
    await house.hub.put(
      RELAY,
      await guest.sign(profileEvent({ name: 'g', about: '', lud16: 'g@pay.example' }, unixSeconds(1))),
    );
    const answer = await buy(guest, 'Why is the sky blue? Explain it to a child.');
    expect(answer).toContain('2 sats go to g@pay.example');
    expect(await guest.hears(/^Paid out/)).toContain('2 sats to g@pay.example');
    expect(lnurl.asked).toEqual([['g@pay.example', 2000n]]);
    expect(settled()).toEqual([{ destination: 'g@pay.example', amount_msats: 2000 }]);
    expect(verifyEverything(house.database.read)).toEqual([]);
  });

  it('stays where refunds are off, and goes to the address they name later', async () => {
    const lnurl = addresses();
    house = await openHouse({ lnurl });
    const guest = await house.guest();
    await guest.say('refunds off');
    await guest.hears(/Nothing is paid out by itself/);
    await buy(guest, 'Why is the sky blue? Explain it to a child.');
    expect(lnurl.asked).toEqual([]);
    await guest.say('refund other@pay.example');
    await guest.hears(/^Paying out 2 sats to other@pay\.example/);
    await guest.hears(/^Paid out/);
    await guest.say('refund');
    expect(await guest.hears(/was paid/)).toMatch(/Payment hash: [0-9a-f]{64}/);
    expect(verifyEverything(house.database.read)).toEqual([]);
  });

  it('pays the next step with `keep on`, and then no invoice comes', async () => {
    house = await openHouse({ env: { EVAL_FEE_SATS: '2' } });
    const guest = await house.guest();
    await guest.say('keep on');
    await guest.hears(/pays your next step/);
    await buy(guest, 'Why is the sky blue? Explain it to a child.');
    const before = guest.heard.filter((text) => text.startsWith('lnbcrt')).length;
    await guest.say('And why is grass green? Explain that too, please.');
    await guest.hears(/It is paid from what I keep for you/);
    house.pay(await guest.hears(/^lnbcrt/));
    await guest.hears(/ yours\. receipt/);
    expect(guest.heard.filter((text) => text.startsWith('lnbcrt')).length).toBe(before + 1);
    expect(verifyEverything(house.database.read)).toEqual([]);
  });
});
