import { expect, test } from 'vitest';
import { openCustomer, type Customer } from '../test/builders/daemon-customer.ts';
import { openOutside, type Outside } from '../test/builders/daemon-outside.ts';
import { startFakeRelay, type FakeRelay } from '../test/fakes/relay.ts';
import { pause } from './siege/honest.ts';

/** `OUTAGE_MINUTES=20 npm run bench -- outages` adds a relay that is away for so long. */
const LONG_MINUTES = Number(process.env['OUTAGE_MINUTES'] ?? 0);

const figures: string[] = [];

/** Prints how long after its return a relay has the paid answer that waited for it; asserts only that it comes. */
test(
  'a relay of the customer’s that is away or says no while a paid answer goes out',
  { timeout: 3_600_000 },
  async () => {
    await answerAfter('away for 75 s', async (relay, whileAway) => {
      await relay.stop();
      await whileAway();
      await pause(75_000);
      await relay.restart();
    });
    await answerAfter('says blocked for 30 s', async (relay, whileAway) => {
      relay.behave({ ok: { accepted: false, message: 'blocked: pubkey not admitted' } });
      await whileAway();
      await pause(30_000);
      relay.behave({ ok: 'normal' });
    });
    await answerAfter('never says OK for 60 s', async (relay, whileAway) => {
      relay.behave({ ok: 'never' });
      await whileAway();
      await pause(60_000);
      relay.behave({ ok: 'normal' });
    });
    if (LONG_MINUTES > 0)
      await answerAfter(`away for ${LONG_MINUTES} min`, async (relay, whileAway) => {
        await relay.stop();
        await whileAway();
        await pause(LONG_MINUTES * 60_000);
        await relay.restart();
      });
    console.log(figures.join('\n'));
    expect(figures.length).toBeGreaterThan(0);
  },
);

/** Prints the share of a minute in which we are connected to an inbox relay that drops us every four seconds. */
test('an inbox relay that drops every connection each four seconds', { timeout: 300_000 }, async () => {
  const home = await startFakeRelay();
  const outside = await openOutside([home.url]);
  await outside.daemon({ TIMMY_LOG_LEVEL: 'warn' }).start();
  let there = 0;
  let samples = 0;
  for (let tick = 0; tick < 1200; tick++) {
    if (tick % 80 === 0) home.dropAll();
    await pause(50);
    samples += 1;
    if (home.connections().open > 0) there += 1;
  }
  await outside.close();
  await home.close();
  console.log(`dropped every 4 s: connected ${((there / samples) * 100).toFixed(1)} % of a minute`);
  expect(samples).toBe(1200);
});

/** One purchase whose answer is made while the customer's own relay is in trouble. */
async function answerAfter(
  what: string,
  trouble: (relay: FakeRelay, whileAway: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const home = await startFakeRelay();
  const theirs = await startFakeRelay();
  const outside = await openOutside([home.url]);
  const daemon = outside.daemon({ TIMMY_LOG_LEVEL: 'info', TEXT_JOIN_SECONDS: '0' });
  await daemon.start();
  const customer = await openCustomer([theirs.url], daemon.publicKey);
  // They write through the relay where we read, and read on their own.
  home.inject(...theirs.events().filter(({ kind }) => kind === 10050));
  const say = async (text: string): Promise<void> => void home.inject(customer.wrap(customer.compose(text)));
  await say('job Why is the sky blue?');
  await payNext(customer, outside);
  const work = (await customer.ear.takeText(/^lnbc\w+$/))[0];
  const heardBefore = theirs.events().length;
  await trouble(theirs, async () => {
    outside.lnbits.payInvoice(work);
    await pause(5000);
  });
  const back = performance.now();
  while (theirs.events().length <= heardBefore) await pause(20);
  figures.push(`${what}: the answer is there ${((performance.now() - back) / 1000).toFixed(1)} s after its return`);
  await customer.close();
  await outside.close();
  await Promise.all([home.close(), theirs.close()]);
}

async function payNext(customer: Customer, { lnbits }: Outside): Promise<void> {
  lnbits.payInvoice((await customer.ear.takeText(/^lnbc\w+$/))[0]);
}
