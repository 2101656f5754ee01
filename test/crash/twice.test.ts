import { expect, test } from 'vitest';
import { lookAtBooks } from '../builders/daemon-books.ts';
import { startDoomed } from '../builders/daemon-deaths.ts';
import { openOutside, type Outside } from '../builders/daemon-outside.ts';
import { buyWithAddress, openAddressedCustomer, type AddressedCustomer } from '../builders/daemon-purchase-auto.ts';
import type { Daemon } from '../builders/daemon.ts';
import { samplePairs, SAME, type Pair } from './pairs.ts';
import { booksAfter, expectHeard, expectWhole, SAID_IN_WORDS, SAID_OF_RECEIPTS, type Said } from './verdict.ts';

const SAID: Said = [...SAID_IN_WORDS, [/^Paid out: \d+ sats to me@/, 1], ...SAID_OF_RECEIPTS];

test.concurrent.each([...SAME, ...samplePairs(12, 8)])('killed at %s, then at %s: all is whole', (...pair) =>
  purchase(pair, async ({ daemon, outside, customer, died }) => {
    const bought = await buyWithAddress(customer, outside.lnbits);
    await died();
    await daemon.stop();
    expectWhole(daemon, outside.lnbits, bought);
    expectHeard(customer.ear, SAID);
  }),
);

test.concurrent('killed twice while the model looks: it is not asked a third time, the money goes back', () =>
  purchase(['job.evaluate:acted', 'job.evaluate:acted'], async ({ daemon, outside, customer, died }) => {
    const { lnbits, anthropic } = outside;
    await customer.say('Why is the sky blue? Please answer in one sentence.');
    lnbits.payInvoice((await customer.ear.takeText(/^lnbc\w+$/))[0]);
    await customer.ear.takeText(/could not be done: its answer was lost twice\. .* 10 sats go to me@/);
    await customer.ear.takeText(/^Paid out: 10 sats to me@/);
    await died();
    await daemon.stop();
    expect(anthropic.calls.map(({ role }) => role)).toEqual(['eval', 'eval']);
    expect(lookAtBooks(daemon, lnbits)).toEqual({
      broken: [],
      ...booksAfter({ evalSats: 10, workSats: 0, changeSats: 10 }),
    });
  }),
);

interface Scene {
  readonly outside: Outside;
  readonly daemon: Daemon;
  readonly customer: AddressedCustomer;
  readonly died: () => Promise<void>;
}

/** A daemon that dies twice, and a customer whose profile names a Lightning address. */
async function purchase(pair: Pair, story: (scene: Scene) => Promise<void>): Promise<void> {
  const outside = await openOutside();
  const daemon = outside.daemon();
  const customer = await openAddressedCustomer(outside.relays, daemon.publicKey, outside.lnbits);
  try {
    const died = await startDoomed(daemon, pair);
    await story({ outside, daemon, customer, died });
  } finally {
    await customer.close();
    await outside.close();
  }
}
