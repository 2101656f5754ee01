import { describe, expect } from 'vitest';
import { requests, type Fault, type Profile } from '../fakes/lnbits/index.ts';
import { comesTooLate, payAndGet } from './purchase.ts';
import { script } from './script.ts';
import { asNeighbour, bought, hashOf, type Stage } from './stage.ts';
import { ends } from './verdict.ts';

const PROFILES: readonly Profile[] = ['1.5', '1.6'];
const busy: Fault = { kind: 'instead', status: 503, body: 'busy' };

describe.for(PROFILES)('money that comes late, twice or from strangers (LNbits %s)', (profile) => {
  script(`paid within LNbits and without: credited once (LNbits ${profile})`, { profile }, async (stage) => {
    const bolt11 = await stage.asks();
    const neighbour = stage.fake.addWallet('Neighbour', 5000);
    await asNeighbour(stage, neighbour, { out: true, bolt11 });
    stage.fake.payInvoice(bolt11);
    await stage.hears(/ yours\. receipt/);
    await asNeighbour(stage, neighbour, { out: true, bolt11 });
  });

  script(`paid after it was cancelled: owed back, and paid back (LNbits ${profile})`, { profile }, async (stage) => {
    const bolt11 = await stage.asks();
    const [id = ''] = /J-\w+/.exec(stage.guest.heard.join(' ')) ?? [];
    await stage.guest.say(`cancel ${id}`);
    await stage.hears(/is cancelled\. Please do not pay its invoice/);
    stage.fake.payInvoice(bolt11);
    await comesTooLate(stage);
  });

  const OFFER = { profile, env: { JOB_ONE_INVOICE: 'offer' } };
  script(`both of its invoices are paid: the second is owed back (LNbits ${profile})`, OFFER, async (stage) => {
    const look = await stage.asks();
    await stage.guest.say('one');
    const all = await stage.hears(/^lnbc/);
    stage.fake.payInvoice(all);
    const { changeMsats } = bought(await stage.hears(/ yours\. receipt/));
    stage.fake.payInvoice(look);
    await stage.hears(/^10 sats came for/);
    await ends(stage, await stage.refund(changeMsats + 10_000), 'paid');
  });

  script(`money that nobody asked for waits for a person (LNbits ${profile})`, { profile }, async (stage) => {
    stage.fake.payInvoice(await zap(stage));
    await stage.buy();
  });

  /** The node takes the money in time, and LNbits learns of it only when the invoice has run out. */
  const SHORT = { profile, env: { INVOICE_EXPIRY_SECONDS: '120' } };
  script(`LNbits was away when it was paid, until it had run out (LNbits ${profile})`, SHORT, async (stage) => {
    const { fake, guest, clock } = stage;
    const bolt11 = await stage.asks();
    await fake.stop();
    fake.payInvoice(bolt11, 'later');
    await clock.pass(150);
    await fake.start();
    if (profile === '1.5') return void (await stage.hears(/ yours\. receipt/));

    await clock.pass(60);
    await guest.say('paid');
    await stage.hears(/My wallet does not see that payment yet\..* A person is told/s);
    expect(stage.database().read.$client.prepare('SELECT count(*) FROM claims').pluck().get()).toBe(1);
    await stage.restart();
    fake.tellLate(hashOf(bolt11));
    await comesTooLate(stage);
  });

  script(`paid within LNbits long after it ran out (LNbits ${profile})`, SHORT, async (stage) => {
    const bolt11 = await stage.asks();
    await stage.clock.pass(200);
    await asNeighbour(stage, stage.fake.addWallet('Neighbour', 5000), { out: true, bolt11 });
    // 1.6 has closed it: nothing was taken. 1.5 takes it all the same.
    if (profile === '1.6') return;
    await comesTooLate(stage);
  });

  script(
    `a stranger looks at it when it has run out, and only then is it seen (LNbits ${profile})`,
    SHORT,
    async (stage) => {
      const { fake, clock } = stage;
      const bolt11 = await stage.asks();
      fake.faults.add({ ...requests.lookAt(hashOf(bolt11)), times: 1000, fault: busy });
      fake.payInvoice(bolt11, 'later');
      await clock.pass(150);
      fake.faults.clear();
      const seen = await fetch(`${fake.url}/api/v1/payments/${hashOf(bolt11)}`);
      expect(await seen.json()).toMatchObject({ paid: profile === '1.5' });
      if (profile === '1.5') return void (await stage.hears(/ yours\. receipt/));
      await clock.pass(60);
      fake.tellLate(hashOf(bolt11));
      await comesTooLate(stage);
    },
  );

  script(`its node tells of a payment that it does not have (LNbits ${profile})`, { profile }, async (stage) => {
    const bolt11 = await stage.asks();
    stage.fake.tellLate(hashOf(bolt11));
    // 1.5 takes its word, so the money is in the wallet; 1.6 asks again.
    if (profile === '1.6') await stage.clock.pass(30);
    if (profile === '1.6') await payAndGet(stage, bolt11);
    else await stage.hears(/ yours\. receipt/);
  });

  script(`strangers fill the list with invoices, and pay one (LNbits ${profile})`, { profile }, async (stage) => {
    const { fake } = stage;
    const bolt11 = await stage.asks();
    const zaps = await Promise.all(Array.from({ length: 30 }, () => zap(stage)));
    fake.payInvoice(zaps[7] ?? '');
    await payAndGet(stage, bolt11);
    fake.payInvoice(zaps[8] ?? '', false);
    await stage.buy();
  });

  script(`LNbits forgets what it issued (FakeWallet, restarted) (LNbits ${profile})`, SHORT, async (stage) => {
    const { fake, clock } = stage;
    const lost = await stage.asks();
    const paid = await stage.asks();
    fake.payInvoice(paid, false);
    await fake.stop();
    fake.node.forget();
    await fake.start();
    expect(fake.payInvoice(lost)).toBe(false);
    await stage.hears(/ yours\. receipt/);
    await clock.pass(200);
    await stage.buy();
  });
});

/** An invoice made through the wallet's own Lightning address. */
async function zap({ fake }: Stage): Promise<string> {
  const made = await fetch(`${fake.url}/api/v1/payments`, {
    method: 'POST',
    headers: { 'x-api-key': fake.wallet.inkey },
    body: JSON.stringify({ out: false, amount: 77, memo: 'zap', extra: { tag: 'wallet_lightning_address' } }),
  });
  return ((await made.json()) as { bolt11: string }).bolt11;
}
