import { afterEach, beforeEach, expect, test } from 'vitest';
import { openCustomer } from '../builders/daemon-customer.ts';
import { ANSWER, openOutside, type Outside } from '../builders/daemon-outside.ts';
import { buyByWords, REQUEST } from '../builders/daemon-purchase.ts';

const DAY = 86_400;
const PRICE = 'sats now for a look';

let outside: Outside;
beforeEach(async () => {
  outside = await openOutside();
});
afterEach(() => outside.close());

test('a message sent while the daemon was down, its wrap dated two days back, is answered after the start', async () => {
  const daemon = outside.daemon();
  await daemon.start();
  const customer = await openCustomer(outside.relays, daemon.publicKey);
  await customer.say('help');
  await customer.ear.takeText(/./);
  await daemon.stop();

  await customer.publish(customer.wrap(customer.compose(REQUEST), Math.floor(Date.now() / 1000) - 2 * DAY));
  await daemon.start();
  await customer.ear.takeText(new RegExp(PRICE));
  await customer.ear.takeText(/^lnbc/);

  // And one more start takes nothing up again.
  await daemon.kill9();
  await daemon.start();
  await customer.say('balance');
  await customer.ear.takeText(/./);
  expect(customer.ear.messages.filter(({ text }) => text.includes(PRICE))).toHaveLength(1);
  expect(outside.lnbits.books().incoming.filter(({ label }) => label !== null)).toHaveLength(1);
  await customer.close();
});

test('SIGTERM while the model thinks: it ends in time, and the answer comes after the start', async () => {
  const { anthropic, lnbits } = outside;
  const daemon = outside.daemon();
  await daemon.start();
  const customer = await openCustomer(outside.relays, daemon.publicKey);
  anthropic.next('work', { do: 'hang' });
  const buying = buyByWords(customer, lnbits);
  await anthropic.received(2);
  await daemon.stop();
  await daemon.start();
  await buying;
  expect(customer.ear.messages.filter(({ text }) => text.includes(ANSWER))).toHaveLength(1);
  expect(anthropic.calls.map(({ role }) => role)).toEqual(['eval', 'work', 'work']);
  await customer.close();
});

test('a second daemon on the same data exits 3; without a key, too', async () => {
  const daemon = outside.daemon();
  await daemon.start();
  const second = await daemon.cli('start');
  expect(second).toMatchObject({ code: 3, stdout: '' });
  expect(second.stderr).toContain(String(daemon.pid));
  const nameless = outside.daemon({ TIMMY_NOSTR_NSEC: '' });
  expect(await nameless.cli('start')).toMatchObject({ code: 3 });
});
