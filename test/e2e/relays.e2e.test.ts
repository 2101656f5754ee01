import { afterEach, beforeEach, expect, test } from 'vitest';
import { openCustomer } from '../builders/daemon-customer.ts';
import { openOutside, type Outside } from '../builders/daemon-outside.ts';
import { buyByWords, REQUEST } from '../builders/daemon-purchase.ts';
import { startFakeRelay, type FakeRelay } from '../fakes/relay.ts';

const PRICE = 'sats now for a look';

let relays: FakeRelay[] = [];
let outside: Outside;
beforeEach(async () => {
  relays = await Promise.all([startFakeRelay(), startFakeRelay(), startFakeRelay()]);
  outside = await openOutside(relays.map(({ url }) => url));
});
afterEach(async () => {
  await outside.close();
  await Promise.all(relays.map((relay) => relay.close()));
});

test('one message in five wraps over three relays is handled once', async () => {
  const [one = '', two = '', three = ''] = outside.relays;
  const daemon = outside.daemon();
  await daemon.start();
  const customer = await openCustomer(outside.relays, daemon.publicKey);

  const rumor = customer.compose(REQUEST);
  const ways = [[one], [two], [three], [one, two, three], [three, one]];
  await Promise.all(ways.map((way) => customer.publish(customer.wrap(rumor), way)));
  await customer.ear.takeText(new RegExp(PRICE));
  await customer.ear.takeText(/^lnbc/);

  // A new start reads again all that the relays have; what is said then is answered behind it.
  await daemon.stop();
  await daemon.start();
  await customer.say('jobs');
  await customer.ear.takeText(/./);
  expect(customer.ear.messages.filter(({ text }) => text.includes(PRICE))).toHaveLength(1);
  expect(outside.lnbits.books().incoming.filter(({ label }) => label !== null)).toHaveLength(1);
  // Each answer went to all three in one wrap.
  expect(customer.ear.wraps.size).toBe(customer.ear.messages.length);
  await customer.close();
});

test('a whole purchase over three relays of which one is down and one never says OK', async () => {
  const [, mute, dead] = relays;
  const daemon = outside.daemon();
  const customer = await openCustomer(outside.relays, daemon.publicKey);
  mute?.behave({ ok: 'never' });
  await dead?.stop();
  await daemon.start();
  const say = (text: string): Promise<void> =>
    customer.publish(customer.wrap(customer.compose(text)), outside.relays.slice(0, 1));
  await buyByWords({ ...customer, say }, outside.lnbits);
  await daemon.stop();
  await customer.close();
});
