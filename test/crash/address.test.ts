import { expect, test } from 'vitest';
import { startDoomed } from '../builders/daemon-deaths.ts';
import { openOutside } from '../builders/daemon-outside.ts';
import { buyWithAddress, openAddressedCustomer } from '../builders/daemon-purchase-auto.ts';
import { ADDRESS_KILLS } from './points.ts';
import { expectHeard, expectWhole, SAID_IN_WORDS, SAID_OF_RECEIPTS, type Said } from './verdict.ts';

const SAID: Said = [...SAID_IN_WORDS, [/^Paid out: \d+ sats to me@/, 1], ...SAID_OF_RECEIPTS];

test.concurrent.each(ADDRESS_KILLS)('change to the address in a profile, killed at %s: paid once', async (point) => {
  const outside = await openOutside();
  const { lnbits } = outside;
  const daemon = outside.daemon();
  const customer = await openAddressedCustomer(outside.relays, daemon.publicKey, lnbits);
  try {
    const died = await startDoomed(daemon, [point]);
    const bought = await buyWithAddress(customer, lnbits);
    await died();
    await daemon.stop();
    // The books know one payout; the address may have been asked for an invoice once more, which nobody paid.
    expectWhole(daemon, lnbits, bought);
    expectHeard(customer.ear, SAID);
    const { invoices } = customer.lnurl;
    expect(invoices.map(({ amountMsats }) => Number(amountMsats))).toEqual(
      invoices.map(() => bought.changeSats * 1000),
    );
    const mayAskAgain = point === 'refund.auto:acted#2';
    expect(invoices).toHaveLength(mayAskAgain ? 2 : 1);
  } finally {
    await customer.close();
    await outside.close();
  }
});
